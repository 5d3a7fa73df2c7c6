import { Aedes, type AedesPublishPacket, type AuthenticateError, type Client } from 'aedes';
import type { Duplex } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import type {
  BrokerClient,
  BrokerEvents,
  BrokerMessage,
  BrokerUser,
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedBrokers,
  ListenAddress,
  MqttPublish,
} from '../ports/broker.ts';
import {
  type Connection,
  type SubscribedClient,
  type WillPacket,
  causeOf,
  connectProblem,
  admits,
  connectionOf,
  gates,
  mayPublish,
  mayReceive,
  noBytes,
  notAuthorized,
  notAuthorizedAck,
  prepareFive,
  publisherTo,
  shown,
  turnAway,
  wrongCredentials,
} from './mqtt-broker-connection.ts';
import { FiveSide, disconnectOf, versionOf } from './mqtt-broker-five.ts';
import { AedesPersistence } from './mqtt-broker-persistence.ts';
import { encodedProperties, type MessageProperties, readProperties } from './mqtt-broker-properties.ts';
import { BrokerSessions, type Forwarded } from './mqtt-broker-sessions.ts';
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

class AedesBroker implements EmbeddedBroker {
  readonly #options: EmbeddedBrokerOptions;
  readonly #events: BrokerEvents;
  readonly #topics = new TopicTexts();
  readonly #sessions: BrokerSessions;
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
    this.#sessions = new BrokerSessions({
      file: options.sessionsFile ?? null,
      expiryMs: options.sessionExpiryMs,
      queueMax: options.sessionQueueMax,
      userOf: (client) => this.#of(client).user,
      admits: (client, filter) => this.#admits(client, filter),
      trouble: (message) => events.unsaved(message),
    });
    this.#aedes = new Aedes({
      // Counters of messages go on after a restart, and with them the names of what is queued.
      id: 'sedge',
      persistence: new AedesPersistence(this.#sessions),
      connectTimeout: options.connectTimeoutMs,
      drainTimeout: brokerLimits.drainMs,
      preConnect: (client, packet, done) => {
        const connection = this.#of(client);
        // aedes sees no PUBLISH and would take a busy publisher for a silent one: the sweep looks after it.
        connection.keepAliveMs = (packet.keepalive ?? 0) * 1000;
        packet.keepalive = 0;
        const { five } = connection;
        const problem = connectProblem(
          packet.clientId,
          five,
          () => five === null || prepareFive(connection, five, packet, options),
        );
        // aedes forgets a connection that it does not take here.
        if (problem !== null) {
          turnAway(connection, problem);
          events.refused('protocol', `a client ${problem.what}`);
        }
        done(null, problem === null);
      },
      authenticate: (client, username, password, done) => {
        const problem = this.#login(client, username ?? null, password ?? noBytes);
        done(problem, problem === null);
      },
      // Only last wills come this way.
      authorizePublish: (client, packet, done) => {
        const user = client === null ? null : this.#of(client).user;
        const allowed = client !== null && user !== null && mayPublish(user, packet.topic);
        if (allowed) this.#takeWill({ clientId: client.id, user }, packet);
        else events.refused('permission', `a last will may not go to ${shown(packet.topic)}`);
        done(allowed ? null : new Error('not allowed'));
      },
      authorizeSubscribe: (client, subscription, done) => {
        // Null refuses this one filter (SUBACK 0x80).
        done(null, this.#admits(client, subscription.topic) ? subscription : null);
      },
      // Also what was queued or retained before the client's permissions were narrowed.
      authorizeForward: (client, packet) => {
        const receiver = client as object as SubscribedClient;
        return mayReceive(this.#of(client), receiver, packet, this.#sessions) ? packet : null;
      },
    });
    this.#aedes.on('subscribe', () => void (this.#subscribed = true));
    this.#aedes.on('clientReady', (client) => void this.#ready(client));
    this.#aedes.on('clientDisconnect', (client) => {
      const { expiryMs } = this.#of(client);
      const when = { nowMs: performance.now(), wallMs: Date.now(), expiryMs };
      if (!client.clean) this.#sessions.left(client.id, when);
    });
    this.#aedes.on('clientError', (client, error) => this.#failed(client, error));
    this.#aedes.on('connectionError', (client, error) => this.#failed(client, error));
    // Its one cause is a failing persistence, and ours is memory.
    this.#aedes.on('error' as never, () => undefined);
  }

  get addresses(): readonly ListenAddress[] {
    return this.#listeners.map((listener) => listener.address);
  }

  get clients(): number {
    return this.#connections.size;
  }

  publish({ topic, payload, contentType, userProperties }: BrokerMessage): void {
    if (!this.#subscribed) return;
    const properties = encodedProperties(contentType, userProperties);
    this.#spread({ topic, payload: Buffer.from(payload), qos: 1, retain: false, properties }, '');
  }

  async start(): Promise<void> {
    try {
      const { droppedBytes } = await this.#sessions.open(performance.now(), Date.now());
      if (droppedBytes > 0) this.#events.torn(droppedBytes);
    } catch (error) {
      this.#events.unsaved(messageOf(error));
    }
    this.#subscribed = !this.#sessions.empty;
    await this.#aedes.listen();
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
    this.#sweep = setInterval(() => this.#sweepNow(performance.now()), brokerLimits.sweepMs);
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
    await this.#sessions.close();
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
        incoming: (type, frame) => {
          if (type === packetTypes.connect && connection.five === null && versionOf(frame) === 5)
            this.#speak5(connection);
          return connection.five === null ? frame : connection.five.incoming(type, frame);
        },
        outgoing: (bytes) => connection.five?.outgoing(bytes) ?? bytes,
      },
    );
    const connection = connectionOf(gate);
    this.#connections.add(connection);
    gate.on('error', () => undefined);
    gate.once('close', () => {
      this.#connections.delete(connection);
      connection.peer?.closed();
    });
    gates.set(gate, connection);
    this.#aedes.handle(gate);
  }

  #speak5(connection: Connection): void {
    const { gate } = connection;
    gate.speak5();
    connection.five = new FiveSide({
      send: (bytes) => gate.writeAside(bytes),
      answer: (frame) => void gate.push(frame),
      expiry: (seconds) => {
        connection.expiryMs = seconds * 1_000;
      },
      vanish: () => gate.destroy(),
      tooLarge: () => void this.#unforwarded++,
      broken: (what) => this.#break(connection, 'protocol', `sent a ${what}`),
    });
  }

  #of(client: object): Connection {
    return gates.get((client as Client).conn as Gate)!;
  }

  /** Null lets the client in. */
  #login(client: Client, username: string | null, password: Uint8Array): AuthenticateError | null {
    const user = this.#events.authenticate({ username, password });
    if (user === null) {
      this.#events.refused('credentials', 'a client gave a wrong user name or password');
      return wrongCredentials;
    }
    const connected = (this.#aedes as unknown as { clients: Record<string, Client> }).clients[client.id];
    const takes = connected !== undefined && this.#of(connected).user?.name !== user.name;
    if (takes || this.#sessions.belongsToOther(client.id, user.name)) {
      this.#events.refused('permission', `the client id ${shown(client.id)} belongs to another user`);
      return notAuthorized;
    }
    const connection = this.#of(client);
    connection.user = user;
    // From here on the parser reads MQTT 5 again.
    if (connection.connect !== null) (connection.connect as { protocolVersion: number }).protocolVersion = 5;
    connection.connect = null;
    if (connection.cleanStart) this.#sessions.discard(client.id);
    return null;
  }

  #admits(client: object, filter: string): boolean {
    return admits(this.#of(client), client as SubscribedClient, filter, this.#sessions);
  }

  #takeWill(client: { clientId: string; user: BrokerUser }, will: WillPacket): void {
    const { topic, qos, retain, payload } = will;
    this.#events.will(client, { topic, payload: Buffer.from(payload), qos, retain, dup: false, packetId: 0 });
  }

  #failed(client: Client, error: Error): void {
    const cause = causeOf(client.id, error);
    if (cause !== null) this.#events.refused(cause.reason, cause.message);
  }

  async #ready(client: Client): Promise<void> {
    const connection = this.#of(client);
    const { gate, user } = connection;
    if (user === null || gate.destroyed) return;
    connection.clientId = client.id;
    this.#sessions.returned(client.id);
    const side: BrokerClient = {
      clientId: client.id,
      user,
      clean: client.clean,
      // A PUBACK promises the queues of subscribers that are away, too.
      acknowledge: (acks) =>
        this.#sessions.whenSaved(connection.forwardedUpTo, () => gate.writeAside(encodeAcks(acks))),
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
        if (connection.five !== null) return this.#refuse(connection, packet);
        this.#break(connection, 'permission', `may not publish to ${shown(packet.topic)}`);
        return;
      }
      connection.allowedTopic = packet.topic;
    }
    // First: the acknowledgement waits for the queues this message goes to.
    if (this.#subscribed || packet.retain) this.#forward(connection, packet);
    peer.publish(packet);
  }

  /** MQTT 5 has a word for it: the connection stays. */
  #refuse({ gate, clientId }: Connection, { topic, qos, packetId }: MqttPublish): void {
    if (qos !== 0) gate.writeAside(notAuthorizedAck(qos, packetId));
    this.#events.refused('permission', `client ${shown(clientId)} may not publish to ${shown(topic)}`);
  }

  #forward(connection: Connection, packet: MqttPublish): void {
    const { topic, qos, retain, properties: given } = packet;
    const properties = readProperties(given);
    if (properties === null)
      return this.#break(connection, 'protocol', 'sent a malformed PUBLISH: its properties');
    // The payload is a view of the socket's bytes; a queue would keep all of them.
    const payload = Buffer.from(packet.payload);
    this.#spread({ topic, payload, qos, retain, properties }, connection.clientId);
    if (qos > 0) connection.forwardedUpTo = this.#sessions.position;
  }

  /** To every subscriber, there or away; `clientId` is '' for the agent itself. */
  #spread(message: Forwarded, clientId: string): void {
    const brokerCounter = this.#nextCounter();
    this.#sessions.forward(message, brokerCounter, clientId);
    if (!this.#handOver({ ...message, brokerCounter, clientId })) this.#sessions.unforwarded(brokerCounter);
  }

  #nextCounter(): number {
    return ++(this.#aedes as unknown as { counter: number }).counter;
  }

  /** To the subscribers that are connected. What they miss stays in the queues of their sessions. */
  #handOver(
    message: WillPacket & {
      readonly brokerCounter: number;
      readonly clientId?: string;
      readonly properties?: MessageProperties;
    },
  ): boolean {
    if (
      this.#forwards >= brokerLimits.forwards ||
      message.topic.split('/').length > brokerLimits.topicLevels
    ) {
      this.#unforwarded++;
      return false;
    }
    this.#forwards++;
    const packet = { cmd: 'publish', dup: false, brokerId: this.#aedes.id, ...message };
    this.#aedes.publish(packet as unknown as AedesPublishPacket, () => {
      this.#forwards--;
    });
    return true;
  }

  #break(connection: Connection, reason: 'protocol' | 'permission', what: string): void {
    const name = connection.clientId === '' ? 'a client' : `client ${shown(connection.clientId)}`;
    if (connection.five !== null)
      connection.gate.writeAside(disconnectOf(reason === 'permission' ? 0x87 : 0x82));
    connection.gate.destroy();
    this.#events.refused(reason, `${name} ${what}`);
  }

  #sweepNow(nowMs: number): void {
    if (this.#unforwarded > 0) this.#events.unforwarded(this.#unforwarded);
    this.#unforwarded = 0;
    for (const connection of this.#connections) {
      const { keepAliveMs, gate } = connection;
      if (keepAliveMs > 0 && nowMs - gate.heardMs > keepAliveMs * brokerLimits.keepAliveFactor)
        this.#break(connection, 'protocol', 'was silent for longer than its keep-alive');
    }
    for (const { clientId, topic, qos, retain, payload } of this.#sessions.sweep(nowMs)) {
      // It was allowed when the client connected, to an agent that is gone.
      this.#takeWill({ clientId, user: publisherTo(topic) }, { topic, qos, retain, payload });
      this.#handOver({ topic, qos, retain, payload, brokerCounter: this.#nextCounter() });
    }
    const shed = this.#sessions.takeShed();
    if (shed > 0) this.#events.shed(shed);
  }
}
