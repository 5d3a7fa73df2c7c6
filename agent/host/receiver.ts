import { SedgeError } from '../base/errors.ts';
import { type FaultRates, Faults } from '../receiver/faults.ts';
import { Inbox, type StreamSummary } from '../receiver/inbox.ts';
import { ReceiverFiles } from './receiver-files.ts';
import { ReceiverMqtt } from './receiver-mqtt.ts';
import { ReceiverHttp, type ReceiverHttpOptions } from './receiver-http.ts';

export interface ReceiverOptions extends Omit<ReceiverHttpOptions, 'host' | 'port'> {
  /** Where readings and index are kept. */
  readonly folder: string;
  /** `host:port`, `[v6]:port` or `:port`; port 0 takes a free one. */
  readonly listen: string;
  /** Where MQTT is taken, as `listen`; absent: nowhere. */
  readonly listenMqtt?: string;
  readonly faults?: FaultRates;
  /** Seed of the faults. */
  readonly seed?: number;
  readonly fileBytesMax?: number;
  readonly indexEveryBytes?: number;
  /** Told what goes wrong without a sender to tell it to. */
  readonly trouble?: (words: string) => void;
}

/**
 * The reference receiver: takes readings by HTTP, keeps each exactly once in NDJSON files, tells gaps. Plays the cloud in the
 * demo, the judge in `sedge prove`, and the other side in tests.
 */
export class Receiver {
  readonly inbox: Inbox;
  readonly #http: ReceiverHttp;
  readonly #mqtt: ReceiverMqtt | null;
  readonly #seed: number;

  constructor(options: ReceiverOptions) {
    const {
      folder,
      listen,
      listenMqtt,
      faults,
      seed = 1,
      fileBytesMax,
      indexEveryBytes,
      trouble,
      ...rest
    } = options;
    this.inbox = new Inbox(
      new ReceiverFiles({
        folder,
        ...(fileBytesMax === undefined ? {} : { fileBytesMax }),
        ...(indexEveryBytes === undefined ? {} : { indexEveryBytes }),
      }),
      trouble,
    );
    this.#http = new ReceiverHttp({ ...rest, ...parseListen(listen) }, this.inbox);
    this.#mqtt = listenMqtt === undefined ? null : new ReceiverMqtt(parseListen(listenMqtt), this.inbox);
    this.#seed = seed;
    if (faults !== undefined) this.setFaults(faults);
  }

  /** Where readings are posted to. */
  get url(): string {
    return this.#http.url;
  }

  /** Where readings are published to; null without `listenMqtt`. */
  get mqttUrl(): string | null {
    return this.#mqtt?.url ?? null;
  }

  /** POST requests seen. */
  get requests(): number {
    return this.#http.requests;
  }

  async start(): Promise<{ url: string; mqttUrl: string | null }> {
    await this.inbox.start();
    try {
      await this.heal();
    } catch (error) {
      await this.stop();
      throw error;
    }
    return { url: this.url, mqttUrl: this.mqttUrl };
  }

  async stop(): Promise<void> {
    await this.cut();
    await this.inbox.stop();
  }

  /** The cloud goes away: connections end, the port is closed. What is kept stays. */
  async cut(): Promise<void> {
    await this.#http.stop();
    await this.#mqtt?.stop();
  }

  /** The cloud is back, at the same address. */
  async heal(): Promise<void> {
    await this.#http.start();
    await this.#mqtt?.start();
  }

  setFaults(rates: FaultRates | null): void {
    this.#http.faults = rates === null ? null : new Faults(rates, this.#seed);
  }

  summary(): readonly StreamSummary[] {
    return this.inbox.summary();
  }
}

/** @throws {SedgeError} when `text` is not `host:port`. */
export function parseListen(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new SedgeError('SEDGE_CLI_USAGE', `listen address ${JSON.stringify(text)} is not host:port`);
  }
  return { host: match[1] ?? (match[2] === '' ? '0.0.0.0' : match[2]!), port };
}
