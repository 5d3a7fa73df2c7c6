import { FilterTree } from './mqtt-broker-filters.ts';
import type { MessageProperties } from './mqtt-broker-properties.ts';
import type { Qos, SessionRecord, Subscription } from './mqtt-broker-records.ts';

export interface Session {
  readonly number: number;
  readonly clientId: string;
  /** User name, null: anonymous. Nobody else gets this session. */
  owner: string | null;
  /** Wall clock in ms, 0 while the client is here. */
  leftMs: number;
  /** How long the session is kept after that. */
  expiryMs: number;
  readonly subscriptions: Map<string, Subscription>;
  /** By counter, ascending. */
  readonly queue: Map<number, Delivery>;
  /** Those sent and not acknowledged; ids are distinct. */
  readonly byPacketId: Map<number, Delivery>;
  queuedBytes: number;
}

export interface StoredMessage {
  readonly counter: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties: MessageProperties;
  /** Sessions that have not acknowledged it. */
  readonly recipients: Set<Session>;
}

/** One message on its way to one session. */
export interface Delivery {
  readonly message: StoredMessage;
  readonly qos: Qos;
  /** 0: not sent yet. */
  packetId: number;
  released: boolean;
}

export interface Retained {
  readonly qos: Qos;
  readonly payload: Uint8Array;
  readonly properties: MessageProperties;
}

export type Will = Extract<SessionRecord, { kind: 'will' }>;

/** What a message costs beside topic and payload: objects and map slots. */
const messageOverheadBytes = 200;
export const costOf = (message: {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly properties: MessageProperties;
}): number =>
  message.topic.length + message.payload.length + message.properties.bytes.length + messageOverheadBytes;

/** What the broker remembers for subscribers. It changes by records alone, so that a log of them rebuilds it. */
export class SessionState {
  readonly sessions = new Map<string, Session>();
  readonly tree = new FilterTree<Session, { filter: string; subscription: Subscription }>();
  /** By counter; ascending while records are applied in the order they arose. */
  messages = new Map<number, StoredMessage>();
  readonly retained = new Map<string, Retained>();
  readonly wills = new Map<string, Will>();
  readonly #numbers = new Map<number, Session>();
  /** The largest ever seen. */
  lastNumber = 0;
  lastCounter = 0;
  messageBytes = 0;
  retainedBytes = 0;
  subscriptionBytes = 0;

  apply(record: SessionRecord): void {
    switch (record.kind) {
      case 'session':
        this.#session(record);
        break;
      case 'end':
        this.#end(record.number);
        break;
      case 'subscribe':
        this.#subscribe(record.number, record.filter, record.subscription);
        break;
      case 'unsubscribe':
        this.#unsubscribe(this.#numbers.get(record.number), record.filter);
        break;
      case 'message':
        this.#message(record);
        break;
      case 'sent':
        this.#sent(record);
        break;
      case 'done':
        this.#done(this.#numbers.get(record.number), record.counter);
        break;
      case 'retained':
        this.#retain(record.topic, record);
        break;
      case 'will':
        this.wills.set(record.clientId, record);
        break;
      case 'willGone':
        this.wills.delete(record.clientId);
        break;
    }
  }

  /** Records of a snapshot taken while messages came may bring an older message after a younger one. */
  sort(): void {
    const byCounter = ([one]: [number, unknown], [other]: [number, unknown]): number => one - other;
    this.messages = new Map([...this.messages].toSorted(byCounter));
    for (const { queue } of this.sessions.values()) {
      const sorted = [...queue].toSorted(byCounter);
      queue.clear();
      for (const [counter, delivery] of sorted) queue.set(counter, delivery);
    }
  }

  /** Records that rebuild the state from nothing. The state may change between two of them: what changes is told by records of its own. */
  *snapshot(): Generator<SessionRecord, void> {
    for (const session of this.sessions.values()) {
      const { number, clientId, owner, leftMs, expiryMs } = session;
      yield { kind: 'session', number, clientId, owner, leftMs, expiryMs };
      for (const [filter, subscription] of session.subscriptions)
        yield { kind: 'subscribe', number, filter, subscription };
    }
    for (const [topic, retained] of this.retained) yield { kind: 'retained', topic, ...retained };
    yield* this.wills.values();
    for (const message of this.messages.values()) {
      const { counter, topic, payload, properties } = message;
      const deliveries = [...message.recipients].map((session) => ({
        number: session.number,
        delivery: session.queue.get(counter)!,
      }));
      const recipients = deliveries.map(({ number, delivery }) => [number, delivery.qos] as const);
      yield { kind: 'message', counter, topic, payload, properties, recipients };
      for (const { number, delivery } of deliveries) {
        const { packetId, released } = delivery;
        if (packetId > 0) yield { kind: 'sent', number, counter, packetId, released };
      }
    }
  }

