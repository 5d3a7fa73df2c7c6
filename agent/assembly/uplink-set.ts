import type { Config } from '../config/schema/config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Store } from '../ports/store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Sink } from '../uplink/sink.ts';
import type { UplinkStatus } from '../uplink/uplink-status.ts';
import { Uplink } from '../uplink/uplink.ts';

export interface UplinkPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  /** Opens the way out; may read files and secrets. */
  readonly sinkOf: (config: Config, name: string) => Sink;
}

/** The configured uplinks that run. */
export class UplinkSet {
  readonly #ports: UplinkPorts;
  readonly #uplinks = new Map<string, Uplink>();

  constructor(ports: UplinkPorts) {
    this.#ports = ports;
  }

  async start(config: Config, name: string): Promise<void> {
    const settings = config.uplinks[name];
    if (settings === undefined || this.#uplinks.has(name)) return;
    const { sinkOf, ...ports } = this.#ports;
    const uplink = new Uplink(
      {
        name,
        agent: config.agent.id,
        order: settings.order,
        batchReadings: settings.batch,
        batchBytes: settings.batch_bytes,
        inFlight: settings.in_flight,
        backoff: { minMs: settings.backoff.min, maxMs: settings.backoff.max },
        budget: {
          bytesPerSecond: settings.budget.rate ?? null,
          bytesPerDay: settings.budget.per_day ?? null,
        },
      },
      { ...ports, sink: sinkOf(config, name) },
    );
    this.#uplinks.set(name, uplink);
    await uplink.start();
  }

  async stop(name: string): Promise<void> {
    const uplink = this.#uplinks.get(name);
    this.#uplinks.delete(name);
    await uplink?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#uplinks.keys()].map((name) => this.stop(name)));
  }

  status(): readonly UplinkStatus[] {
    return Array.from(this.#uplinks.values(), (uplink) => uplink.status());
  }
}
