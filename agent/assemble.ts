import type { HostHttpServer } from './host/http-server.ts';
import type { AgentView } from './api/agent-view.ts';
import { agentView } from './assembly/agent-view.ts';
import { apiServer } from './assembly/api-server.ts';
import { sampledDeadLetters } from './assembly/dead-letters.ts';
import { ClockKeeper, clockSourceOf } from './assembly/clock-keeper.ts';
import { type Foundation, layFoundation } from './assembly/foundation.ts';
import { liveSource } from './assembly/live-source.ts';
import { Pulse } from './assembly/pulse.ts';
import {
  keptUnusable,
  reloaded,
  reloadFailed,
  reloadRefused,
  reloadUnread,
} from './assembly/reload-events.ts';
import { BufferOutlook } from './assembly/buffer-outlook.ts';
import { RateMeter } from './assembly/rate-meter.ts';
import { sinkOf } from './assembly/sinks.ts';
import { buildSource } from './assembly/sources/build-source.ts';
import { httpIngest } from './assembly/sources/http.ts';
import { addressText, type RunningSource } from './assembly/sources/running-source.ts';
import { storeSettings } from './assembly/store-settings.ts';
import { AlarmMessages } from './assembly/alarm-messages.ts';
import {
  type BuiltStreams,
  buildStreams,
  pushedSource,
  type StreamPorts,
  resumeStreams,
} from './assembly/streams.ts';
import { UplinkSet } from './assembly/uplink-set.ts';
import type { DiskChannel } from './buffer/disk-protocol.ts';
import { StoreClient } from './buffer/store-client.ts';
import { SedgeError } from './base/errors.ts';
import { MiB } from './base/units.ts';
import {
  type ReloadAction,
  reloadActions,
  type UnstartedPart,
  withRetries,
} from './config/reload-actions.ts';
import type { Config } from './config/schema/config.ts';
import type { GoodConfiguration, WrongConfiguration } from './host/config-thread.ts';
import { growHeapSlowly, spareMemory, spareProgram } from './host/spare-memory.ts';
import type { Secrets } from './host/secrets.ts';
import type { HttpIngest } from './ingest/http-ingest.ts';
import { Intake } from './ingest/intake.ts';
import { MarkKeeper } from './ingest/mark-keeper.ts';

/** Body of one POST to the API's own ingest route; an `http` source has its own bound. */
const pushedBytesMax = 4 * MiB;

export interface AgentOptions {
  readonly read: GoodConfiguration;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Has the disk thread serve the data folder of one agent. */
  readonly disk: (data: { readonly folder: string; readonly agent: string }) => DiskChannel;
  readonly secrets: Secrets;
  readonly version: string;
}

