import { Aedes, type Client } from 'aedes';
import type { Duplex } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import type {
  BrokerClient,
  BrokerEvents,
  BrokerPeer,
  BrokerUser,
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedBrokers,
  ListenAddress,
  MqttPublish,
} from '../ports/broker.ts';
import { type BrokerMemory, BrokerSessions } from './broker-sessions.ts';
import { listenMqtt, type Listener } from './mqtt-listen.ts';
import { encodeAcks, packetTypes } from './mqtt-frames.ts';
import { Gate } from './mqtt-gate.ts';
import { brokerLimits } from './mqtt-limits.ts';
import { TopicTexts } from './mqtt-topic-texts.ts';

/**
 * The embedded broker. aedes keeps the sessions and serves subscribers; what clients publish does not pass through it but is
 * taken out of their bytes by a {@link Gate}, so that a PUBACK can wait for the commit without holding up what
 * follows. Messages are handed to aedes afterwards, for subscribers.
 */
export class AedesBrokers implements EmbeddedBrokers {
  async open(options: EmbeddedBrokerOptions, events: BrokerEvents): Promise<EmbeddedBroker> {
    const broker = new AedesBroker(options, events);
    await broker.start();
    return broker;
  }
}

/** One connection. aedes knows it by its gate. */
interface Connection {
  readonly gate: Gate;
  user: BrokerUser | null;
  peer: BrokerPeer | null;
  clientId: string;
  /** 0: none asked. */
  keepAliveMs: number;
  /** The topic allowed last: sensors publish to few. */
  allowedTopic: string;
}

class AedesBroker implements EmbeddedBroker {
  readonly #options: EmbeddedBrokerOptions;
  readonly #events: BrokerEvents;
  readonly #topics = new TopicTexts();
  #sessions: BrokerSessions | null = null;
  readonly #aedes: Aedes;
  readonly #connections = new Set<Connection>();
  #listeners: Listener[] = [];
  #sweep: NodeJS.Timeout | null = null;
  /** Somebody subscribed once: until then messages need not be handed on. */
  #subscribed = false;
  #forwards = 0;
  #unforwarded = 0;

