import { crc32c } from '../base/crc32c.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';

/** Where marks are kept, by packet id. */
export interface MarkSlots {
  /** -1 when there is none. */
  get(packetId: number): number;
  /** `mark` >= 0. A new mark is the youngest. */
  put(packetId: number, mark: number): void;
  delete(packetId: number): void;
  packetIds(): number[];
}

/** All 65,536 packet ids in one array of 512 KiB: for a busy source. */
export class FlatSlots implements MarkSlots {
  /** Mark + 1; 0 where there is none. */
  readonly #slots = new Float64Array(65_536);

  get(packetId: number): number {
    return this.#slots[packetId]! - 1;
  }

  put(packetId: number, mark: number): void {
    this.#slots[packetId] = mark + 1;
  }

  delete(packetId: number): void {
    this.#slots[packetId] = 0;
  }

  packetIds(): number[] {
    return Array.from(this.#slots.keys()).filter((packetId) => this.#slots[packetId] !== 0);
  }
}

/** The marks put last: for one of many clients. Beyond `capacity` the oldest go, and what they were about counts as new. */
export class RecentSlots implements MarkSlots {
  readonly #capacity: number;
  readonly #slots = new Map<number, number>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(packetId: number): number {
    return this.#slots.get(packetId) ?? -1;
  }

  put(packetId: number, mark: number): void {
    this.#slots.delete(packetId);
    this.#slots.set(packetId, mark);
    if (this.#slots.size <= this.#capacity) return;
    for (const oldest of this.#slots.keys()) {
      this.#slots.delete(oldest);
      break;
    }
  }

  delete(packetId: number): void {
    this.#slots.delete(packetId);
  }

  packetIds(): number[] {
    return [...this.#slots.keys()];
  }
}

/**
 * Memory of the packet ids one sender used last, to recognise what it delivers again.
 *
 * - QoS 2: a packet id is *seen* from PUBLISH until PUBREL. The same id with the same content is the same message.
 * - QoS 1: the sender may use the id again after PUBACK, so that a mark is *released* from the start. DUP, the same id and the
 *   same content are the same message for certain while no PUBACK was written. After one was, the sender may as well
 *   have lost it as be sending the next message of a sensor that repeats itself (a bridge may keep DUP). Then it counts as the
 *   same only if the readings bring their own event time: a reading of equal time and content adds nothing.
 */
export class DeliveryMarks {
  readonly #source: string;
  /** Hash * 8 + flags. */
  readonly #marks: MarkSlots;

  constructor(source: string, slots: MarkSlots) {
    this.#source = source;
    this.#marks = slots;
  }

  /** Marks of an earlier run, oldest first. Whether they were acknowledged is not known: they are taken as if. */
  load(marks: readonly DeliveryMark[]): void {
    for (const { packetId, hash, state } of marks)
      this.#put(packetId, hash, flags.acknowledged | flags.ownTime | (state === 'seen' ? flags.seen : 0));
  }

  /** True when this message was taken in before. */
  knows(message: DeliveredMessage): boolean {
    const mark = this.#marks.get(message.packetId);
    if (mark < 0 || hashOf(mark) !== message.hash) return false;
    const seen = has(mark, flags.seen);
    if (message.qos === 2) return seen;
    return message.dup && !seen && (!has(mark, flags.acknowledged) || has(mark, flags.ownTime));
  }

  /** Remembers a message taken in; the mark answered is to be committed with it. */
  take(message: DeliveredMessage): DeliveryMark {
    const { qos, packetId, hash } = message;
    this.#put(packetId, hash, qos === 2 ? flags.seen : 0);
    return { source: this.#source, packetId, hash, state: qos === 2 ? 'seen' : 'released' };
  }

  /** The message is settled, and acknowledged if the connection it came on still stood. */
  settled(mark: DeliveryMark, how: { acknowledged: boolean; ownTime: boolean }): void {
    const known = this.#marks.get(mark.packetId);
    if (known < 0 || hashOf(known) !== mark.hash) return;
    const more = (how.acknowledged ? flags.acknowledged : 0) | (how.ownTime ? flags.ownTime : 0);
    this.#marks.put(mark.packetId, mark.hash * 8 + ((known % 8) | more));
  }

  /** The sender has given a packet id of QoS 2 back; null when it was not seen. */
  release(packetId: number): DeliveryMark | null {
    const mark = this.#marks.get(packetId);
    if (mark < 0 || !has(mark, flags.seen)) return null;
    // What is released is never sent again: nothing is left to recognise.
    this.#marks.delete(packetId);
    // Nor may a later run take a QoS 1 message of this id and content for it.
    return { source: this.#source, packetId, hash: noHash, state: 'released' };
  }

  /** The sender has lost its session: nothing of it comes again, and its ids start anew. */
  releaseAll(): DeliveryMark[] {
    const released: DeliveryMark[] = [];
    for (const packetId of this.#marks.packetIds()) {
      const mark = this.release(packetId);
      if (mark !== null) released.push(mark);
      this.#marks.delete(packetId);
    }
    return released;
  }

  #put(packetId: number, hash: number, bits: number): void {
    this.#marks.put(packetId, hash * 8 + bits);
  }
}

export interface DeliveredMessage {
  readonly qos: 1 | 2;
  readonly dup: boolean;
  readonly packetId: number;
  readonly hash: number;
}

/** 32 bits over topic and payload. Equal content has an equal hash; unequal content has one with probability 2^-32. */
export function deliveryHash(topic: string, payload: Uint8Array): number {
  let seed = 0x811c9dc5;
  for (let i = 0; i < topic.length; i++) seed = Math.imul(seed ^ topic.charCodeAt(i), 0x01000193);
  return crc32c(payload, seed >>> 0);
}

const flags = { seen: 1, acknowledged: 2, ownTime: 4 } as const;
/** Content that is not to be recognised. */
const noHash = 0;
const hashOf = (mark: number): number => Math.floor(mark / 8);
const has = (mark: number, flag: number): boolean => ((mark % 8) & flag) !== 0;
