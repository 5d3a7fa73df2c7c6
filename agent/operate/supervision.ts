import { type Millis, millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { loopLagSampled, partAged, progressResumed, watchdogFed, watchdogWithheld } from './events.ts';
import { limits } from './limits.ts';
import type { Progress } from './progress.ts';
import { redact } from './redact.ts';
import type { ServiceManager } from './service-manager.ts';

export interface SupervisionOptions {
  readonly clock: Clock;
  readonly manager: ServiceManager;
  readonly progress: Progress;
  readonly telemetry: Telemetry;
}

/**
 * Speaks with the service manager, and feeds its watchdog while every working part gets on. A part that stands still
 * starves the watchdog: the manager then kills and restarts the agent, which loses nothing that was acknowledged. The
 * event loop's own life is implied: a loop that does not turn feeds nothing.
 */
export class Supervision {
  readonly #options: SupervisionOptions;
  /** What was last told as STATUS; a text told twice is sent once. */
  #status = '';
  #feeding: Alarm | null = null;
  #sampling: Alarm | null = null;
  #fedAt: Millis | null = null;
  #stalled = false;

  constructor(options: SupervisionOptions) {
    this.#options = options;
  }

  /** Begins to feed the watchdog and to watch the event loop. */
  start(): void {
    if (this.#sampling !== null) return;
    this.#sample(this.#options.clock.monotonic());
    this.#feed();
  }

  /** Everything needed works. Also ends a reload. */
  ready(status: string): void {
    this.#status = clipped(status);
    this.#options.manager.notify(['READY=1', `STATUS=${this.#status}`]);
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    const status = clipped(text);
    if (status === this.#status) return;
    this.#status = status;
    this.#options.manager.notify([`STATUS=${status}`]);
  }

  /** A reload begins; {@link ready} ends it. */
  reloading(): void {
    const { manager } = this.#options;
    manager.notify(['RELOADING=1', `MONOTONIC_USEC=${manager.monotonicMicros()}`]);
  }

  /** The agent ends on purpose. Ask for more time with `extendMs` when the end takes long. */
  stopping(extendMs?: Millis): void {
    const more = extendMs === undefined ? [] : [`EXTEND_TIMEOUT_USEC=${Math.round(extendMs * 1_000)}`];
    this.#options.manager.notify(['STOPPING=1', ...more]);
  }

  stop(): void {
    this.#feeding?.cancel();
    this.#sampling?.cancel();
    this.#feeding = null;
    this.#sampling = null;
    this.#fedAt = null;
  }

  #feed(): void {
    const { clock, manager, progress, telemetry } = this.#options;
    if (manager.watchdogMs === null) return;
    const now = clock.monotonic();
    const stalls = progress.stalls();
    if (stalls.length === 0) {
      if (this.#stalled) progressResumed(telemetry);
      this.#stalled = false;
      manager.notify(['WATCHDOG=1']);
      if (this.#fedAt !== null) watchdogFed(telemetry, (manager.watchdogMs - (now - this.#fedAt)) / 1_000);
      this.#fedAt = now;
    } else {
      this.#stalled = true;
      watchdogWithheld(telemetry, stalls);
    }
    // A third of the interval: one late turn of the event loop still leaves time for the next.
    const delay = millis(Math.min(manager.watchdogMs / 3, limits.watchdogFeedMsMax));
    this.#feeding = clock.after(delay, () => this.#feed());
  }

  #sample(due: Millis): void {
    const { clock, progress, telemetry } = this.#options;
    const now = clock.monotonic();
    loopLagSampled(telemetry, Math.max(now - due, 0) / 1_000);
    for (const { part, forMs } of progress.ages()) partAged(telemetry, part, forMs / 1_000);
    const next = millis(now + limits.loopSampleMs);
    this.#sampling = clock.after(limits.loopSampleMs, () => this.#sample(next));
  }
}

function clipped(status: string): string {
  const line = redact(status);
  return line.length > limits.statusBytes ? `${line.slice(0, limits.statusBytes - 1)}…` : line;
}
