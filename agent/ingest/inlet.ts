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
}

/**
 * The door of one source (or of one connection) into the intake. `offer` only enqueues. Invariants: 0 <= `bytes`; an
 * arrival counts into `bytes` from its offer until it is settled; the peer is paused at most once between two resumes.
 */
export class Inlet<A extends Arrival> {
  readonly source: string;
  readonly ack: AckMode;
  readonly bytesMax: number;
  readonly #peer: InletPeer<A>;
  readonly #host: InletHost;
  #queue: A[] = [];
  /** First arrival of `#queue` not yet taken. */
  #head = 0;
  /** Arrivals up to here were settled on receipt. */
  #acknowledged = 0;
  #bytes = 0;
  #paused = false;
  #closed = false;

  constructor(options: InletOptions, peer: InletPeer<A>, host: InletHost) {
    this.source = options.source;
    this.ack = options.ack;
    this.bytesMax = options.bytesMax ?? limits.inletBytes;
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
      moved += weightOf(arrival);
      into.push(arrival);
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      this.#acknowledged = 0;
    } else if (this.#head >= 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#acknowledged = Math.max(0, this.#acknowledged - this.#head);
      this.#head = 0;
    }
    return moved;
  }

  /** Acknowledges everything waiting, where the mode is `received`. */
  acknowledgeReceived(): void {
    if (this.ack !== 'received') return;
    const from = Math.max(this.#acknowledged, this.#head);
    if (from === this.#queue.length) return;
    this.#acknowledged = this.#queue.length;
    this.#peer.settled(this.#queue.slice(from));
  }

  /** The commit of these arrivals is synced. Answers the credit they held. */
  settle(arrivals: readonly A[]): number {
    let bytes = 0;
    for (const arrival of arrivals) bytes += weightOf(arrival);
    this.#bytes -= bytes;
    if (this.ack === 'fsynced') this.#peer.settled(arrivals);
    return bytes;
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

/** The credit an arrival holds. */
export function weightOf(arrival: Arrival): number {
  return arrival.payload.length + arrival.topic.length + limits.arrivalOverheadBytes;
}
