import { millis, second } from '../base/units.ts';
import type { StatusJson } from '../api/contract.ts';
import { statusLine } from '../api/status-text.ts';
import { messageOf } from '../base/errors.ts';
import type { StoreStats } from '../buffer/stats.ts';
import type { StoreClient } from '../buffer/store-client.ts';
import type { Intake } from '../ingest/intake.ts';
import { agentStopping } from '../operate/events.ts';
import type { Alarm } from '../ports/clock.ts';
import type { UplinkStatus } from '../uplink/uplink-status.ts';
import { describeUplink } from '../uplink/words.ts';
import type { BufferOutlook } from './buffer-outlook.ts';
import type { Foundation } from './foundation.ts';
import type { RateMeter } from './rate-meter.ts';
import type { RunningSource } from './sources/running-source.ts';

/** Between two looks at all parts. */
const lookMs = millis(1 * second);
/** Looks between two samples of the rates: every five seconds. */
const looksPerSample = 5;
/** How long one step may take before the watchdog is starved: a slow SD card syncs in seconds, not minutes. */
const intakeStepMs = millis(60 * second);
const diskStepMs = millis(60 * second);
const uplinkStepMs = millis(300 * second);

/** The look, a second after the first, at which the start is over. */
const looksAtStart = 2;
/** Looks in a row without much work before memory is given back. */
const calmLooksMin = 2;
/** Groups committed between two looks that still count as calm. */
const calmCommitsMax = 50;

const neededParts = ['intake', 'disk'] as const;

export interface Watched {
  readonly foundation: Foundation;
  readonly intake: Intake;
  readonly store: StoreClient;
  readonly rates: RateMeter;
  readonly outlook: BufferOutlook;
  sources(): readonly RunningSource[];
  uplinks(): readonly UplinkStatus[];
  status(): Promise<StatusJson>;
  /** Asks the runtime for unused memory; takes tens of milliseconds. */
  spareMemory(): void;
  /** Lets go of what only the start needed of the program; takes a few milliseconds. */
  spareProgram(): void;
}

/**
 * Looks at every part once a second: tells health, feeds the watchdog's evidence of progress, samples rates. Parts only report
 * what happened to them; whether that is well is decided here.
 */
