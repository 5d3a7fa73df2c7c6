import { limits } from './limits.ts';
import type { AckMode, Arrival, InletPeer } from './arrival.ts';

/** What an inlet asks of the intake that opened it. */
export interface InletHost {
  /** An arrival was enqueued that needs a turn: the first one waiting, or one to be acknowledged on receipt. */
  offered(inlet: AnyInlet, first: boolean): void;
  /** Credit was taken. */
  charged(bytes: number): void;
  /** The peer was told to pause; `relieve` is wanted when credit comes back. */
  paused(inlet: AnyInlet): void;
  closed(inlet: AnyInlet): void;
}

/** The intake handles inlets of every source; arrivals go back only to the inlet they came from. */
export type AnyInlet = Inlet<Arrival>;

export interface InletOptions {
  /** The configured source's name: decides the routes and labels the counters. */
  readonly source: string;
  readonly ack: AckMode;
  /** Unsettled bytes at which this inlet alone is paused; default `limits.inletBytes`. */
  readonly bytesMax?: number;
  /** False: its arrivals may be settled in any order; default true, as MQTT wants it. */
  readonly ordered?: boolean;
  /** Who sends: what it sends again may be a message that an earlier inlet of the same sender still holds. Absent: nothing comes again. */
  readonly sender?: string;
}

/**
 * The door of one source (or of one connection) into the intake. `offer` only enqueues. Invariants: 0 <= `bytes`; an
 * arrival counts into `bytes` from its offer until it is settled; the peer is paused at most once between two resumes; arrivals
 * settle in the order of their offers, unless the peer said that it needs none.
 */
export class Inlet<A extends Arrival> {
  readonly source: string;
  readonly ack: AckMode;
  readonly bytesMax: number;
  readonly sender: string | null;
  /** Inlets of the same sender that were opened since this one was closed with something unsettled. */
  readonly followers: AnyInlet[] = [];
  readonly #ordered: boolean;
  readonly #peer: InletPeer<A>;
  readonly #host: InletHost;
  /** Unsettled arrivals from `#first` on. Invariant: first <= head <= length. */
  #queue: A[] = [];
  /** Closed inlets of the same sender: what comes again settles behind all that they hold. */
  #behind: readonly AnyInlet[] = nobody;
  /** The oldest arrival not settled. */
  #first = 0;
  /** The oldest arrival not taken, unless it was taken early. */
  #head = 0;
  /** Arrivals up to here were looked at for urgent ones. */
  #seen = 0;
  /** Some were taken early, or wait for another inlet, since the queue was empty last: what is stored is then not always the oldest. */
  #early = false;
  /** Arrivals up to here were settled on receipt. */
  #acknowledged = 0;
  #bytes = 0;
  #paused = false;
  #closed = false;

  constructor(options: InletOptions, peer: InletPeer<A>, host: InletHost) {
    this.source = options.source;
    this.ack = options.ack;
    this.bytesMax = options.bytesMax ?? limits.inletBytes;
    this.sender = options.sender ?? null;
    this.#ordered = options.ordered ?? true;
    this.#peer = peer;
    this.#host = host;
  }

