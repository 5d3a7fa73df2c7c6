import type { StreamClockJson } from '../api/contract.ts';
import { messageOf } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import type { StreamStats } from '../buffer/stats.ts';
import type { StoreClient } from '../buffer/store-client.ts';
import type { Intake } from '../ingest/intake.ts';
import type { AgentClock } from '../operate/agent-clock.ts';
import type { ClockStanding, ClockTurn } from '../operate/clock-judge.ts';
import { second, millis } from '../base/units.ts';
import { derivations } from '../config/derived-streams.ts';
import type { Config } from '../config/schema/config.ts';
import type { Alarm } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { ClockSource } from '../reading/batch.ts';

/** A disk that fails is told again after this long: the store's answer to a clock that was set is the correction itself. */
const retryMs = millis(5 * second);

/** Carries what becomes known of the clock to those who gave or stored times by it. */
export class ClockKeeper {
  readonly #parts: {
    readonly clock: AgentClock;
    readonly telemetry: Telemetry;
    readonly intake: Intake;
    readonly store: StoreClient;
  };
  #trueBase: number | null = null;
  #retry: Alarm | null = null;
  #running = false;
  #telling: Promise<void> = Promise.resolve();

  constructor(parts: { clock: AgentClock; telemetry: Telemetry; intake: Intake; store: StoreClient }) {
    this.#parts = parts;
  }

  /** After the store's start, which tells of the past, and before sources bring readings. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { clock, store, telemetry } = this.#parts;
    clock.start({ past: store.clockTerms, telemetry, turned: (turn) => this.#turned(turn) });
    await this.#telling;
  }

  stop(): void {
    this.#running = false;
    this.#retry?.cancel();
    this.#parts.clock.stop();
  }

  #turned({ shiftMicros, trueBaseMicros }: ClockTurn): void {
    this.#parts.intake.restamp(shiftMicros);
    this.#trueBase = trueBaseMicros ?? this.#trueBase;
    this.#telling = this.#tell();
  }

  async #tell(): Promise<void> {
    const { clock, store, telemetry } = this.#parts;
    this.#retry?.cancel();
    try {
      await store.setClock({ base: clock.baseMicros, trueBase: this.#trueBase });
    } catch (error) {
      if (!this.#running) return;
      const message = `times of arrival can not be corrected yet: ${messageOf(error)}; tried again`;
      telemetry.log('warning', 'operate_clock_untold', message);
      this.#retry = clock.after(retryMs, () => {
        this.#telling = this.#tell();
      });
    }
  }
}

/**
 * Whose clock the times of a stream come from: that of the messages it takes from sources, and of the streams whose stages send to it.
 * `device` only where all of them are; null: nothing configured fills it.
 */
export function clockSourceOf(
  stream: string,
  config: Config,
  decoded: (stream: string) => ClockSource,
): ClockSource | null {
  const ways = derivations(config);
  const seen = new Set<string>();
  const sources = new Set<ClockSource>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const feeders = ways.filter(({ to }) => to === name);
    const own = config.streams[name];
    if (own !== undefined && (own.from.length > 0 || feeders.length === 0)) sources.add(decoded(name));
    for (const { from } of feeders) visit(from);
  };
  visit(stream);
  if (sources.size === 0) return null;
  return sources.has('agent') ? 'agent' : 'device';
}

/** Which clock a stream stands on. `source` null: nothing configured fills it, so its times are the agent's. */
export function streamClock(
  source: 'device' | 'agent' | null,
  standing: ClockStanding,
  kept: StreamStats['clock'] | undefined,
): StreamClockJson {
  const { waiting, rebased, lost } = kept ?? { waiting: 0, rebased: 0, lost: 0 };
  const words = [source === 'device' ? 'times from the device' : arrivalWords(standing)];
  if (waiting > 0) words.push(`${counted(waiting, 'reading')} will be corrected`);
  if (rebased > 0) words.push(`${counted(rebased, 'reading')} corrected since the clock was set`);
  if (lost > 0) words.push(`${counted(lost, 'reading')} of a boot that never had the time`);
  return {
    source: source === 'device' ? 'device' : 'arrival',
    trusted: source === 'device' || standing.kind === 'trusted',
    waiting_readings: waiting,
    corrected_readings: rebased,
    uncorrectable_readings: lost,
    words: words.join(', '),
  };
}

function arrivalWords(standing: ClockStanding): string {
  if (standing.kind === 'unset') return 'arrival, clock not synchronized since boot';
  const by = {
    sync: 'synchronized',
    config: 'clock trusted by config',
    step: 'clock set since boot',
    unknown: 'synchronization not known',
  } as const;
  return `arrival, ${by[standing.by]}`;
}
