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

/** What the host knows of its clocks at one moment. */
export interface ClockSight {
  readonly wallMicros: number;
  /** Since boot, integer microseconds; compares between processes of one boot. */
  readonly monotonicMicros: number;
  /** Whether the wall clock is disciplined (NTP, PTP, GPS); null where the host does not tell. */
  readonly synchronized: boolean | null;
}

/** Looks at the host's clocks. Both calls are cheap and never wait; `look` is for once a second. */
export interface ClockWatch {
  monotonicMicros(): number;
  look(): ClockSight;
}
