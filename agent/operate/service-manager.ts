import type { Millis } from '../base/units.ts';

/** Who started the agent, where that is a service manager that listens (systemd's sd_notify(3)). */
export interface ServiceManager {
  /** Half of this is how often it wants to hear of us; null when no watchdog is set for this process. */
  readonly watchdogMs: Millis | null;
  /** Assignments as sd_notify(3) defines them, `NAME=value`, sent as one message. Never throws. */
  notify(assignments: readonly string[]): void;
  /** CLOCK_MONOTONIC in microseconds, as RELOADING wants it. */
  monotonicMicros(): bigint;
}

/** Nobody listens. */
export const noServiceManager: ServiceManager = {
  watchdogMs: null,
  notify: () => undefined,
  monotonicMicros: () => 0n,
};
