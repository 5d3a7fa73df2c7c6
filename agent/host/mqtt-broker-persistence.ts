import { Readable } from 'node:stream';
import { matchesFilter } from '../reading/topic-filter.ts';
import { type MessageProperties, noProperties } from './mqtt-broker-properties.ts';
import type { Qos } from './mqtt-broker-records.ts';
import { type BrokerSessions, type ClientRef, larger } from './mqtt-broker-sessions.ts';
import type { Delivery, Session, SessionState, Will } from './mqtt-broker-state.ts';
import { brokerLimits } from './mqtt-limits.ts';

interface AedesSubscription {
  readonly topic: string;
  readonly qos: Qos;
  readonly rh?: number;
  readonly rap?: boolean;
  readonly nl?: boolean;
  readonly subscriptionIdentifier?: number;
}

interface AedesPacket {
  readonly cmd: string;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
  readonly topic: string;
  readonly payload: Uint8Array | string;
  qos: Qos;
  readonly retain: boolean;
  readonly properties?: unknown;
  messageId?: number | undefined;
}

/** The part of aedes' persistence interface that aedes calls, over {@link BrokerSessions}. What clients publish does not pass aedes: nothing comes in. */
export class AedesPersistence {
  readonly #sessions: BrokerSessions;
  readonly #state: SessionState;
  #broker: { readonly id: string; counter: number } = { id: '', counter: 0 };

  constructor(sessions: BrokerSessions) {
    this.#sessions = sessions;
    this.#state = sessions.state;
  }

  /** The broker it was set up for. */
  get broker(): object {
    return this.#broker;
  }

  /* oxlint-disable typescript/require-await */

  async setup(broker: { readonly id: string; counter: number }): Promise<void> {
    this.#broker = broker;
    broker.counter = Math.max(broker.counter, this.#state.lastCounter);
  }

  async destroy(): Promise<void> {
    await this.#sessions.close();
  }

  async storeRetained({ topic, payload, qos, properties }: AedesPacket): Promise<void> {
    this.#sessions.retain({ topic, payload: bytesOf(payload), qos, properties: propertiesOf(properties) });
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    const { retained } = this.#state;
    return Readable.from(
      (function* packets() {
        for (const pattern of patterns) {
          for (const [topic, { qos, payload }] of retained) {
            if (matchesFilter(pattern, topic)) yield { cmd: 'publish', topic, payload, qos, retain: true };
          }
        }
      })(),
    );
  }

  async addSubscriptions(client: ClientRef, subscriptions: readonly AedesSubscription[]): Promise<void> {
    for (const { topic: filter, ...more } of subscriptions) {
      // aedes hands over the whole packet, also filters it refuses.
      if (!this.#sessions.options.admits(client, filter)) continue;
      const { number, subscriptions: known } = this.#sessions.sessionOf(client);
      const { qos, rh = 0, rap = false, nl = false, subscriptionIdentifier: identifier = 0 } = more;
      const before = known.get(filter);
      const same =
        before?.qos === qos &&
        before.rh === rh &&
        before.rap === rap &&
        before.nl === nl &&
        before.identifier === identifier;
      if (!same)
        this.#sessions.keep({
          kind: 'subscribe',
          number,
          filter,
          subscription: { qos, rh, rap, nl, identifier },
        });
    }
    // SUBACK is a promise, too.
    await this.#sessions.saved();
  }

