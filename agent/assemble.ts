import { buildStreams, type BuiltStreams } from './assembly/streams.ts';
import { layFoundation, type Foundation } from './assembly/foundation.ts';
import { sinkOf } from './assembly/sinks.ts';
import { buildSource, type RunningSource } from './assembly/source-set.ts';
import { storeSettings } from './assembly/store-settings.ts';
import { UplinkSet } from './assembly/uplink-set.ts';
import { StoreClient } from './buffer/store-client.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { Config } from './config/schema/config.ts';
import { startDiskThread } from './host/disk-thread.ts';
import type { Packaging } from './host/packaging.ts';
import type { Secrets } from './host/secrets.ts';
import { Intake } from './ingest/intake.ts';

export interface AgentOptions {
  readonly config: Config;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly packaging: Packaging;
  readonly secrets: Secrets;
  readonly version: string;
}

/** One running agent: every room, built from a configuration, started and stopped in order. */
export class Agent {
  readonly #options: AgentOptions;
  readonly foundation: Foundation;
  #config: Config;
  readonly #store: StoreClient;
  #streams: BuiltStreams;
  readonly #intake: Intake;
  readonly #uplinks: UplinkSet;
  readonly #sources = new Map<string, RunningSource>();
  #running = false;

  constructor(options: AgentOptions) {
    const { config, environment, packaging, secrets } = options;
    this.#options = options;
    this.#config = config;
    this.foundation = layFoundation(config, environment);
    const { clock, entropy, telemetry } = this.foundation;
    const channel = startDiskThread(
      {
        folder: config.agent.data,
        agent: config.agent.id,
        ...(packaging.sqliteAddon === undefined ? {} : { addon: packaging.sqliteAddon }),
      },
      packaging.worker('disk-worker'),
    );
    this.#store = new StoreClient({ channel, telemetry });
    this.#streams = buildStreams(config, telemetry);
    this.#intake = new Intake({
      store: this.#store,
      router: this.#streams.router,
      plans: this.#streams.plans,
      deadLetters: { stream: '_dead_letter', offer: () => {}, take: () => null },
      clock,
      telemetry,
      defer: (turn) => void setImmediate(turn),
    });
    this.#uplinks = new UplinkSet({
      store: this.#store,
      clock,
      entropy,
      telemetry,
      sinkOf: (name, uplink) => sinkOf(name, uplink, { clock, secrets }),
    });
  }

  /** Resolves when every part was started: sources may still be connecting. Answers the addresses bound. */
  async start(): Promise<Readonly<Record<string, string>>> {
    if (this.#running) return this.#addresses();
    this.#running = true;
    const { secrets } = this.#options;
    await this.#store.start(storeSettings(this.#config));
    this.foundation.host.start();
    for (const name of Object.keys(this.#config.uplinks)) await this.#uplinks.start(this.#config, name);
    for (const name of Object.keys(this.#config.sources)) {
      const source = buildSource(this.#config, name, {
        foundation: this.foundation,
        intake: this.#intake,
        store: this.#store,
        secrets,
      });
      this.#sources.set(name, source);
      await source.start();
    }
    this.foundation.supervision.start();
    this.foundation.supervision.ready('running');
    return this.#addresses();
  }

  /** Takes nothing new, settles what was taken, keeps the rest on disk. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.foundation.supervision.stopping();
    for (const source of this.#sources.values()) await source.hold();
    await this.#intake.drain();
    for (const source of this.#sources.values()) await source.stop();
    this.#intake.stop();
    await this.#uplinks.stopAll();
    await this.#store.stop();
    this.foundation.host.stop();
    this.foundation.supervision.stop();
    this.foundation.log.flush();
  }

  reload(_loaded: LoadedConfig): Promise<void> {
    return Promise.resolve();
  }

  #addresses(): Readonly<Record<string, string>> {
    const addresses: Record<string, string> = {};
    for (const source of this.#sources.values())
      if (source.listen !== null) addresses[`source:${source.name}`] = source.listen;
    return addresses;
  }
}
