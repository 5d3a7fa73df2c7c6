import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt';
import { messageOf } from '../base/errors.ts';
import type { OutgoingMessage, PublishAnswer, Publisher } from '../ports/publisher.ts';
import type { TlsOptions } from './http-client.ts';
import { networkWords } from './network-words.ts';

export interface MqttPublisherOptions {
  /** mqtt, mqtts, ws or wss. */
  readonly url: string;
  readonly clientId: string;
  /** The version tried first; a broker without MQTT 5 is met again with 3.1.1. */
  readonly version: '5' | '3.1.1';
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  readonly keepAliveSeconds?: number;
}

type Failure = PublishAnswer & { ok: false };
type Connected = { readonly ok: true; readonly connection: Connection } | Failure;

/** CONNACK codes that say who we are is the matter: 3.1.1 (§3.2.2.3) 2, 4, 5 and their MQTT 5 fellows. */
const denials: ReadonlySet<number> = new Set([2, 4, 5, 133, 134, 135, 138, 140]);
/** “Unacceptable protocol version”, in 3.1.1 and in 5. */
const versionRefusals: ReadonlySet<number> = new Set([1, 132]);
/** What MQTT adds to a payload besides topic and properties, generously. */
const packetOverheadBytes = 64;

/**
 * {@link Publisher} on MQTT.js. Every connection is a client of its own without stored session: what a broken connection left
 * unanswered is reported, and the uplink sends it again under the same offsets. A connection is made when something is
 * published; when to try again is the uplink's decision.
 */
export class MqttJsPublisher implements Publisher {
  readonly #options: MqttPublisherOptions;
  #version: 4 | 5;
  #connecting: Promise<Connected> | null = null;
  #connection: Connection | null = null;
  #running = false;

  constructor(options: MqttPublisherOptions) {
    this.#options = options;
    this.#version = options.version === '5' ? 5 : 4;
  }

  start(): Promise<void> {
    this.#running = true;
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#connection?.end({ ok: false, trouble: 'closed', message: 'the uplink stops' });
    this.#connection = null;
    await this.#connecting;
  }

