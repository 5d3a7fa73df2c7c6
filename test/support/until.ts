/**
 * Waits for a condition of the outside world (a process, a socket, a file): looks every `everyMs`. @throws when it does not
 * hold within `withinMs`, naming `what`. The
 * default tells a hang, on a machine that is busy with ten other things too.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = 100_000,
  everyMs = 5,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited ${withinMs} ms for: ${what}`);
    await pause(everyMs);
  }
}

/** The first answer that is good. @throws as `until`. */
export async function untilGood<T>(
  what: string,
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
): Promise<T> {
  let answer!: T;
  await until(what, async () => good((answer = await ask())));
  return answer;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
