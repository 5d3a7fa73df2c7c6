import mqtt, { type IClientOptions, type ISubscriptionMap } from 'mqtt';
import type {
  MqttAck,
  MqttCloseReason,
  MqttLink,
  MqttLinkEvents,
  MqttLinkOptions,
  MqttLinks,
  MqttRefusal,
} from '../ports/broker.ts';
import { encodeAcks, packetTypes } from './mqtt-frames.ts';
import { Gate } from './mqtt-gate.ts';
import { mqttLimits } from './mqtt-limits.ts';
import { openMqttStream } from './mqtt-streams.ts';
import { networkWords } from './network-words.ts';

/**
 * MQTT connections with pipelined acknowledgement. MQTT.js keeps the session (CONNECT, SUBSCRIBE, PINGREQ and what answers
 * them), but it handles one PUBLISH after the other and cannot acknowledge later. So it does not see any: its stream is a
 * {@link Gate} that takes PUBLISH and PUBREL out of the bytes, and acknowledgements are written past it to the socket.
 */
export class MqttJsLinks implements MqttLinks {
  open(options: MqttLinkOptions, events: MqttLinkEvents): MqttLink {
    return new MqttJsLink(options, events);
  }
}

/** CONNACK codes that say the broker does not want this client: 3.1.1 (§3.2.2.3) 1, 2, 4, 5 and their MQTT 5 fellows. */
const refusals: ReadonlySet<number> = new Set([1, 2, 4, 5, 132, 133, 134, 135, 138, 140]);

class MqttJsLink implements MqttLink {
  readonly #client: mqtt.MqttClient;
  readonly #events: MqttLinkEvents;
  readonly #keepAliveMs: number;
  readonly #host: string;
  #gate!: Gate;
  #connected = false;
  #closed = false;
  #reason: MqttCloseReason | null = null;
  #pausePing: NodeJS.Timeout | null = null;

  constructor(options: MqttLinkOptions, events: MqttLinkEvents) {
    this.#events = events;
    this.#keepAliveMs = options.keepAliveSeconds * 1000;
    this.#host = URL.parse(options.url)?.host ?? 'the broker';
    this.#client = new mqtt.MqttClient(() => {
      const { version, packetBytesMax } = options;
      this.#gate = new Gate(
        openMqttStream(options),
        { version, packetBytesMax, waitAfter: packetTypes.connack },
        {
          publish: (packet) => {
            if (this.#connected) events.publish(packet);
          },
          release: (packetId) => {
            if (this.#connected) events.release(packetId);
          },
          broken: (what) => this.#fail({ kind: 'protocol', message: `the broker sent a ${what}` }),
        },
      );
      return this.#gate as never;
    }, clientOptions(options));
    this.#client.on('connect', (connack) => {
      if (this.#closed) return;
      this.#connected = true;
      events.connected({ sessionPresent: connack.sessionPresent });
      this.#gate.proceed();
    });
    this.#client.on('error', (error) => this.#fail(this.#reasonOf(error)));
    this.#client.on('disconnect', (packet) => {
      this.#reason ??= {
        kind: 'network',
        message: `the broker ended the connection (reason ${packet.reasonCode ?? 0})`,
      };
    });
    this.#client.on('close', () => this.#ended());
  }

  async subscribe(filters: readonly string[], qos: 0 | 1 | 2): Promise<readonly MqttRefusal[]> {
    // `rh: 1`: retained messages come with a new subscription only, not again with each start (MQTT 5).
    const wanted: ISubscriptionMap = Object.fromEntries(filters.map((filter) => [filter, { qos, rh: 1 }]));
    return new Promise((resolve, reject) => {
      this.#client.subscribe(wanted, (error, _granted, suback) => {
        const codes = (suback?.granted ?? []) as readonly number[];
        if (codes.length !== filters.length) {
          reject(error ?? new Error('SUBACK does not answer every filter'));
          return;
        }
        const refused = filters.flatMap((filter, i) =>
          codes[i]! >= 128 ? [{ filter, message: subackWords.get(codes[i]!) ?? `reason ${codes[i]}` }] : [],
        );
        resolve(refused);
      });
    });
  }

  acknowledge(acks: readonly MqttAck[]): void {
    if (this.#connected && !this.#closed) this.#gate.writeAside(encodeAcks(acks));
  }

  pause(): void {
    this.#gate.hold();
    if (this.#pausePing !== null || this.#keepAliveMs === 0) return;
    // PINGRESP stays unread while paused: keep the broker content, and MQTT.js from missing the answer.
    this.#pausePing = setInterval(() => {
      if (!this.#connected) return;
      this.#client.sendPing();
      this.#client.reschedulePing(true);
    }, this.#keepAliveMs / 2);
    this.#pausePing.unref();
    this.#client.reschedulePing(true);
  }

  resume(): void {
    if (this.#pausePing !== null) clearInterval(this.#pausePing);
    this.#pausePing = null;
    this.#gate.release();
  }

  close(): void {
    this.#reason ??= { kind: 'asked', message: 'closed' };
    if (this.#closed) return;
    this.#gate.release();
    if (this.#connected) this.#client.end(false, {});
    else this.#client.end(true);
    // A broker that does not end its side must not keep the connection.
    const grace = setTimeout(() => this.#gate.destroy(), mqttLimits.closeGraceMs);
    grace.unref();
    this.#client.once('close', () => clearTimeout(grace));
  }

  #reasonOf(error: Error & { code?: unknown }): MqttCloseReason {
    const { code } = error;
    const words = networkWords(error);
    // A broker that answers says enough; one that cannot be reached is named.
    const message = this.#connected || typeof code === 'number' ? words : `${this.#host}: ${words}`;
    if (!this.#connected && typeof code === 'number' && refusals.has(code))
      return { kind: 'refused', message };
    return { kind: this.#connected && typeof code !== 'string' ? 'protocol' : 'network', message };
  }

  /** MQTT.js reports some errors and goes on; a link does not. */
  #fail(reason: MqttCloseReason): void {
    this.#reason ??= reason;
    this.#gate.destroy();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected = false;
    if (this.#pausePing !== null) clearInterval(this.#pausePing);
    this.#events.closed(this.#reason ?? { kind: 'network', message: 'the broker closed the connection' });
  }
}

/** MQTT 5, table 3-8; 128 is also the refusal of 3.1.1. */
const subackWords: ReadonlyMap<number, string> = new Map([
  [128, 'refused'],
  [131, 'implementation specific error'],
  [135, 'not authorized'],
  [143, 'topic filter invalid'],
  [145, 'packet id in use'],
  [151, 'quota exceeded'],
  [158, 'shared subscriptions not supported'],
  [161, 'subscription identifiers not supported'],
  [162, 'wildcard subscriptions not supported'],
]);

function clientOptions(options: MqttLinkOptions): IClientOptions {
  const version5 = options.version === '5';
  return {
    protocolId: 'MQTT',
    protocolVersion: version5 ? 5 : 4,
    clientId: options.clientId,
    clean: options.clean,
    keepalive: options.keepAliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    // One connection a link: MQTT.js neither reconnects, nor resubscribes, nor queues.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    ...(version5
      ? {
          properties: {
            sessionExpiryInterval: options.clean ? 0 : options.sessionExpirySeconds,
            receiveMaximum: options.receiveMaximum,
            maximumPacketSize: options.packetBytesMax,
          },
        }
      : {}),
  };
}
