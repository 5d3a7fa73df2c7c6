import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerJson, StatusJson } from '../../api/contract.ts';
import { messageOf } from '../../base/errors.ts';
import { AgentClient } from '../../host/agent-client.ts';
import { AgentProcess } from '../../host/agent-process.ts';
import { DeliveredSequences } from '../../host/delivered-sequences.ts';
import { type FloodMessage, FloodPublisher } from '../../host/flood-publisher.ts';
import { parseListen, Receiver } from '../../host/receiver.ts';
import type { FaultRates } from '../../receiver/faults.ts';
import type { LedgerAccount } from './account.ts';
import { limits } from './limits.ts';
import { peakMemoryBytes } from './peak-memory.ts';
import { siteConfig, type SiteConfigOptions } from './site-config.ts';

export interface DrillSiteOptions extends Pick<SiteConfigOptions, 'data' | 'bufferSize' | 'whenFull'> {
  /** Exists; takes the configuration and what the receiver keeps. */
  readonly folder: string;
  readonly source: DrillSource;
  readonly total: number;
  readonly seed: number;
  /** Weather of the receiver once it is up. */
  readonly faults: FaultRates;
  readonly message: (sequence: number) => FloodMessage;
}

export type DrillSource =
  /** The broker inside the agent. */
  | { readonly kind: 'embedded'; readonly ack: 'fsynced' | 'received' }
  /** A broker elsewhere: the source in YAML, and where the flood goes, `host:port`. */
  | { readonly kind: 'broker'; readonly yaml: string; readonly address: string };

/** Everything a drill needs: a publisher that remembers, an agent that can be killed, a receiver that can be away. All are the real ones. */
export class DrillSite {
  readonly #options: DrillSiteOptions;
  readonly #receiver: Receiver;
  readonly #delivered: DeliveredSequences;
  readonly #agent: AgentProcess;
  #api: AgentClient | null = null;
  #publisher: FloodPublisher | null = null;
  #broker = '';
  #peakMemoryBytes: number | null = null;
  #slowestStartMs = 0;
  kills = 0;

  constructor(options: DrillSiteOptions) {
    const { folder, total, seed } = options;
    this.#options = options;
    const received = join(folder, 'received');
    mkdirSync(received, { recursive: true });
    this.#receiver = new Receiver({ folder: received, listen: '127.0.0.1:0', seed });
    this.#delivered = new DeliveredSequences({ folder: received, field: 'seq', total });
    this.#agent = new AgentProcess({ config: join(folder, 'sedge.yaml') });
  }

  get agentPid(): number | undefined {
    return this.#agent.running ? this.#agent.pid : undefined;
  }

  /** What the agent logged last. */
  get log(): string {
    return this.#agent.output;
  }

  get published(): number {
    return this.#publisher?.published ?? 0;
  }

  get acknowledged(): number {
    return this.#publisher?.acknowledgedCount ?? 0;
  }

  get flooded(): boolean {
    return this.acknowledged === this.#options.total;
  }

  /** Distinct messages on the receiver's disk by now. */
  readDelivered(): number {
    this.#delivered.refresh();
    return this.#delivered.distinct;
  }

  get slowestStartMs(): number {
    return this.#slowestStartMs;
  }

