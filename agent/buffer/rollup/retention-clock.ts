import { clockAheadMicrosMax, clockBelievedMillis } from './limits.ts';
import type { Moment } from '../store-core.ts';

/**
 * By which time windows grow old. A clock that is set years ahead for a moment must not take the windows of days with it, nor close the time up to there for
 * those to come: one that moved ahead of the monotonic clock is believed once it stood so for a day. Size bounds the windows all the same.
 */
export class RetentionClock {
  /** Wall time at the last look; 0: none is known. */
  #micros: number;
  /** Monotonic milliseconds of the last look; of the first one that found the clock ahead. */
  #lookedMillis: number | null = null;
  #aheadMillis: number | null = null;

  /** `knownMicros`: the newest wall time known when the store was opened, 0: none. */
  constructor(knownMicros: number) {
    this.#micros = knownMicros;
  }

  /** Wall time, microseconds. */
  look({ wallMicros, monotonicMillis }: Moment): number {
    const passed = 1_000 * (monotonicMillis - (this.#lookedMillis ?? monotonicMillis));
    this.#lookedMillis = monotonicMillis;
    const isAhead = this.#micros > 0 && wallMicros > this.#micros + passed + clockAheadMicrosMax;
    if (isAhead) this.#aheadMillis ??= monotonicMillis;
    const isBelieved = !isAhead || monotonicMillis - this.#aheadMillis! >= clockBelievedMillis;
    if (isBelieved) this.#aheadMillis = null;
    this.#micros = isBelieved ? wallMicros : this.#micros + passed;
    return this.#micros;
  }
}