  #session(record: Extract<SessionRecord, { kind: 'session' }>): void {
    const { number, clientId, owner, leftMs, expiryMs } = record;
    this.lastNumber = Math.max(this.lastNumber, number);
    const known = this.sessions.get(clientId);
    if (known?.number === number) {
      known.owner = owner;
      known.leftMs = leftMs;
      known.expiryMs = expiryMs;
      return;
    }
    if (known !== undefined) this.#end(known.number);
    const session: Session = {
      number,
      clientId,
      owner,
      leftMs,
      expiryMs,
      subscriptions: new Map(),
      queue: new Map(),
      byPacketId: new Map(),
      queuedBytes: 0,
    };
    this.sessions.set(clientId, session);
    this.#numbers.set(number, session);
  }

  #end(number: number): void {
    const session = this.#numbers.get(number);
    if (session === undefined) return;
    for (const filter of session.subscriptions.keys()) this.#unsubscribe(session, filter);
    for (const counter of session.queue.keys()) this.#done(session, counter);
    this.sessions.delete(session.clientId);
    this.#numbers.delete(number);
  }

  #subscribe(number: number, filter: string, subscription: Subscription): void {
    const session = this.#numbers.get(number);
    if (session === undefined) return;
    if (!session.subscriptions.has(filter)) this.subscriptionBytes += filter.length;
    session.subscriptions.set(filter, subscription);
    if (subscription.qos > 0) this.tree.set(filter, session, { filter, subscription });
    else this.tree.delete(filter, session);
  }

  #unsubscribe(session: Session | undefined, filter: string): void {
    if (session?.subscriptions.delete(filter) !== true) return;
    this.subscriptionBytes -= filter.length;
    this.tree.delete(filter, session);
  }

  #message(record: Extract<SessionRecord, { kind: 'message' }>): void {
    const { counter, topic, payload, properties, recipients } = record;
    this.lastCounter = Math.max(this.lastCounter, counter);
    for (const [number, qos] of recipients) {
      const session = this.#numbers.get(number);
      if (session === undefined || session.queue.has(counter)) continue;
      let message = this.messages.get(counter);
      if (message === undefined) {
        message = { counter, topic, payload, properties, recipients: new Set() };
        this.messages.set(counter, message);
        this.messageBytes += costOf(message);
      }
      message.recipients.add(session);
      session.queue.set(counter, { message, qos, packetId: 0, released: false });
      session.queuedBytes += costOf(message);
    }
  }

  #sent(record: Extract<SessionRecord, { kind: 'sent' }>): void {
    const session = this.#numbers.get(record.number);
    const delivery = session?.queue.get(record.counter);
    if (session === undefined || delivery === undefined) return;
    if (session.byPacketId.get(delivery.packetId) === delivery) session.byPacketId.delete(delivery.packetId);
    delivery.packetId = record.packetId;
    delivery.released = record.released;
    session.byPacketId.set(record.packetId, delivery);
  }

  #done(session: Session | undefined, counter: number): void {
    const delivery = session?.queue.get(counter);
    if (session === undefined || delivery === undefined) return;
    const { message, packetId } = delivery;
    session.queue.delete(counter);
    if (session.byPacketId.get(packetId) === delivery) session.byPacketId.delete(packetId);
    session.queuedBytes -= costOf(message);
    message.recipients.delete(session);
    if (message.recipients.size > 0) return;
    this.messages.delete(counter);
    this.messageBytes -= costOf(message);
  }

  #retain(topic: string, { qos, payload, properties }: Retained): void {
    const known = this.retained.get(topic);
    if (known !== undefined) this.retainedBytes -= costOf({ topic, ...known });
    if (payload.length === 0) {
      this.retained.delete(topic);
      return;
    }
    this.retained.set(topic, { qos, payload, properties });
    this.retainedBytes += costOf({ topic, payload, properties });
  }
}
