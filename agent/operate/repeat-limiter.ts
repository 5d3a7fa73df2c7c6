import { type Millis, millis } from '../base/units.ts';
import { limits } from './limits.ts';

/** What was held back under one key when its window ended. */
export interface Repeats<T> {
  readonly first: T;
  /** > 0. */
  readonly held: number;
}

interface Window<T> {
  readonly first: T;
  readonly endMs: Millis;
  /** Records let through so far. */
  admitted: number;
  held: number;
}

/**
 * Lets the first records of a key through, `allowance` of them, and holds the others for the rest of `repeatWindowMs`. A
 * machine: time is an argument, and windows all have one length, so that they end in the order in which they began.
 */
export class RepeatLimiter<T> {
  readonly #allowance: number;
  readonly #windows = new Map<string, Window<T>>();
  readonly #early: Repeats<T>[] = [];

  constructor(allowance: number) {
    this.#allowance = allowance;
  }

  /** True: print it. Windows that have ended are closed first by {@link expire}. */
  admit(key: string, record: T, now: Millis): boolean {
    const open = this.#windows.get(key);
    if (open !== undefined && now < open.endMs) {
      if (open.admitted < this.#allowance) {
        open.admitted++;
        return true;
      }
      open.held++;
      return false;
    }
    if (open !== undefined) this.#close(key, open);
    if (this.#windows.size >= limits.repeatKeys) {
      const [oldestKey, oldest] = this.#windows.entries().next().value!;
      this.#close(oldestKey, oldest);
    }
    this.#windows.set(key, {
      first: record,
      endMs: millis(now + limits.repeatWindowMs),
      admitted: 1,
      held: 0,
    });
    return true;
  }

  /** Closes windows that end at or before `now` and tells what they held; `Infinity` closes all. */
  expire(now: number): readonly Repeats<T>[] {
    for (const [key, window] of this.#windows) {
      if (window.endMs > now) break;
      this.#close(key, window);
    }
    return this.#early.splice(0);
  }

  /** When the next window ends, or null. */
  nextDeadline(): Millis | null {
    return this.#windows.values().next().value?.endMs ?? null;
  }

  #close(key: string, window: Window<T>): void {
    this.#windows.delete(key);
    if (window.held > 0) this.#early.push({ first: window.first, held: window.held });
  }
}