  constructor(options: EmbeddedBrokerOptions, events: BrokerEvents) {
    this.#options = options;
    this.#events = events;
    this.#aedes = new Aedes({
      connectTimeout: options.connectTimeoutMs,
      drainTimeout: brokerLimits.drainMs,
      preConnect: (client, packet, done) => {
        const connection = this.#of(client);
        // aedes sees no PUBLISH and would take a busy publisher for a silent one: the sweep looks after it.
        connection.keepAliveMs = (packet.keepalive ?? 0) * 1000;
        packet.keepalive = 0;
        done(null, packet.clientId.length <= brokerLimits.clientIdChars);
      },
      authenticate: (client, username, password, done) => {
        const user = events.authenticate({ username: username ?? null, password: password ?? noBytes });
        this.#of(client).user = user;
        if (user !== null) return done(null, true);
        events.refused('credentials', 'a client gave a wrong user name or password');
        done(wrongCredentials, null);
      },
      // Only last wills come this way.
      authorizePublish: (client, packet, done) => {
        const user = client === null ? null : this.#of(client).user;
        if (client === null || user === null || !mayPublish(user, packet.topic)) {
          done(new Error('not allowed'));
          return;
        }
        const { topic, qos, retain } = packet;
        const payload = Buffer.from(packet.payload);
        events.will({ clientId: client.id, user }, { topic, payload, qos, retain, dup: false, packetId: 0 });
        done(null);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const allowed = this.#of(client).user?.maySubscribe(subscription.topic) === true;
        // Null refuses this one filter (SUBACK 0x80).
        done(null, allowed ? subscription : null);
      },
    });
    this.#aedes.on('subscribe', () => {
      this.#subscribed = true;
    });
    this.#aedes.on('clientReady', (client) => void this.#ready(client));
    this.#aedes.on('clientDisconnect', (client) => {
      if (!client.clean) this.#sessions?.left(client.id, performance.now());
    });
    // Its one cause is a failing persistence, and ours is memory.
    this.#aedes.on('error' as never, () => undefined);
  }

  get addresses(): readonly ListenAddress[] {
    return this.#listeners.map((listener) => listener.address);
  }

  get clients(): number {
    return this.#connections.size;
  }

  async start(): Promise<void> {
    await this.#aedes.listen();
    const { persistence } = this.#aedes as unknown as { readonly persistence: BrokerMemory };
    this.#sessions = new BrokerSessions(persistence, {
      expiryMs: this.#options.sessionExpiryMs,
      queueMax: this.#options.sessionQueueMax,
    });
    const { listen, websocket, tls, packetBytesMax } = this.#options;
    const accept = (socket: Duplex): void => this.#accept(socket);
    try {
      const common = { ...(tls === undefined ? {} : { tls }), packetBytesMax, accept };
      this.#listeners.push(await listenMqtt({ ...common, address: listen, transport: 'tcp' }));
      if (websocket !== undefined)
        this.#listeners.push(await listenMqtt({ ...common, address: websocket, transport: 'websocket' }));
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#sweep = setInterval(() => void this.#sweepNow(performance.now()), brokerLimits.sweepMs);
    this.#sweep.unref();
  }

  async close(): Promise<void> {
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const { gate } of this.#connections) gate.destroy();
    await Promise.all(listeners.map((listener) => listener.close()));
    await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
  }

  #accept(socket: Duplex): void {
    if (this.#connections.size >= this.#options.clientsMax) {
      socket.on('error', () => undefined);
      socket.destroy();
      this.#events.refused('clients', `more than ${this.#options.clientsMax} clients`);
      return;
    }
    const gate = new Gate(
      socket,
      {
        version: '3.1.1',
        packetBytesMax: this.#options.packetBytesMax,
        waitAfter: packetTypes.connect,
        topics: this.#topics,
      },
      {
        publish: (packet) => this.#publish(connection, packet),
        release: (packetId) => connection.peer?.release(packetId),
        broken: (what) => this.#break(connection, 'protocol', `sent a ${what}`),
      },
    );
    const connection: Connection = {
      gate,
      user: null,
      peer: null,
      clientId: '',
      keepAliveMs: 0,
      allowedTopic: '',
    };
    this.#connections.add(connection);
    gate.on('error', () => undefined);
    gate.once('close', () => {
      this.#connections.delete(connection);
      connection.peer?.closed();
    });
    gates.set(gate, connection);
    this.#aedes.handle(gate);
  }

  #of(client: Client): Connection {
    return gates.get(client.conn as Gate)!;
  }

  async #ready(client: Client): Promise<void> {
    const connection = this.#of(client);
    const { gate, user } = connection;
    if (user === null || gate.destroyed) return;
    connection.clientId = client.id;
    this.#sessions?.returned(client.id);
    const side: BrokerClient = {
      clientId: client.id,
      user,
      clean: client.clean,
      acknowledge: (acks) => gate.writeAside(encodeAcks(acks)),
      pause: () => gate.hold(),
      resume: () => gate.release(),
    };
    const peer = await this.#events.connected(side);
    if (gate.destroyed) {
      peer.closed();
      return;
    }
    connection.peer = peer;
    gate.proceed();
  }

  #publish(connection: Connection, packet: MqttPublish): void {
    const { user, peer, gate } = connection;
    if (user === null || peer === null || gate.destroyed) return;
    if (packet.topic !== connection.allowedTopic) {
      if (!mayPublish(user, packet.topic)) {
        this.#break(
          connection,
          'permission',
          `may not publish to ${JSON.stringify(packet.topic.slice(0, 100))}`,
        );
        return;
      }
      connection.allowedTopic = packet.topic;
    }
    peer.publish(packet);
    if (this.#subscribed || packet.retain) this.#forward(packet);
  }

  #forward(packet: MqttPublish): void {
    if (this.#forwards >= brokerLimits.forwards) {
      this.#unforwarded++;
      return;
    }
    this.#forwards++;
    const { topic, qos, retain } = packet;
    // The payload is a view of the socket's bytes; a queue would keep all of them.
    const payload = Buffer.from(packet.payload);
    this.#aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, () => {
      this.#forwards--;
    });
  }

  #break(connection: Connection, reason: 'protocol' | 'permission', what: string): void {
    const name = connection.clientId === '' ? 'a client' : `client ${JSON.stringify(connection.clientId)}`;
    connection.gate.destroy();
    this.#events.refused(reason, `${name} ${what}`);
  }

  async #sweepNow(nowMs: number): Promise<void> {
    if (this.#unforwarded > 0) this.#events.unforwarded(this.#unforwarded);
    this.#unforwarded = 0;
    for (const connection of this.#connections) {
      const { keepAliveMs, gate } = connection;
      if (keepAliveMs > 0 && nowMs - gate.heardMs > keepAliveMs * brokerLimits.keepAliveFactor)
        this.#break(connection, 'protocol', 'was silent for longer than its keep-alive');
    }
    try {
      await this.#sessions?.sweep(nowMs);
    } catch (error) {
      this.#events.refused('protocol', `cannot end a session: ${messageOf(error)}`);
    }
  }
}

/** CONNACK 4 (3.1.1, table 3.1). */
const wrongCredentials = Object.assign(new Error('bad user name or password'), { returnCode: 4 });
const noBytes = new Uint8Array(0);
const gates = new WeakMap<Gate, Connection>();

/** Topics a client may publish to: no wildcards (3.1.1, §3.3.2.1) and none of the broker's own. */
function mayPublish(user: BrokerUser, topic: string): boolean {
  return !topic.startsWith('$') && !topic.includes('#') && !topic.includes('+') && user.mayPublish(topic);
}
