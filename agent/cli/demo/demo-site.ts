import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusJson } from '../../api/contract.ts';
import { AgentClient } from '../../host/agent-client.ts';
import { AgentProcess } from '../../host/agent-process.ts';
import { HostClock } from '../../host/clock.ts';
import { DeliveredSequences } from '../../host/delivered-sequences.ts';
import { FloodPublisher } from '../../host/flood-publisher.ts';
import { Receiver } from '../../host/receiver.ts';
import { climateRecordings } from '../../host/recordings.ts';

/** Messages a demo can count: two hours at the default rate and more than anybody watches. */
const messagesMax = 4_000_000;
const messagesPerSecond = 400;

export interface SiteFigures {
  readonly published: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Acknowledged and neither delivered nor known to be in the buffer; exact only once everything has drained. */
  readonly missing: number;
  readonly repeated: number;
  readonly agentRuns: boolean;
  readonly cloudIsUp: boolean;
  /** Null while the agent does not answer. */
  readonly status: StatusJson | null;
}

/**
 * A whole site on loopback: motes that replay real recordings, an agent in a process of its own with its embedded broker, and a
 * receiver that plays the cloud. Every part is the real one.
 */
export class DemoSite {
  readonly folder: string;
  readonly #ownFolder: boolean;
  readonly #receiver: Receiver;
  readonly #delivered: DeliveredSequences;
  readonly #agent: AgentProcess;
  #publisher: FloodPublisher | null = null;
  #client: AgentClient | null = null;
  #api = '';
  #cloudIsUp = false;

  constructor(folder: string | null) {
    this.#ownFolder = folder === null;
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'sedge-demo-'));
    mkdirSync(join(this.folder, 'received'), { recursive: true });
    this.#receiver = new Receiver({ folder: join(this.folder, 'received'), listen: '127.0.0.1:0' });
    this.#delivered = new DeliveredSequences({
      folder: join(this.folder, 'received'),
      field: 'seq',
      total: messagesMax,
    });
    this.#agent = new AgentProcess({ config: this.configFile });
  }

  get configFile(): string {
    return join(this.folder, 'sedge.yaml');
  }

  /** Address of the agent's API. */
  get api(): string {
    return `http://${this.#api}`;
  }

  async start(): Promise<void> {
    const { url } = await this.#receiver.start();
    this.#cloudIsUp = true;
    this.#writeConfig({ broker: '127.0.0.1:0', api: '127.0.0.1:0', cloud: url });
    const { listen } = await this.#agent.start();
    const broker = listen['source:motes'] ?? '';
    this.#api = listen['api'] ?? '';
    // From now on at the same addresses, so that the motes find the agent again after it was killed.
    this.#writeConfig({ broker, api: this.#api, cloud: url });
    const [host, port] = hostAndPort(this.#api);
    this.#client = new AgentClient({ host, port, token: null, certificate: null });
    this.#publisher = motes(...hostAndPort(broker));
    this.#publisher.start();
  }

  async cutCloud(): Promise<void> {
    this.#cloudIsUp = false;
    await this.#receiver.cut();
  }

  async healCloud(): Promise<void> {
    await this.#receiver.heal();
    this.#cloudIsUp = true;
  }

  killAgent(): Promise<void> {
    return this.#agent.kill();
  }

  async startAgent(): Promise<void> {
    if (!this.#agent.running) await this.#agent.start();
  }

  /** The motes fall silent: nothing new is published, and what is under way is still acknowledged. */
  silence(): void {
    this.#publisher?.pause();
  }

  /** The motes go on where they fell silent. */
  speak(): void {
    this.#publisher?.resume();
  }

  async figures(): Promise<SiteFigures> {
    this.#delivered.refresh();
    const publisher = this.#publisher;
    const status = this.#agent.running ? await this.#client?.get('/v1/status').catch(() => null) : null;
    return {
      published: publisher?.published ?? 0,
      acknowledged: publisher?.acknowledgedCount ?? 0,
      delivered: this.#delivered.distinct,
      missing: publisher === null ? 0 : this.#delivered.missing(publisher.acknowledged),
      repeated: this.#delivered.repeated,
      agentRuns: this.#agent.running,
      cloudIsUp: this.#cloudIsUp,
      status: (status ?? null) as StatusJson | null,
    };
  }

  /** What went last through the publisher and the agent's log, for a demo that does not get on. */
  get words(): string {
    const last = this.#agent.output.trim().split('\n').at(-1) ?? '';
    return `${this.#publisher?.words ?? 'publisher not started'}; last log line: ${last}`;
  }

  async stop(): Promise<void> {
    this.#publisher?.stop();
    await this.#agent.stop();
    await this.#receiver.stop();
    if (this.#ownFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  #writeConfig({ broker, api, cloud }: { broker: string; api: string; cloud: string }): void {
    writeFileSync(this.configFile, demoConfig({ folder: this.folder, broker, api, cloud }));
  }
}

/** Four motes as one client: each message is the next sample of a recording, stamped with the present. */
function motes(host: string, port: number): FloodPublisher {
  const clock = new HostClock();
  const recordings = [...climateRecordings().values()];
  return new FloodPublisher({
    host,
    port,
    clientId: 'motes',
    total: messagesMax,
    window: 500,
    perSecond: messagesPerSecond,
    message: (sequence) => {
      const samples = recordings[sequence % recordings.length]!;
      const sample = samples[Math.floor(sequence / recordings.length) % samples.length]!;
      const { mote, indoor, humidity, temperature } = sample;
      return {
        topic: `site/${indoor ? 'indoor' : 'outdoor'}/mote-${mote}/climate`,
        payload: JSON.stringify({
          seq: sequence,
          ts: Math.floor(clock.wall() / 1000),
          temperature,
          humidity,
        }),
      };
    },
  });
}

function demoConfig({
  folder,
  broker,
  api,
  cloud,
}: {
  folder: string;
  broker: string;
  api: string;
  cloud: string;
}): string {
  return `# The demo's agent: motes publish to its embedded broker, readings go to a receiver that plays the cloud.
agent: { id: demo-gateway, site: demo, data: ${JSON.stringify(join(folder, 'data'))} }

sources:
  motes: { type: broker, listen: "${broker}" }        # a PUBACK leaves after the reading is synced to disk

streams:
  climate:
    from: [motes]
    match: "site/{place}/{mote}/climate"
    decode: { format: json, time: ts, time_unit: ms }
    stages:
      - keep: 'reading.humidity >= 0.0 && reading.humidity <= 100.0'

buffer: { size: 64MiB, keep_free: 0% }

uplinks:
  cloud: { type: http, url: "${cloud}", order: live_first, backoff: { min: 200ms, max: 2s } }

api: { listen: "${api}" }
`;
}

function hostAndPort(address: string): [string, number] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
