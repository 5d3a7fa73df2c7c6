import type { BrokerUser } from '../ports/broker.ts';
import { BrokerLog } from './mqtt-broker-log.ts';
import type { MessageProperties } from './mqtt-broker-properties.ts';
import { decodeRecord, encodeRecord, type Qos, type SessionRecord } from './mqtt-broker-records.ts';
import { type Session, SessionState, type Will, costOf } from './mqtt-broker-state.ts';
import { brokerLimits } from './mqtt-limits.ts';

export interface BrokerSessionsOptions {
  /** Null: nothing outlives the process. */
  readonly file: string | null;
  readonly expiryMs: number;
  /** Messages kept for one session. */
  readonly queueMax: number;
  /** Whom a connected client belongs to. */
  readonly userOf: (client: ClientRef) => BrokerUser | null;
  /** Whether a connected client may have this subscription. */
  readonly admits: (client: ClientRef, filter: string) => boolean;
  /** The file cannot be written (one line), or can be again (null). */
  readonly trouble: (message: string | null) => void;
}

export interface ClientRef {
  readonly id: string;
}

/** A message for subscribers. */
export interface Forwarded {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly properties: MessageProperties;
}

/**
 * What the embedded broker remembers for subscribers: sessions, their queues, retained messages, last wills; the persistence of aedes.
 * All of it is in memory, bounded, and every change is a record of a {@link BrokerLog}. Publishers need none of it: what they
 * send is in the buffer when it is acknowledged.
 */
export class BrokerSessions {
  readonly options: BrokerSessionsOptions;
  readonly state = new SessionState();
  readonly #log: BrokerLog | null;
  /** Clients away, with the time (`performance.now`) their session ends, oldest first. */
  readonly #away = new Map<string, number>();
  /** Messages queued before aedes has them: it must not queue them again. */
  readonly forwarded = new Set<number>();
  /** Wills of clients that were connected when the process died. */
  readonly #orphans = new Map<string, Will>();
  #orphansDueMs = 0;
  #shed = 0;

  constructor(options: BrokerSessionsOptions) {
    this.options = options;
    const { file, trouble } = options;
    const snapshot = (): Iterator<Uint8Array> => encoded(this.state.snapshot());
    this.#log = file === null ? null : new BrokerLog({ file, snapshot, trouble });
  }

  /** Reads what an earlier process left. Answers the damaged bytes at its end. @throws when the file cannot be read. */
  async open(nowMs: number, wallMs: number): Promise<{ droppedBytes: number }> {
    const state = this.state;
    const answer = await this.#log?.load((record) => state.apply(decodeRecord(record)));
    state.sort();
    for (const will of state.wills.values()) this.#orphans.set(will.clientId, will);
    this.#orphansDueMs = nowMs + brokerLimits.willGraceMs;
    const leaving = [...state.sessions.values()].toSorted((one, other) => one.leftMs - other.leftMs);
    for (const session of leaving) {
      // A clock that was set says nothing about how long the client was away.
      const here = session.leftMs === 0;
      const awayMs = here || session.leftMs > wallMs ? 0 : wallMs - session.leftMs;
      const expiryMs = here ? this.options.expiryMs : Math.min(session.expiryMs, this.options.expiryMs);
      this.#away.set(session.clientId, nowMs + Math.max(0, expiryMs - awayMs));
      if (here) this.#mark(session, { leftMs: wallMs, expiryMs });
    }
    return answer ?? { droppedBytes: 0 };
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }

  /** Whether somebody may be waiting for messages. */
  get empty(): boolean {
    return this.state.sessions.size === 0;
  }

  /** Messages given up since the last call to keep the bounds. */
  takeShed(): number {
    const shed = this.#shed;
    this.#shed = 0;
    return shed;
  }

  /** Whether another user has a session under this client id. */
  belongsToOther(clientId: string, user: string | null): boolean {
    const session = this.state.sessions.get(clientId);
    return session !== undefined && session.owner !== user;
  }

  /** Whether one filter more fits the bounds of this client's session. */
  fits(clientId: string, filter: string): boolean {
    const known = this.state.sessions.get(clientId)?.subscriptions;
    if (known?.has(filter) === true) return true;
    if ((known?.size ?? 0) >= brokerLimits.filters) return false;
    return this.state.subscriptionBytes + filter.length <= brokerLimits.filtersBytes;
  }

  returned(clientId: string): void {
    this.#away.delete(clientId);
    const session = this.state.sessions.get(clientId);
    if (session !== undefined && session.leftMs !== 0) this.#mark(session, { leftMs: 0, expiryMs: 0 });
  }

  /** `expiryMs`: how long this client wants its session kept; not longer than the option says. */
  left(clientId: string, when: { nowMs: number; wallMs: number; expiryMs: number }): void {
    const session = this.state.sessions.get(clientId);
    if (session === undefined) return;
    const expiryMs = Math.min(when.expiryMs, this.options.expiryMs);
    if (expiryMs === 0) {
      this.discard(clientId);
      return;
    }
    this.#away.delete(clientId);
    this.#away.set(clientId, when.nowMs + expiryMs);
    this.#mark(session, { leftMs: when.wallMs, expiryMs });
  }

  /** Ends a session that its client does not want any more. */
  discard(clientId: string): void {
    this.#away.delete(clientId);
    this.end(clientId);
  }

  /** The client of a will that waits is back. */
  adopted(clientId: string): void {
    this.#orphans.delete(clientId);
  }