  /** Unsettled bytes, with overhead. */
  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes a message in. Never refuses: pressure is `pause`. An offer to a closed inlet is dropped, unacknowledged. */
  offer(arrival: A): void {
    if (this.#closed) return;
    const bytes = weightOf(arrival);
    this.#queue.push(arrival);
    this.#bytes += bytes;
    if (this.waiting === 1 || this.ack === 'received') this.#host.offered(this, this.waiting === 1);
    this.#host.charged(bytes);
    if (this.#bytes >= this.bytesMax) this.pause();
  }

  /** No more offers and no more pause or resume. What was offered still goes through and is still settled. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.closed(this);
  }

  // What follows is the intake's side.

  /** Moves up to `count` arrivals with up to `bytes` (at least one arrival) into `into`; answers the bytes moved. */
  take(into: A[], count: number, bytes: number): number {
    let moved = 0;
    const end = Math.min(this.#queue.length, this.#head + count);
    while (this.#head < end && (moved === 0 || moved < bytes)) {
      const arrival = this.#queue[this.#head++]!;
      if (arrival.progress !== 'offered') continue;
      moved += weightOf(arrival);
      into.push(arrival);
    }
    return moved;
  }

  /** Takes up to `count` urgent arrivals from among those that wait, ahead of their turn. */
  takeUrgent(isUrgent: (arrival: A) => boolean, count: number): A[] {
    const taken: A[] = [];
    for (this.#seen = Math.max(this.#seen, this.#head); this.#seen < this.#queue.length; this.#seen++) {
      if (taken.length === count) break;
      const arrival = this.#queue[this.#seen]!;
      if (isUrgent(arrival)) taken.push(arrival);
    }
    this.setEarly(taken);
    return taken;
  }

  /** These arrivals, taken or waiting, go to the store apart from their neighbours. */
  setEarly(arrivals: readonly A[]): void {
    for (const arrival of arrivals) arrival.progress = 'early';
    this.#early ||= arrivals.length > 0;
  }

  /** The clock was set: what waits came so much later than it says. */
  restamp(shiftMicros: number): void {
    for (let i = this.#head; i < this.#queue.length; i++) this.#queue[i]!.arrivalMicros += shiftMicros;
  }

  /** Acknowledges everything waiting, where the mode is `received`. */
  acknowledgeReceived(): void {
    if (this.ack !== 'received') return;
    const from = Math.max(this.#acknowledged, this.#head);
    if (from === this.#queue.length) return;
    this.#acknowledged = this.#queue.length;
    this.#peer.settled(this.#queue.slice(from));
  }

  /** Takes its place behind those of the others that are closed and hold something of the same sender. */
  follow(others: Iterable<AnyInlet>): void {
    if (this.sender === null) return;
    this.#behind = [...others].filter(
      (one) => one.closed && one.sender === this.sender && one.source === this.source && one.bytes > 0,
    );
    for (const one of this.#behind) one.followers.push(this);
  }

  /** The commit of these arrivals is synced: what is in order now is settled. Answers the credit it held. */
  settle(arrivals: readonly A[]): number {
    const settled = this.#inOrder(arrivals);
    this.#trim();
    let bytes = 0;
    for (const arrival of settled) bytes += weightOf(arrival);
    this.#bytes -= bytes;
    if (this.ack === 'fsynced' && settled.length > 0) this.#peer.settled(settled);
    return bytes;
  }

  /** Of what is stored, that which nothing older keeps from being settled. */
  #inOrder(stored: readonly A[]): readonly A[] {
    const holds = this.#behind.some(({ bytes }) => bytes > 0);
    // Closed, they hold nothing ever again: kept, each would keep those before it.
    if (!holds) this.#behind = nobody;
    if (holds) this.#early ||= stored.some(({ kind }) => kind === 'duplicate');
    if (this.#ordered && !this.#early) {
      this.#first += stored.length;
      return stored;
    }
    for (const arrival of stored) arrival.progress = 'stored';
    const from = this.#first;
    for (; this.#queue[this.#first]?.progress === 'stored'; this.#first++) {
      // What it repeats may not be stored yet.
      if (holds && this.#queue[this.#first]!.kind === 'duplicate') break;
    }
    this.#head = Math.max(this.#head, this.#first);
    return this.#ordered ? this.#queue.slice(from, this.#first) : stored;
  }

  /** Lets go of what is settled, in large steps. */
  #trim(): void {
    const gone = this.#first;
    if (gone === this.#queue.length) {
      this.#queue = [];
      this.#early = false;
    } else if (gone >= 1024 && gone * 2 > this.#queue.length) this.#queue.splice(0, gone);
    else return;
    this.#first = 0;
    this.#head = Math.max(0, this.#head - gone);
    this.#seen = Math.max(0, this.#seen - gone);
    this.#acknowledged = Math.max(0, this.#acknowledged - gone);
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.#host.paused(this);
    this.#peer.pause();
  }

  /** Resumes when this inlet's own bytes are down to half its bound; false while they are not. */
  relieve(): boolean {
    if (this.#closed) return true;
    if (this.#bytes * 2 > this.bytesMax) return false;
    this.#paused = false;
    this.#peer.resume();
    return true;
  }
}

const nobody: readonly AnyInlet[] = [];

/** The credit an arrival holds. */
export function weightOf(arrival: Arrival): number {
  return arrival.payload.length + arrival.topic.length + limits.arrivalOverheadBytes;
}
