import { type Micros, type Millis, micros, millis } from '#agent/base/units.ts';
import type { Alarm, Clock } from '#agent/ports/clock.ts';

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Virtual time. Nothing rings until a test moves it; alarms ring in the order of their due times. */
export class FakeClock implements Clock {
  #now = 0;
  /** Wall clock minus monotonic clock, in microseconds. */
  #wallOffset: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(wallMicros: number = Date.UTC(2026, 10, 21, 8) * 1000) {
    this.#wallOffset = wallMicros;
  }

  monotonic(): Millis {
    return millis(this.#now);
  }

  wall(): Micros {
    return micros(this.#wallOffset + this.#now * 1000);
  }

  after(delay: Millis, wake: () => void): Alarm {
    const pending = { due: this.#now + Math.max(0, delay), order: this.#order++, wake };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  /** Steps the wall clock alone. */
  stepWall(bymicros: number): void {
    this.#wallOffset += bymicros;
  }

  /** Alarms set and not rung. */
  get alarms(): number {
    return this.#pending.size;
  }

  /** Moves both clocks by `ms`, ringing what falls due. Between alarms, promises settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** Moves from alarm to alarm until `reached`, at most `msMax` of virtual time. True when it was. */
  async advanceUntil(reached: () => boolean, msMax: number): Promise<boolean> {
    const end = this.#now + msMax;
    await this.settle();
    while (!reached()) {
      const next = this.#next(end);
      if (next === null) return false;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      await this.settle();
    }
    return true;
  }

  /** Lets every promise that needs no time of the clock run. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => void setImmediate(resolve));
  }

  #next(end: number): Pending | null {
    let next: Pending | null = null;
    for (const pending of this.#pending) {
      if (pending.due > end) continue;
      if (next === null || pending.due < next.due || (pending.due === next.due && pending.order < next.order))
        next = pending;
    }
    return next;
  }
}