  /** Ends the sessions that are due, and the oldest ones beyond the bound; answers the wills whose clients did not come back. */
  sweep(nowMs: number): readonly Will[] {
    for (const [clientId, untilMs] of this.#away) {
      if (untilMs > nowMs && this.#away.size <= brokerLimits.sessions) continue;
      this.#away.delete(clientId);
      this.end(clientId);
    }
    if (this.#orphans.size === 0 || nowMs < this.#orphansDueMs) return [];
    const due = [...this.#orphans.values()];
    for (const { clientId } of due) this.forgetWill(clientId);
    return due;
  }

  /** Takes a message in for the sessions that want it, and as retained. aedes must get it under the same counter, or {@link unforwarded} be called. */
  forward(message: Forwarded, counter: number, from: string): void {
    if (message.retain) this.retain(message);
    if (message.qos > 0 && this.enqueue(message, counter, this.#wanting(message.topic, from))) {
      this.forwarded.add(counter);
      this.#log?.flush();
    }
  }

  /** aedes does not get this message. */
  unforwarded(counter: number): void {
    this.forwarded.delete(counter);
  }

  /** Runs `done` once everything up to now is on disk; at once while the disk fails. */
  get position(): number {
    return this.#log?.position ?? 0;
  }

  whenSaved(position: number, done: () => void): void {
    if (this.#log === null) done();
    else this.#log.whenSaved(position, done);
  }

  /** The message was sent to this client on one of its connections. */
  wasSent(clientId: string, counter: number | undefined): boolean {
    return (this.state.sessions.get(clientId)?.queue.get(counter ?? 0)?.packetId ?? 0) > 0;
  }

  keep(record: SessionRecord): void {
    this.state.apply(record);
    this.#log?.append(encodeRecord(record));
  }

  saved(): Promise<void> {
    return new Promise((resolve) => this.whenSaved(this.position, resolve));
  }

  sessionOf(client: ClientRef): Session {
    const { sessions, lastNumber } = this.state;
    if (!sessions.has(client.id)) {
      const owner = this.options.userOf(client)?.name ?? null;
      const one = { number: lastNumber + 1, clientId: client.id, owner, leftMs: 0, expiryMs: 0 };
      this.keep({ kind: 'session', ...one });
    }
    return sessions.get(client.id)!;
  }

  #mark({ number, clientId, owner }: Session, when: { leftMs: number; expiryMs: number }): void {
    this.keep({ kind: 'session', number, clientId, owner, ...when });
  }

  end(clientId: string): void {
    const session = this.state.sessions.get(clientId);
    if (session !== undefined) this.keep({ kind: 'end', number: session.number });
  }

  forgetWill(clientId: string): void {
    this.#orphans.delete(clientId);
    if (this.state.wills.has(clientId)) this.keep({ kind: 'willGone', clientId });
  }

  #wanting(topic: string, from: string | null): Map<Session, Qos> {
    const wanting = new Map<Session, Qos>();
    for (const [session, { subscription }] of this.state.tree.match(topic)) {
      if (subscription.nl && session.clientId === from) continue;
      wanting.set(session, larger(wanting.get(session), subscription.qos));
    }
    return wanting;
  }

  enqueue(
    { topic, payload, qos, properties }: Omit<Forwarded, 'retain'>,
    counter: number,
    wanting: ReadonlyMap<Session, Qos>,
  ): boolean {
    if (wanting.size === 0) return false;
    const bytes = costOf({ topic, payload, properties });
    const recipients: [number, Qos][] = [];
    for (const [session, wanted] of wanting) {
      if (this.#makeRoom(session, bytes)) recipients.push([session.number, Math.min(wanted, qos) as Qos]);
    }
    if (recipients.length === 0) return false;
    for (const [oldest, { recipients: sessions }] of this.state.messages) {
      if (this.state.messageBytes + bytes <= brokerLimits.queuesBytes) break;
      for (const session of sessions) this.#drop(session, oldest);
    }
    this.keep({ kind: 'message', counter, topic, payload, properties, recipients });
    return true;
  }

  /** The oldest messages of a session make room for one more. */
  #makeRoom(session: Session, bytes: number): boolean {
    const { queueMax } = this.options;
    const fits = (): boolean =>
      session.queue.size < queueMax && session.queuedBytes + bytes <= brokerLimits.sessionQueueBytes;
    for (const oldest of session.queue.keys()) {
      if (fits()) break;
      this.#drop(session, oldest);
    }
    if (fits()) return true;
    this.#shed++;
    return false;
  }

  #drop(session: Session, counter: number): void {
    this.#shed++;
    this.keep({ kind: 'done', number: session.number, counter });
  }

  retain({ topic, payload, qos, properties }: Omit<Forwarded, 'retain'>): void {
    const { retained, retainedBytes } = this.state;
    const known = retained.get(topic);
    // aedes brings what `forward` took already.
    if (known?.payload === payload || (known === undefined && payload.length === 0)) return;
    const before = known === undefined ? 0 : costOf({ topic, ...known });
    const fits =
      retainedBytes + costOf({ topic, payload, properties }) - before <= brokerLimits.retainedBytes &&
      (known !== undefined || retained.size < brokerLimits.retained);
    if (!fits && known === undefined) return;
    // Rather none than one that is out of date.
    this.keep({ kind: 'retained', topic, qos, payload: fits ? payload : new Uint8Array(0), properties });
    if (qos > 0) this.#log?.flush();
  }
}

export const larger = (one: Qos | undefined, other: Qos): Qos =>
  one !== undefined && one > other ? one : other;

function* encoded(records: Iterable<SessionRecord>): Generator<Uint8Array, void> {
  for (const record of records) yield encodeRecord(record);
}
