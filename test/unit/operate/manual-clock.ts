import { type Micros, type Millis, micros, millis } from '#agent/base/units.ts';
import type { Alarm, Clock } from '#agent/ports/clock.ts';

/** A clock that moves when told. */
export class ManualClock implements Clock {
  #now = 0;
  #steppedMicros = 0;
  readonly #alarms = new Set<{ at: number; wake: () => void }>();

  monotonic(): Millis {
    return millis(this.#now);
  }

  /** 2026-11-21T08:00:00Z plus what has passed and by how much it was set. */
  wall(): Micros {
    return micros((Date.UTC(2026, 10, 21, 8) + this.#now) * 1_000 + this.#steppedMicros);
  }

  /** Sets the wall clock alone. */
  stepWall(byMicros: number): void {
    this.#steppedMicros += byMicros;
  }

  after(delay: Millis, wake: () => void): Alarm {
    const alarm = { at: this.#now + delay, wake };
    this.#alarms.add(alarm);
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  get armed(): number {
    return this.#alarms.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#alarms].filter((alarm) => alarm.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
    this.#now = end;
  }
}