  /** Highest of all lives of the agent so far. */
  get peakMemoryBytes(): number | null {
    const now = peakMemoryBytes(this.agentPid);
    if (now !== null) this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes ?? 0, now);
    return this.#peakMemoryBytes;
  }

  /** Starts the agent; the receiver has an address and is away. */
  async start(): Promise<void> {
    const { url } = await this.#receiver.start();
    await this.#receiver.cut();
    const { source } = this.#options;
    this.#writeConfig({ broker: '127.0.0.1:0', api: '127.0.0.1:0', cloud: url });
    const { listen } = await this.#agent.start();
    const api = listen['api'] ?? '';
    this.#broker = source.kind === 'embedded' ? (listen['source:sensors'] ?? '') : source.address;
    // From now on at the same addresses, so that the publisher finds the agent again after it was killed.
    this.#writeConfig({ broker: this.#broker, api, cloud: url });
    this.#api = new AgentClient({ ...parseListen(api), token: null, certificate: null });
  }

  flood(): void {
    const { total, message } = this.#options;
    this.#publisher = new FloodPublisher({
      ...parseListen(this.#broker),
      clientId: 'drill',
      total,
      window: limits.window,
      message,
    });
    this.#publisher.start();
  }

  /** SIGKILL. Before it, `first` may make the ground shake. */
  async kill(first?: () => void): Promise<void> {
    void this.peakMemoryBytes;
    first?.();
    this.kills++;
    await this.#agent.kill();
  }

  async startAgent(): Promise<void> {
    const before = performance.now();
    await this.#agent.start();
    this.#slowestStartMs = Math.max(this.#slowestStartMs, performance.now() - before);
  }

  async healCloud(): Promise<void> {
    this.#receiver.setFaults(this.#options.faults);
    await this.#receiver.heal();
  }

  async cutCloud(): Promise<void> {
    await this.#receiver.cut();
  }

  /** The agent's own account; null while it does not answer. */
  async ledger(): Promise<LedgerAccount | null> {
    if (!this.#agent.running || this.#api === null) return null;
    try {
      return this.#sum((await this.#api.get('/v1/ledger')) as LedgerJson);
    } catch {
      return null;
    }
  }

  /** Where publisher, agent and receiver stand, for a drill that does not get on. */
  async words(): Promise<string> {
    const kept = this.#receiver.summary().reduce((sum, stream) => sum + stream.received, 0);
    return [
      this.#publisher?.words ?? 'publisher not started',
      await this.#agentWords(),
      `receiver holds ${kept} of ${this.#receiver.requests} requests`,
    ].join('; ');
  }

  async #agentWords(): Promise<string> {
    if (!this.#agent.running || this.#api === null) return 'the agent does not run';
    try {
      const { parts, sources, streams, uplinks } = (await this.#api.get('/v1/status')) as StatusJson;
      const received = streams.reduce((sum, stream) => sum + stream.received, 0);
      const intake = sources.map(({ name, words, in_flight }) => `${name}: ${words}, ${in_flight} in flight`);
      const ill = parts.filter(({ state }) => state !== 'ok').map((part) => `${part.name}: ${part.reason}`);
      const links = uplinks.map(({ name, words }) => `uplink ${name}: ${words}`);
      return [`agent took in ${received}`, ...intake, ...links, ...ill].join('; ');
    } catch (error) {
      return `the agent runs and does not answer: ${messageOf(error)}`;
    }
  }

  counts(): { delivered: number; lost: number; duplicated: number; resent: number } {
    const delivered = this.readDelivered();
    const acknowledged = this.#publisher?.acknowledged ?? new Uint8Array(this.#options.total);
    let resent = 0;
    for (const stream of this.#receiver.summary()) resent += stream.duplicates;
    return {
      delivered,
      lost: this.#delivered.missing(acknowledged),
      duplicated: this.#delivered.repeated,
      resent,
    };
  }

  /** Safe at any point of a drill, and twice. */
  async stop(): Promise<void> {
    this.#publisher?.stop();
    if (this.#agent.running) await this.#agent.stop();
    await this.#receiver.stop();
  }

  #sum(ledger: LedgerJson): LedgerAccount {
    const sum = { received: 0, delivered: 0, buffered: 0, filtered: 0, dropped: 0 };
    for (const stream of ledger.streams) {
      if (stream.stream.startsWith('_')) continue;
      sum.received += stream.received;
      sum.delivered += stream.delivered;
      sum.buffered += stream.buffered;
      for (const { count } of stream.filtered) sum.filtered += count;
      for (const { count } of stream.dropped) sum.dropped += count;
    }
    let kept = 0;
    for (const stream of this.#receiver.summary()) kept += stream.received;
    // While requests are under way the receiver may hold what the agent does not know of yet.
    const agrees = sum.buffered > 0 || sum.delivered === kept;
    return { ...sum, balanced: ledger.balanced && agrees };
  }

  #writeConfig({ broker, api, cloud }: { broker: string; api: string; cloud: string }): void {
    const { folder, source, data, bufferSize, whenFull } = this.#options;
    const yaml =
      source.kind === 'embedded' ? `{ type: broker, listen: "${broker}", ack: ${source.ack} }` : source.yaml;
    const text = siteConfig({ data, source: yaml, bufferSize, whenFull, cloud, api });
    writeFileSync(join(folder, 'sedge.yaml'), text);
  }
}
