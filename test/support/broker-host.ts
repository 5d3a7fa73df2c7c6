import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';
import { AedesBrokers } from '#agent/host/mqtt-broker.ts';
import type { BrokerUser, EmbeddedBroker, EmbeddedBrokerOptions, MqttPublish } from '#agent/ports/broker.ts';
import { filterCovers, matchesFilter } from '#agent/reading/topic-filter.ts';

export interface BrokerAccount {
  readonly password: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** The embedded broker alone: every message is acknowledged at once and listed. */
export class BrokerHost {
  readonly refused: string[] = [];
  readonly taken: MqttPublish[] = [];
  readonly wills: string[] = [];
  readonly #users: Readonly<Record<string, BrokerAccount>>;
  readonly #clients: MqttClient[] = [];
  #broker: EmbeddedBroker | null = null;

  /** Without users anybody may do everything. */
  constructor(users: Readonly<Record<string, BrokerAccount>> = {}) {
    this.#users = users;
  }

  get port(): number {
    return this.#broker!.addresses[0]!.port;
  }

  get clients(): number {
    return this.#broker!.clients;
  }

  async start(options: Partial<EmbeddedBrokerOptions> = {}): Promise<this> {
    this.#broker = await new AedesBrokers().open(
      {
        listen: { host: '127.0.0.1', port: 0 },
        clientsMax: 20,
        packetBytesMax: 300_000,
        connectTimeoutMs: 30_000,
        sessionExpiryMs: 60_000,
        sessionQueueMax: 1_000,
        receiveMaximum: 100,
        ...options,
      },
      {
        authenticate: ({ username, password }) => this.#user(username, new TextDecoder().decode(password)),
        connected: (client) =>
          Promise.resolve({
            publish: (packet) => {
              this.taken.push({ ...packet, payload: packet.payload.slice() });
              const { qos, packetId } = packet;
              if (qos > 0) client.acknowledge([{ ack: qos === 1 ? 'puback' : 'pubrec', packetId }]);
            },
            release: (packetId) => client.acknowledge([{ ack: 'pubcomp', packetId }]),
            closed: () => undefined,
          }),
        will: (_client, { topic }) => void this.wills.push(topic),
        refused: (reason, message) => void this.refused.push(`${reason}: ${message}`),
        unforwarded: () => undefined,
        shed: () => undefined,
        torn: () => undefined,
        unsaved: () => undefined,
      },
    );
    return this;
  }

  /** A message of the agent itself. */
  publish(topic: string, payload: string): void {
    this.#broker!.publish({
      topic,
      payload: Buffer.from(payload),
      contentType: 'text/plain',
      userProperties: {},
    });
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.endAsync(true);
    await this.#broker?.close();
  }

  /** Connects; `got` lists what it is sent from the first packet on. @throws what the broker answers. */
  async client(options: IClientOptions = {}): Promise<{ client: MqttClient; got: IPublishPacket[] }> {
    const got: IPublishPacket[] = [];
    const client = mqtt.connect(`mqtt://127.0.0.1:${this.port}`, { reconnectPeriod: 0, ...options });
    this.#clients.push(client);
    client.on('message', (_topic, _payload, packet) => got.push(packet));
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
    client.on('error', () => undefined);
    return { client, got };
  }

  #user(name: string | null, password: string): BrokerUser | null {
    if (Object.keys(this.#users).length === 0)
      return { name, mayPublish: () => true, maySubscribe: () => true };
    const account = name === null ? undefined : this.#users[name];
    if (account === undefined || account.password !== password) return null;
    return {
      name,
      mayPublish: (topic) => account.publish.some((filter) => matchesFilter(filter, topic)),
      maySubscribe: (wanted) => account.subscribe.some((filter) => filterCovers(filter, wanted)),
    };
  }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Some turns of the event loop: what was under way has come, or does not come. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}

export const texts = (packets: readonly IPublishPacket[]): string[] =>
  packets.map(({ payload }) => payload.toString());
