import type { Micros, Millis } from '../base/units.ts';

/** Both clocks of the host. Rooms never read time elsewhere. */
export interface Clock {
  /** Since an arbitrary start, never steps back, stands still in no sleep of ours. */
  monotonic(): Millis;
  /** Microseconds since 1970 by the host's wall clock; may step. */
  wall(): Micros;
  /** Calls back once, not before `delay`. The handle keeps no process alive by itself. */
  after(delay: Millis, wake: () => void): Alarm;
}

export interface Alarm {
  /** Safe to call twice and after it rang. */
  cancel(): void;
}
