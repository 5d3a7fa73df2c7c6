import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export type Collect = (options: {
  readonly type: 'minor' | 'major';
  readonly execution: 'sync';
  readonly flavor?: 'last-resort';
}) => void;

/** Looks for the collector at one call. Another thread that does the same takes a thousandth as long to be done with it. */
const attemptsMax = 16;

let known: Collect | null = null;

/**
 * This thread's collector. The runtime shows it to contexts made while a flag stands, and the flag is one for all threads: another thread may take it
 * down in between, so it is looked for again. Null when it was not to be seen; then the runtime collects when it sees fit.
 */
export function collector(look: () => Collect | null = shown): Collect | null {
  for (let i = 0; i < attemptsMax && known === null; i++) known = look();
  return known;
}

function shown(): Collect | null {
  setFlagsFromString('--expose-gc');
  try {
    return runInNewContext('globalThis.gc ?? null') as Collect | null;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