/** One running agent: every room, built from a configuration, started and stopped in order. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #foundation: Foundation;
  #read: GoodConfiguration;
  readonly #store: StoreClient;
  #streams: BuiltStreams;
  readonly #intake: Intake;
  readonly #marks: MarkKeeper;
  readonly #clockKeeper: ClockKeeper;
  readonly #uplinks: UplinkSet;
  readonly #sources = new Map<string, RunningSource>();
  readonly #rates = new RateMeter();
  readonly #outlook = new BufferOutlook();
  readonly #alarms: AlarmMessages;
  readonly #view: AgentView;
  readonly #pulse: Pulse;
  /** POST /v1/ingest/STREAM on the API itself. */
  readonly #pushed: HttpIngest;
  #api: HostHttpServer | null = null;
  #running = false;
  /** Stages hold what was stored of them: before, there is nothing to save. */
  #resumed = false;
  /** What the last reload could not start. */
  #unstarted: readonly ReloadFailure[] = [];

  constructor(options: AgentOptions) {
    const { environment, disk, secrets } = options;
    const { config } = options.read;
    this.#options = options;
    this.#read = options.read;
    this.#foundation = layFoundation(config, { environment, version: options.version });
    const { clock, entropy, telemetry } = this.#foundation;
    const channel = disk({ folder: config.agent.data, agent: config.agent.id });
    this.#store = new StoreClient({ channel, telemetry });
    this.#marks = new MarkKeeper((source) => this.#store.marks(source));
    this.#alarms = new AlarmMessages(config, {
      clock,
      telemetry,
      secrets,
      embedded: (source, message) => this.#sources.get(source)?.publish?.(message) ?? false,
    });
    this.#streams = buildStreams(config, this.#streamPorts());
    this.#intake = new Intake({
      store: this.#store,
      router: this.#streams.router,
      plans: this.#streams.plans,
      urgentStreams: this.#streams.urgentStreams,
      deadLetters: sampledDeadLetters(),
      clock,
      telemetry,
      defer: (turn) => void setImmediate(turn),
    });
    this.#clockKeeper = new ClockKeeper({ clock, telemetry, intake: this.#intake, store: this.#store });
    this.#uplinks = new UplinkSet({
      store: this.#store,
      clock,
      entropy,
      telemetry,
      sinkOf: (current, name) => sinkOf(current, name, { clock, secrets }),
    });
    this.#pushed = httpIngest(
      { name: pushedSource, path: '/v1/ingest', ack: 'fsynced', token: null, bodyBytesMax: pushedBytesMax },
      {
        foundation: this.#foundation,
        intake: this.#intake,
        hasStream: (name) => name in this.config.streams,
      },
    );
    const told = {
      foundation: this.#foundation,
      store: this.#store,
      rates: this.#rates,
      outlook: this.#outlook,
      sources: () => [...this.#sources.values()],
      uplinks: () => this.#uplinks.status(),
    };
    this.#view = agentView({
      ...told,
      version: this.#options.version,
      startedMs: clock.monotonic(),
      config: () => this.config,
      yaml: () => this.#read.yaml,
      unstarted: () => this.#unstarted.map(toUnstarted),
      clockOf: (stream) => clockSourceOf(stream, this.config, this.#streams.clockOf),
      unrouted: () => this.#intake.inspect().unrouted,
    });
    this.#pulse = new Pulse({
      ...told,
      intake: this.#intake,
      spareMemory,
      spareProgram,
      status: () => this.#view.status(),
    });
  }

  /** Resolves when the agent cannot go on: its supervisor must start it again. */
  get failed(): Promise<SedgeError> {
    return this.#store.died;
  }

  /** In force. */
  get config(): Config {
    return this.#read.config;
  }

  /**
   * Resolves when every part was started; sources may still be connecting. Answers the addresses bound: `api`, `source:NAME`.
   * @throws {SedgeError} when the data folder or an address cannot be had.
   */
  async start(): Promise<Readonly<Record<string, string>>> {
    if (this.#running) return this.#addresses();
    this.#running = true;
    const { supervision, host, telemetry } = this.#foundation;
    if (this.#read.unusable !== undefined) keptUnusable(telemetry, this.#read.unusable);
    // Side by side: the one waits for the disk thread, the other for this one. What asks the store early waits for it.
    const [opened, listening] = await Promise.allSettled([
      this.#store.start(storeSettings(this.config)),
      this.#startApi(),
    ]);
    for (const part of [opened, listening]) if (part.status === 'rejected') throw part.reason;
    await this.#clockKeeper.start();
    await this.#resumeStreams();
    this.#pushed.start();
    for (const name of Object.keys(this.config.uplinks)) await this.#uplinks.start(this.config, name);
    for (const name of Object.keys(this.config.sources)) await this.#startSource(name);
    this.#pulse.start();
    supervision.start();
    supervision.ready('running');
    host.start();
    growHeapSlowly();
    return this.#addresses();
  }

  /** Takes nothing new, settles what was taken, keeps the rest on disk. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    const { supervision, host, log } = this.#foundation;
    supervision.stopping();
    this.#pulse.stopping();
    this.#pushed.hold();
    for (const source of this.#sources.values()) await source.hold();
    await this.#intake.drain();
    if (this.#resumed) await this.#intake.saveStates();
    for (const source of this.#sources.values()) await source.stop();
    this.#sources.clear();
    this.#pushed.stop();
    this.#intake.stop();
    await this.#alarms.stop();
    await this.#uplinks.stopAll();
    await this.#api?.stop();
    this.#pulse.stop();
    this.#clockKeeper.stop();
    await this.#store.stop();
    host.stop();
    supervision.stop();
    log.flush();
  }

  /**
   * Applies a new configuration to what differs and leaves the rest running; a wrong one changes nothing and is told in one
   * line a problem. What cannot change while running keeps its old value and is told too.
   */
  async reload(read: GoodConfiguration | WrongConfiguration | SedgeError): Promise<void> {
    const { telemetry, supervision } = this.#foundation;
    if (!this.#running) return;
    supervision.reloading();
    try {
      if (read instanceof SedgeError) {
        reloadUnread(telemetry, read);
        return;
      }
      if (read.kind === 'wrong') {
        reloadRefused(telemetry, read.problems);
        return;
      }
      const before = this.#read.config;
      this.#read = read;
      const actions = withRetries(
        reloadActions(read.steps),
        this.#unstarted.map(({ action }) => action),
      );
      const failures = await this.#applyReload(before, actions);
      this.#unstarted = failures;
      for (const { error } of failures) reloadFailed(telemetry, error);
      if (failures.length === 0) reloaded(telemetry, read.steps);
    } finally {
      supervision.ready('running');
    }
  }

  /** Part by part: one that cannot start keeps no other from it. Answers what went wrong. */
  async #applyReload(old: Config, actions: readonly ReloadAction[]): Promise<readonly ReloadFailure[]> {
    const failures: ReloadFailure[] = [];
    const { log } = this.#foundation;
    const of = (part: ReloadAction['part']): readonly ReloadAction[] =>
      actions.filter((one) => one.part === part);
    const ends = (one: ReloadAction): boolean => one.action === 'stop' || one.action === 'restart';
    const begins = (one: ReloadAction): boolean => one.action === 'start' || one.action === 'restart';
    log.setLevel(this.config.log.level);
    for (const { name } of of('source').filter(ends)) await this.#stopSource(name);
    for (const { name } of of('uplink').filter(ends)) {
      await this.#uplinks.stop(name);
      this.#pulse.forget(`uplink.${name}`);
    }
    await this.#store.configure(storeSettings(this.config));
    if (of('stream').length > 0 || of('source').length > 0) {
      await this.#alarms.configure(this.config);
      this.#streams = buildStreams(this.config, this.#streamPorts(), {
        config: old,
        pipelines: this.#streams.pipelines,
      });
      this.#intake.configure(this.#streams);
      this.#intake.part(this.#streams.partings);
    }
    const attempt = async (action: ReloadAction, act: () => Promise<void>): Promise<void> => {
      const error = await misuseOf(act);
      if (error === null) return;
      failures.push({ action, error });
      this.#pulse.failed(`${action.part}.${action.name}`, error.message);
    };
    for (const action of of('uplink').filter(begins)) {
      await attempt(action, async () => {
        await this.#uplinks.stop(action.name);
        await this.#uplinks.start(this.config, action.name);
      });
    }
    for (const action of of('source').filter(begins)) {
      await attempt(action, async () => {
        await this.#stopSource(action.name);
        await this.#startSource(action.name);
      });
    }
    for (const action of of('api').filter(ends)) {
      await attempt(action, async () => {
        await this.#api?.stop();
        await this.#startApi();
        this.#pulse.forget('api.api');
      });
    }
    return failures;
  }

  #streamPorts(): StreamPorts {
    return {
      telemetry: this.#foundation.telemetry,
      send: (stream, commands) => this.#alarms.send(stream, commands),
      now: () => this.#foundation.clock.wall(),
    };
  }

  async #stopSource(name: string): Promise<void> {
    const source = this.#sources.get(name);
    if (source !== undefined) {
      await source.hold();
      await this.#intake.drain(name);
      await source.stop();
      this.#sources.delete(name);
    }
    this.#pulse.forget(`source.${name}`);
  }

  async #startApi(): Promise<void> {
    this.#api = apiServer(this.config, {
      foundation: this.#foundation,
      secrets: this.#options.secrets,
      version: this.#options.version,
      view: this.#view,
      live: liveSource({
        agent: this.config.agent.id,
        clock: this.#foundation.clock,
        pipelines: () => this.#streams.pipelines,
      }),
      ingest: { take: (request) => this.#pushed.handle(request) },
    });
    await this.#api.start();
  }

  async #startSource(name: string): Promise<void> {
    const source = buildSource(this.config, name, {
      foundation: this.#foundation,
      intake: this.#intake,
      marks: this.#marks,
      secrets: this.#options.secrets,
      hasStream: (stream) => stream in this.config.streams,
    });
    await source.start();
    this.#sources.set(name, source);
  }

  /** Before any reading comes: stages go on from what was stored with the last ones. */
  async #resumeStreams(): Promise<void> {
    const saved = await this.#store.pipelineStates();
    const byStream = new Map(saved.map(({ stream, states }) => [stream, states]));
    this.#intake.part(resumeStreams(this.#streams, this.#streamPorts(), byStream));
    this.#resumed = true;
  }

  #addresses(): Readonly<Record<string, string>> {
    const addresses: Record<string, string> = {};
    const api = this.#api?.address ?? null;
    if (api !== null) addresses['api'] = addressText(api);
    for (const source of this.#sources.values()) {
      if (source.listen !== null) addresses[`source:${source.name}`] = source.listen;
    }
    return addresses;
  }
}

interface ReloadFailure {
  readonly action: ReloadAction;
  readonly error: SedgeError;
}

const toUnstarted = ({ action: { part, name }, error }: ReloadFailure): UnstartedPart => ({
  part,
  name,
  reason: error.message,
});

/** Misuse (a port that is taken, a secret that is missing) is told of; a bug is not held back. */
async function misuseOf(act: () => Promise<void>): Promise<SedgeError | null> {
  try {
    await act();
    return null;
  } catch (error) {
    if (error instanceof SedgeError) return error;
    throw error;
  }
}
