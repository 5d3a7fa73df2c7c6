import type { Micros, Millis } from '../base/units.ts';
import { millis } from '../base/units.ts';
import { uplinkLimits } from './limits.ts';

export interface BudgetLimits {
  /** Bytes a second, averaged; null for no limit. */
  readonly bytesPerSecond: number | null;
  /** Bytes a day (UTC); null for no limit. */
  readonly bytesPerDay: number | null;
}

export interface BudgetReport {
  /** Days since 1970 the spending is booked on. */
  readonly day: number;
  readonly spentBytes: number;
  readonly bytesPerDay: number | null;
  readonly bytesPerSecond: number | null;
}

const dayMicros = 86_400_000_000;

/** Days since 1970 of a wall-clock time. */
export const dayOf = (wall: Micros): number => Math.floor(wall / dayMicros);

/**
 * What an uplink may send: a token bucket on the monotonic clock and an account per UTC day. Both count bytes that were sent,
 * taken or not. A batch may overdraw the bucket; the next one waits until the debt is paid.
 *
 * The day follows the wall clock forward. When the clock steps back, the day stands still until the clock has caught up, or
 * until 24 hours of monotonic time have passed, after which the new date is believed: a clock that swings around midnight, or
 * starts in 1970, opens no second account.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  /** Bytes that may leave at `#tokensAt`; negative after an overdraft. At most one second's worth. */
  #tokens: number;
  #tokensAt: Millis | null = null;
  #day: number | null = null;
  #spent = 0;
  /** Since when the wall clock shows a day before `#day`. */
  #behindSince: Millis | null = null;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
    this.#tokens = limits.bytesPerSecond ?? 0;
  }

  /** What the store remembers from earlier runs. Called before the first question. */
  restore(account: { day: number; bytes: number }): void {
    if (this.#day !== null && account.day <= this.#day) return;
    this.#day = account.day;
    this.#spent = account.bytes;
  }

  /** The day spending is booked on now. */
  day(now: { monotonic: Millis; wall: Micros }): number {
    this.#turn(now);
    return this.#day ?? 0;
  }

  /** May a batch leave? `bytes` is its size where known. An untouched day lets any batch through, or one larger than the day would wait for ever. */
  allows(now: { monotonic: Millis; wall: Micros }, bytes = 0): boolean {
    return this.waitMs(now, bytes) === 0;
  }

  /** Milliseconds until {@link allows} may say yes; 0 when it does. */
  waitMs(now: { monotonic: Millis; wall: Micros }, bytes = 0): Millis {
    this.#turn(now);
    const perDay = this.#limits.bytesPerDay;
    if (perDay !== null && this.#spent > 0 && this.#spent + Math.max(bytes, 1) > perDay) {
      const untilMidnight = Math.ceil(((dayOf(now.wall) + 1) * dayMicros - now.wall) / 1000);
      return millis(Math.max(1, untilMidnight));
    }
    if (this.#limits.bytesPerSecond === null || this.#tokens > 0) return millis(0);
    return millis(Math.ceil((-this.#tokens / this.#limits.bytesPerSecond) * 1000) + 1);
  }

  spend(now: { monotonic: Millis; wall: Micros }, bytes: number): void {
    this.#turn(now);
    this.#spent += bytes;
    if (this.#limits.bytesPerSecond !== null) this.#tokens -= bytes;
  }

  inspect(): BudgetReport {
    return { day: this.#day ?? 0, spentBytes: this.#spent, ...this.#limits };
  }

  #turn(now: { monotonic: Millis; wall: Micros }): void {
    const rate = this.#limits.bytesPerSecond;
    if (rate !== null) {
      const elapsed = now.monotonic - (this.#tokensAt ?? now.monotonic);
      this.#tokens = Math.min(rate, this.#tokens + (elapsed * rate) / 1000);
      this.#tokensAt = now.monotonic;
    }
    const day = dayOf(now.wall);
    if (this.#day === null || day > this.#day) {
      this.#openDay(day);
    } else if (day < this.#day) {
      this.#behindSince ??= now.monotonic;
      if (now.monotonic - this.#behindSince >= uplinkLimits.budgetStretchMs) this.#openDay(day);
    } else this.#behindSince = null;
  }

  #openDay(day: number): void {
    this.#day = day;
    this.#spent = 0;
    this.#behindSince = null;
  }
}
