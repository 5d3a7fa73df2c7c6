import type { CentredKernel } from './centred-kernel.ts';
import { hampelValue, hampelValuesMin } from './median.ts';
import { SortedWindow } from './sorted-window.ts';

/**
 * Hampel identifier in the middle of its window, which is odd: a value is judged among as many before it as after it, and so a step is
 * no spike. At the ends of a run the window is what there is of it.
 */
export function centredHampelKernel(options: {
  readonly window: number;
  readonly sigmas: number;
  readonly floor: number;
}): CentredKernel<SortedWindow> {
  const { window } = options;
  const half = (window - 1) / 2;
  const create = (): SortedWindow => new SortedWindow(window);
  const judge = (values: SortedWindow, value: number): number =>
    values.count < hampelValuesMin ? value : hampelValue(values, value, options);
  const waiting = ({ count }: SortedWindow): number => Math.min(count, half);
  return {
    stateBytes: 420 + 16 * window,
    span: window,
    waitingMax: half + 1,
    create,
    waiting,
    push: (values, { value }, results) => {
      values.push(value);
      if (values.count <= half) return 0;
      results[0] = judge(values, values.arrived(half));
      return 1;
    },
    flush: (values, results) => {
      const left = waiting(values);
      for (let age = left - 1; age >= 0; age--) {
        const around = create();
        for (let old = Math.min(values.count - 1, age + half); old >= 0; old--)
          around.push(values.arrived(old));
        results[left - 1 - age] = judge(around, values.arrived(age));
      }
      values.clear();
      return left;
    },
    write: (writer, values) => values.write(writer),
    read: (reader) => {
      const values = create();
      values.read(reader);
      return values;
    },
  };
}