  async removeSubscriptions(client: ClientRef, filters: readonly string[]): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined) return;
    for (const filter of filters) {
      if (session.subscriptions.has(filter))
        this.#sessions.keep({ kind: 'unsubscribe', number: session.number, filter });
    }
    await this.#sessions.saved();
  }

  async subscriptionsByClient(client: ClientRef): Promise<AedesSubscription[]> {
    const known = this.#state.sessions.get(client.id)?.subscriptions ?? new Map();
    return [...known].map(([topic, subscription]) => aedesSubscription(topic, subscription));
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const clientsCount = [...this.#state.sessions.values()].filter(
      (one) => one.subscriptions.size > 0,
    ).length;
    return { subsCount: this.#state.tree.size, clientsCount };
  }

  async subscriptionsByTopic(topic: string): Promise<(AedesSubscription & { clientId: string })[]> {
    return this.#state.tree.match(topic).map(([{ clientId }, { filter, subscription }]) => {
      const { identifier: _, ...more } = subscription;
      return { clientId, topic: filter, ...more };
    });
  }

  async cleanSubscriptions(client: ClientRef): Promise<void> {
    this.#sessions.discard(client.id);
  }

  async outgoingEnqueue(subscription: { clientId: string; qos: Qos }, packet: AedesPacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscription], packet);
  }

  /** Only wills come this way: the rest was queued by {@link forward}. */
  async outgoingEnqueueCombi(
    subscriptions: readonly { clientId: string; qos: Qos }[],
    packet: AedesPacket,
  ): Promise<void> {
    const counter = packet.brokerCounter ?? 0;
    if (this.#sessions.forwarded.delete(counter)) return;
    const wanting = new Map<Session, Qos>();
    for (const { clientId, qos } of subscriptions) {
      const session = this.#sessions.sessionOf({ id: clientId });
      wanting.set(session, larger(wanting.get(session), qos));
    }
    const { topic, payload, qos, properties } = packet;
    const message = { topic, payload: bytesOf(payload), qos, properties: propertiesOf(properties) };
    this.#sessions.enqueue(message, counter, wanting);
  }

  /** Before a PUBLISH or PUBREL is written: the packet gets an id that no other message in flight has. */
  async outgoingUpdate(client: ClientRef, packet: AedesPacket): Promise<void> {
    const session = this.#state.sessions.get(client.id);
    if (session === undefined) return;
    const packetId = packet.messageId ?? 0;
    const released = packet.cmd === 'pubrel';
    const delivery =
      (released ? undefined : session.queue.get(packet.brokerCounter ?? 0)) ??
      session.byPacketId.get(packetId);
    if (delivery === undefined) return;
    if (!released) {
      packet.messageId = freePacketId(session, packetId, delivery);
      packet.qos = delivery.qos;
    }
    if (delivery.packetId === packet.messageId && delivery.released === released) return;
    const { counter } = delivery.message;
    this.#sessions.keep({
      kind: 'sent',
      number: session.number,
      counter,
      packetId: packet.messageId!,
      released,
    });
    // Exactly once needs the id, and the release, to outlive a crash; at least once does not.
    if (delivery.qos === 2) await this.#sessions.saved();
  }

  async outgoingClearMessageId(
    client: ClientRef,
    packet: { messageId?: number },
  ): Promise<object | undefined> {
    const session = this.#state.sessions.get(client.id);
    const delivery = session?.byPacketId.get(packet.messageId ?? 0);
    if (session === undefined || delivery === undefined) return undefined;
    this.#sessions.keep({ kind: 'done', number: session.number, counter: delivery.message.counter });
    return this.#packetOf(delivery);
  }

  outgoingStream(client: ClientRef): Readable {
    const session = this.#state.sessions.get(client.id);
    const waiting = [...(session?.queue.values() ?? [])].map((delivery) => ({
      delivery,
      packetId: delivery.packetId,
    }));
    const packetOf = (delivery: Delivery): object => this.#packetOf(delivery);
    return Readable.from(
      (function* packets() {
        for (const { delivery, packetId } of waiting) {
          const stillQueued = session?.queue.get(delivery.message.counter) === delivery;
          // Another id: it was sent while those before it were.
          if (stillQueued && delivery.packetId === packetId) yield packetOf(delivery);
        }
      })(),
    );
  }

  async putWill(client: ClientRef, packet: AedesPacket): Promise<void> {
    const { topic, qos, retain } = packet;
    const user = this.#sessions.options.userOf(client);
    this.#sessions.adopted(client.id);
    if (user?.mayPublish(topic) === false || this.#state.wills.size >= brokerLimits.wills) return;
    this.#sessions.keep({
      kind: 'will',
      clientId: client.id,
      topic,
      qos,
      retain,
      payload: bytesOf(packet.payload),
    });
  }

  async getWill(client: ClientRef): Promise<Will | undefined> {
    return this.#state.wills.get(client.id);
  }

  async delWill(client: ClientRef): Promise<Will | undefined> {
    const will = this.#state.wills.get(client.id);
    this.#sessions.forgetWill(client.id);
    return will;
  }

  /** Wills of a process that died are ours to publish: see {@link sweep}. */
  streamWill(): Readable {
    return Readable.from([]);
  }
  /* oxlint-enable typescript/require-await */

  #packetOf(delivery: Delivery): object {
    const { message, packetId, released, qos } = delivery;
    if (released) return { cmd: 'pubrel', messageId: packetId };
    const { counter, topic, payload, properties } = message;
    return {
      cmd: 'publish',
      brokerId: this.#broker.id,
      brokerCounter: counter,
      topic,
      payload,
      qos,
      retain: false,
      dup: packetId > 0,
      messageId: packetId > 0 ? packetId : undefined,
      ...(properties === noProperties ? {} : { properties }),
    };
  }
}

const bytesOf = (payload: Uint8Array | string): Uint8Array =>
  typeof payload === 'string' ? Buffer.from(payload) : payload;

/** aedes carries them for us; those of a will are its own parser's and go nowhere. */
export const propertiesOf = (properties: unknown): MessageProperties =>
  typeof properties === 'object' && properties !== null && 'expiresMs' in properties
    ? (properties as MessageProperties)
    : noProperties;

function aedesSubscription(topic: string, subscription: { qos: Qos; identifier: number }): AedesSubscription {
  const { identifier, ...more } = subscription;
  return { topic, ...more, ...(identifier > 0 ? { subscriptionIdentifier: identifier } : {}) };
}

/** The id asked for, or the next one that no other delivery of the session has. Ids are 1 … 65,535. */
function freePacketId(session: Session, wanted: number, delivery: Delivery): number {
  let id = wanted;
  for (let i = 0; i < 65_535; i++) {
    const other = session.byPacketId.get(id);
    if (id !== 0 && (other === undefined || other === delivery)) return id;
    id = (id % 65_535) + 1;
  }
  return wanted;
}
