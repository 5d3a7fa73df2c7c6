import { messageOf } from '../base/errors.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { hostSampleFailed, hostSampled, throttlingChanged } from './events.ts';
import { limits } from './limits.ts';
import type { MetricsRegistry } from './metrics-registry.ts';

/** The machine and this process at one moment; null where the host does not tell. */
export interface HostFigures {
  readonly model: string | null;
  /** The hottest processor sensor. */
  readonly temperatureCelsius: number | null;
  /** What holds the processor back now; null where the board does not tell. */
  readonly throttled: readonly ThrottleReason[] | null;
  /** Of the device that holds the data folder. */
  readonly diskFreeBytes: number | null;
  readonly diskSizeBytes: number | null;
  readonly memoryAvailableBytes: number | null;
  readonly memorySizeBytes: number | null;
  /** Load average of one minute over the number of processors. */
  readonly loadRatio: number | null;
  /** Since the sample before; null in the first one. */
  readonly cpuBusyRatio: number | null;
  readonly uptimeSeconds: number | null;
  /** Whether the kernel holds its clock for disciplined. */
  readonly clockSynchronized: boolean | null;
  /** What the kernel is still slewing away; null where it is not disciplined or does not tell. */
  readonly clockOffsetSeconds: number | null;
  readonly process: ProcessFigures;
}

export type ThrottleReason = 'under_voltage' | 'frequency_capped' | 'throttled' | 'soft_temperature_limit';

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly virtualBytes: number | null;
  readonly startSeconds: number;
  readonly openDescriptors: number | null;
  readonly descriptorsMax: number | null;
}

/** Takes one sample. The host implements it; it must not block the event loop. */
export interface HostFiguresSource {
  sample(): Promise<HostFigures>;
}

/** Samples the host every {@link limits.hostSampleMs} and keeps the newest figures for status. */
export class HostSampler {
  readonly #options: {
    readonly clock: Clock;
    readonly source: HostFiguresSource;
    readonly telemetry: Telemetry;
    readonly metrics: MetricsRegistry;
  };
  #latest: HostFigures | null = null;
  #alarm: Alarm | null = null;
  #running = false;

  constructor(options: {
    readonly clock: Clock;
    readonly source: HostFiguresSource;
    readonly telemetry: Telemetry;
    readonly metrics: MetricsRegistry;
  }) {
    this.#options = options;
  }

  get latest(): HostFigures | null {
    return this.#latest;
  }

  /** Samples at once and from then on; nobody waits for it. */
  start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#sample();
  }

  stop(): void {
    this.#running = false;
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  async #sample(): Promise<void> {
    const { clock, source, telemetry, metrics } = this.#options;
    try {
      const figures = await source.sample();
      const before = this.#latest?.throttled ?? [];
      const now = figures.throttled ?? [];
      if (before.join() !== now.join()) throttlingChanged(telemetry, now);
      this.#latest = figures;
      hostSampled(telemetry, figures);
      metrics.total('process_cpu_seconds', figures.process.cpuSeconds);
    } catch (error) {
      hostSampleFailed(telemetry, messageOf(error));
    }
    if (!this.#running) return;
    this.#alarm?.cancel();
    this.#alarm = clock.after(limits.hostSampleMs, () => void this.#sample());
  }
}
