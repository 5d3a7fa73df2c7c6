import { crc32c } from '../base/crc32c.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';

/** What is known about a message that comes (again). `pending` and `stored` are duplicates. */
export type Delivery = 'new' | 'pending' | 'stored';

/**
 * Memory of the packet ids one sender used last, to recognise what it delivers again. `committed` says whether the
 * readings are on disk. Bounded: beyond `capacity` the oldest marks go.
 *
 * - QoS 2: a packet id is `seen` from PUBLISH until PUBREL; the same id with the same content is the same message.
 * - QoS 1: a mark is `released` from the start, because the sender may use the id again after PUBACK; it is the same message
 *   only if the sender says so (DUP) and the content is equal. Whether that may be trusted is the caller's decision.
 */
export class DeliveryMarks {
  readonly #source: string;
  readonly #capacity: number;
  /** Packet id → hash * 4 + committed * 2 + seen, oldest first. */
  readonly #marks = new Map<number, number>();

  constructor(source: string, capacity: number) {
    this.#source = source;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#marks.size;
  }

  /** Marks of an earlier run, oldest first. */
  load(marks: readonly DeliveryMark[]): void {
    for (const { packetId, hash, state } of marks) this.#put(packetId, pack(hash, true, state === 'seen'));
  }

  /** Looks a message up. */
  find(message: { qos: 1 | 2; dup: boolean; packetId: number; hash: number }): Delivery {
    const mark = this.#marks.get(message.packetId);
    if (mark === undefined || hashOf(mark) !== message.hash) return 'new';
    if (message.qos === 2 ? !isSeen(mark) : !message.dup || isSeen(mark)) return 'new';
    return isCommitted(mark) ? 'stored' : 'pending';
  }

  /** Remembers a message taken in; the mark answered is to be committed with it. */
  take(message: { qos: 1 | 2; packetId: number; hash: number }): DeliveryMark {
    const { qos, packetId, hash } = message;
    this.#put(packetId, pack(hash, false, qos === 2));
    return { source: this.#source, packetId, hash, state: qos === 2 ? 'seen' : 'released' };
  }

  /** A mark is on disk. */
  committed(mark: DeliveryMark): void {
    const known = this.#marks.get(mark.packetId);
    if (known === undefined || hashOf(known) !== mark.hash || isSeen(known) !== (mark.state === 'seen'))
      return;
    this.#marks.set(mark.packetId, pack(mark.hash, true, mark.state === 'seen'));
  }

  /** The sender has given a packet id of QoS 2 back; null when it was not seen. */
  release(packetId: number): DeliveryMark | null {
    const mark = this.#marks.get(packetId);
    if (mark === undefined || !isSeen(mark)) return null;
    this.#marks.set(packetId, pack(hashOf(mark), false, false));
    return { source: this.#source, packetId, hash: hashOf(mark), state: 'released' };
  }

  /** The sender has lost its session: nothing of it comes again, and its ids start anew. */
  releaseAll(): DeliveryMark[] {
    const released: DeliveryMark[] = [];
    for (const packetId of this.#marks.keys()) {
      const mark = this.release(packetId);
      if (mark !== null) released.push(mark);
    }
    this.#marks.clear();
    return released;
  }

  #put(packetId: number, mark: number): void {
    this.#marks.delete(packetId);
    this.#marks.set(packetId, mark);
    if (this.#marks.size <= this.#capacity) return;
    for (const oldest of this.#marks.keys()) {
      this.#marks.delete(oldest);
      break;
    }
  }
}

/** 32 bits over topic and payload. Equal content has an equal hash; unequal content has one with probability 2^-32. */
export function deliveryHash(topic: string, payload: Uint8Array): number {
  let seed = 0x811c9dc5;
  for (let i = 0; i < topic.length; i++) seed = Math.imul(seed ^ topic.charCodeAt(i), 0x01000193);
  return crc32c(payload, seed >>> 0);
}

const pack = (hash: number, committed: boolean, seen: boolean): number =>
  hash * 4 + (committed ? 2 : 0) + (seen ? 1 : 0);
const hashOf = (mark: number): number => Math.floor(mark / 4);
const isCommitted = (mark: number): boolean => mark % 4 >= 2;
const isSeen = (mark: number): boolean => mark % 2 === 1;