  async publish(message: OutgoingMessage): Promise<PublishAnswer> {
    if (!this.#running) return { ok: false, trouble: 'closed', message: 'the uplink stops' };
    const connected = await this.#connected(message.timeoutMs);
    return connected.ok ? connected.connection.publish(message) : connected;
  }

  async #connected(timeoutMs: number): Promise<Connected> {
    if (this.#connection !== null && this.#connection.alive)
      return { ok: true, connection: this.#connection };
    this.#connecting ??= this.#connect(timeoutMs).finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(timeoutMs: number): Promise<Connected> {
    let opened = await Connection.open(this.#options, this.#version, timeoutMs);
    if (!opened.ok && opened.versionRefused && this.#version === 5 && this.#running) {
      const older = await Connection.open(this.#options, 4, timeoutMs);
      if (older.ok) this.#version = 4;
      opened = older;
    }
    if (!opened.ok) return opened.failure;
    if (!this.#running) {
      const failure: Failure = { ok: false, trouble: 'closed', message: 'the uplink stops' };
      opened.connection.end(failure);
      return failure;
    }
    this.#connection = opened.connection;
    return opened;
  }
}

type Opened =
  | { readonly ok: true; readonly connection: Connection }
  | { readonly ok: false; readonly failure: Failure; readonly versionRefused: boolean };

/** One network connection, from CONNACK to its end. */
class Connection {
  readonly #client: MqttClient;
  readonly #version: 4 | 5;
  readonly #packetBytesMax: number;
  /** Publishes the broker lets us have open. */
  readonly #receiveMaximum: number;
  readonly #open = new Set<(answer: PublishAnswer) => void>();
  readonly #waiting: (() => void)[] = [];
  #ended: Failure | null = null;

  private constructor(client: MqttClient, version: 4 | 5, connack: IConnackPacket) {
    this.#client = client;
    this.#version = version;
    this.#packetBytesMax = connack.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    this.#receiveMaximum = connack.properties?.receiveMaximum ?? 65_535;
    let words = 'the connection was closed by the broker';
    client.on('error', (error) => (words = messageOf(error)));
    client.on('disconnect', (packet) => (words = `the broker disconnects, reason ${packet.reasonCode ?? 0}`));
    client.on('close', () => this.end({ ok: false, trouble: 'unreachable', message: words }));
  }

  static open(options: MqttPublisherOptions, version: 4 | 5, timeoutMs: number): Promise<Opened> {
    return new Promise((resolve) => {
      const client = mqtt.connect(options.url, clientOptions(options, version, timeoutMs));
      let decided = false;
      const fail = (failure: Failure, versionRefused = false): void => {
        if (decided) return;
        decided = true;
        client.end(true);
        resolve({ ok: false, failure, versionRefused });
      };
      client.once('connect', (connack) => {
        if (decided) return;
        decided = true;
        resolve({ ok: true, connection: new Connection(client, version, connack) });
      });
      client.on('error', (error: Error & { code?: unknown }) => {
        const code = typeof error.code === 'number' ? error.code : -1;
        const trouble = denials.has(code) ? 'denied' : 'unreachable';
        fail({ ok: false, trouble, message: networkWords(error) }, versionRefusals.has(code));
      });
      // Some old brokers close at the sight of MQTT 5, without a CONNACK.
      client.once('close', () =>
        fail(
          { ok: false, trouble: 'unreachable', message: 'the broker closed the connection at once' },
          true,
        ),
      );
    });
  }

  get alive(): boolean {
    return this.#ended === null;
  }

  async publish(message: OutgoingMessage): Promise<PublishAnswer> {
    if (packetBytes(message) > this.#packetBytesMax) {
      return {
        ok: false,
        trouble: 'too_big',
        message: `the broker takes ${this.#packetBytesMax} bytes a packet`,
      };
    }
    // The uplink's bound on batches in flight bounds this queue.
    while (this.#open.size >= this.#receiveMaximum && this.#ended === null) {
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    if (this.#ended !== null) return this.#ended;
    return this.#send(message);
  }

  /** Every publish without answer gets `failure`. */
  end(failure: Failure): void {
    if (this.#ended !== null) return;
    this.#ended = failure;
    this.#client.end(true);
    for (const answer of this.#open) answer(failure);
    this.#open.clear();
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #send(message: OutgoingMessage): Promise<PublishAnswer> {
    return new Promise((resolve) => {
      const answer = (outcome: PublishAnswer): void => {
        clearTimeout(timer);
        this.#open.delete(answer);
        this.#waiting.shift()?.();
        resolve(outcome);
      };
      const timer = setTimeout(() => {
        const seconds = message.timeoutMs / 1000;
        answer({ ok: false, trouble: 'timeout', message: `no PUBACK within ${seconds} s` });
        // A broker that is connected and silent is not to be trusted with the next publish.
        this.end({ ok: false, trouble: 'unreachable', message: 'the broker stopped answering' });
      }, message.timeoutMs);
      this.#open.add(answer);
      this.#client.publish(
        message.topic,
        message.payload as Buffer,
        {
          qos: 1,
          ...(this.#version === 5
            ? {
                properties: {
                  contentType: message.contentType,
                  userProperties: { ...message.userProperties },
                },
              }
            : {}),
        },
        (error) => {
          if (this.#open.has(answer)) answer(error ? failureOf(error) : { ok: true });
        },
      );
    });
  }
}

function failureOf(error: Error & { code?: unknown }): Failure {
  if (error.code === 149) return { ok: false, trouble: 'too_big', message: messageOf(error) };
  if (typeof error.code === 'number')
    return { ok: false, trouble: 'rejected', code: error.code, message: messageOf(error) };
  return { ok: false, trouble: 'unreachable', message: messageOf(error) };
}

function packetBytes(message: OutgoingMessage): number {
  let bytes = message.payload.length + Buffer.byteLength(message.topic) + message.contentType.length;
  for (const [name, value] of Object.entries(message.userProperties))
    bytes += name.length + Buffer.byteLength(value) + 5;
  return bytes + packetOverheadBytes;
}

function clientOptions(options: MqttPublisherOptions, version: 4 | 5, timeoutMs: number): IClientOptions {
  const { tls = {} } = options;
  return {
    clientId: options.clientId,
    protocolVersion: version,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: timeoutMs,
    keepalive: options.keepAliveSeconds ?? 30,
    resubscribe: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    rejectUnauthorized: tls.verify !== false,
  };
}