export class Pulse {
  readonly #watched: Watched;
  readonly #marks;
  #alarm: Alarm | null = null;
  /** Fires once the start is done. */
  #started: Alarm | null = null;
  #looks = 0;
  #committed = 0;
  readonly #uplinkProgress = new Map<string, number | null>();
  readonly #declared = new Set<string>();
  #asking = false;
  #stopping = false;
  /** Looks in a row that found little to do. */
  #calmLooks = 0;
  #committedBefore = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
    const { progress } = watched.foundation;
    this.#marks = {
      intake: progress.mark('intake', intakeStepMs),
      disk: progress.mark('disk', diskStepMs),
      uplinks: progress.mark('uplinks', uplinkStepMs),
    };
  }

  start(): void {
    if (this.#alarm !== null) return;
    // Declared before the first report: readiness waits for all of them.
    for (const name of neededParts) this.#declare(name, true);
    this.#look();
    // The start alone touched half of what is resident: gone before the first work adds to it.
    this.#started = this.#watched.foundation.clock.after(millis(0), () => this.#watched.spareProgram());
  }

  /** From here on sources and uplinks end because they are told to, which is no news of them; the watchdog is still fed. */
  stopping(): void {
    this.#stopping = true;
    agentStopping(this.#watched.foundation.telemetry);
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#started?.cancel();
    this.#started = null;
  }

  #look(): void {
    const { foundation, intake } = this.#watched;
    // Windows of silent series end with the clock.
    intake.tick(foundation.clock.wall());
    this.#lookAtIntake(intake);
    this.#lookAtDisk();
    this.#lookAtSources();
    this.#lookAtUplinks();
    this.#looks++;
    if (this.#looks === looksAtStart) this.#watched.spareProgram();
    this.#spareMemory();
    if (this.#looks % looksPerSample === 0) void this.#tellManager();
    this.#alarm = foundation.clock.after(lookMs, () => this.#look());
  }

  #lookAtIntake(intake: Intake): void {
    const { bytes, committed, trouble } = intake.inspect();
    const mark = this.#marks.intake;
    // Held back by a full store is waiting, not standing still: it is told as health, and a restart would mend nothing.
    if (bytes === 0 || trouble !== null) mark.idle();
    else mark.working();
    if (committed !== this.#committed) mark.advanced();
    this.#committed = committed;
    // Room may have come back without a word: uplinks free it, and so does whoever else uses the device.
    if (trouble !== null) intake.retryNow();
    if (trouble === null) this.#report('intake', true, 'ok');
    else this.#report('intake', true, 'degraded', troubleText(trouble));
  }

  /** One line for `systemctl status`. */
  async #tellManager(): Promise<void> {
    const { supervision } = this.#watched.foundation;
    try {
      supervision.status(statusLine(await this.#watched.status()));
    } catch {
      // A disk thread that does not answer is told as health of the disk.
    }
  }

  /** Some seconds after the work ended, what it needed goes back to the system. */
  #spareMemory(): void {
    const { bytes, committed } = this.#watched.intake.inspect();
    const busy = bytes > 0 || committed - this.#committedBefore > calmCommitsMax;
    this.#committedBefore = committed;
    if (busy) this.#calmLooks = 0;
    else if (++this.#calmLooks === calmLooksMin) this.#watched.spareMemory();
  }

  /** One question at a time: an unanswered one is a disk that stands still. */
  #lookAtDisk(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#marks.disk.working();
    const sampling = this.#looks % looksPerSample === 0;
    void this.#ask(sampling);
  }

  async #ask(sampling: boolean): Promise<void> {
    const { store, rates, outlook, foundation } = this.#watched;
    try {
      const stats = await store.stats();
      this.#marks.disk.idle();
      this.#report('disk', true, 'ok');
      if (!sampling) return;
      const now = foundation.clock.monotonic();
      rates.sample(this.#totals(stats), now);
      outlook.sample(stats.freeBytes, now);
    } catch (error) {
      this.#report('disk', true, 'failed', messageOf(error));
    } finally {
      this.#asking = false;
    }
  }

  #totals(stats: StoreStats): Map<string, number> {
    const { foundation } = this.#watched;
    const totals = new Map<string, number>();
    for (const { stream, head } of stats.streams) totals.set(`stream:${stream}`, head);
    for (const { name, deliveredReadings } of this.#watched.uplinks())
      totals.set(`uplink:${name}`, deliveredReadings);
    for (const { name } of this.#watched.sources()) {
      totals.set(`source:${name}`, foundation.metrics.valueOf('ingest_messages', { source: name }) ?? 0);
    }
    return totals;
  }

  #lookAtSources(): void {
    for (const source of this.#watched.sources()) {
      const { state, words } = source.state();
      // A broker that is away is its operator's trouble: the agent is ready to serve what it has.
      this.#report(`source.${source.name}`, false, state, words);
    }
  }

  #lookAtUplinks(): void {
    let working = false;
    for (const uplink of this.#watched.uplinks()) {
      const { name, link, batchesInFlight, lastProgressAt } = uplink;
      const down = link.downSince !== null;
      this.#report(
        `uplink.${name}`,
        false,
        down ? 'degraded' : 'ok',
        down ? describeUplink(uplink).replace(`uplink ${name}: `, '') : '',
      );
      if (batchesInFlight > 0) working = true;
      if (this.#uplinkProgress.get(name) !== lastProgressAt) this.#marks.uplinks.advanced();
      this.#uplinkProgress.set(name, lastProgressAt);
    }
    if (working) this.#marks.uplinks.working();
    else this.#marks.uplinks.idle();
  }

  #report(
    name: string,
    needed: boolean,
    state: 'ok' | 'starting' | 'degraded' | 'failed',
    reason = '',
  ): void {
    if (this.#stopping && !needed) return;
    this.#declare(name, needed);
    this.#watched.foundation.health.report(name, state, reason);
  }

  #declare(name: string, needed: boolean): void {
    if (this.#declared.has(name)) return;
    this.#watched.foundation.health.declare(name, { needed });
    this.#declared.add(name);
  }

  /** A part that could not be started; told until it reports itself or is forgotten. */
  failed(name: string, reason: string): void {
    this.#report(name, false, 'failed', reason);
  }

  /** A part that is no longer configured. */
  forget(name: string): void {
    if (this.#declared.delete(name)) this.#watched.foundation.health.withdraw(name);
  }
}

function troubleText({
  trouble,
  message,
}: {
  readonly trouble: 'full' | 'io';
  readonly message: string;
}): string {
  const words = trouble === 'full' ? 'the buffer is full' : 'the disk fails';
  return message === words ? words : `${words}: ${message}`;
}
