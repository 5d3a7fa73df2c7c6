/**
 * Work in steps, so that the thread can turn to something else between two: each step tells the cells (values) it went
 * through, a measure of the time it took.
 */
export type Steps<T> = Generator<number, T>;

/** All of it, at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Goes on until so many cells are done or all is: then the result, in a box. Null when there is more to do. */
export function some<T>(steps: Steps<T>, cells: number): { readonly result: T } | null {
  for (let done = 0; done < cells;) {
    const step = steps.next();
    if (step.done === true) return { result: step.value };
    done += step.value;
  }
  return null;
}
