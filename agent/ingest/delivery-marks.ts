import { crc32c } from '../base/crc32c.ts';
import type { DeliveryMark } from '../reading/journal-entry.ts';
import { eachMark } from '../reading/mark-bytes.ts';
import { limits } from './limits.ts';
import { MarkHistory } from './mark-history.ts';

/**
 * Memory of what one sender delivered last, to recognise what it delivers again.
 *
 * - QoS 2: a packet id is *seen* from PUBLISH until PUBREL. The same id with the same content is the same message.
 * - QoS 1: DUP, the same id and the same content are the same message for certain while no PUBACK was written. After one was,
 *   the sender may as well have lost it as be sending the next message of a sensor that repeats itself (a bridge may
 *   keep DUP). Then it counts as the same only if the readings bring their own event time: a reading of equal time and
 *   content adds nothing. Some senders (MQTT.js) send again without DUP: the same is then
 *   known while no PUBACK was written, since the id may not be used for another message before, if the readings bring their own
 *   time; a sender that lost its memory may have begun its ids anew. The sender may use the id for other messages meanwhile: mosquitto 2.0 has more than 65,535 on
 *   their way after a resumed session, some of them under one id. So a message is known by id *and* content.
 */
export class DeliveryMarks {
  /** Whose they are. */
  readonly sender: string;
  /** QoS 2: content by packet id, the oldest first. */
  readonly #seen = new Map<number, number>();
  readonly #seenMax: number;
  /** QoS 1. */
  readonly #history: MarkHistory;

  /** @param capacity messages remembered, a power of two: beyond it the oldest count as new. */
  constructor(sender: string, capacity: number) {
    this.sender = sender;
    this.#history = new MarkHistory(capacity);
    this.#seenMax = Math.min(capacity, limits.packetIds);
  }

  /** Marks of an earlier run. Whether they were acknowledged is not known: they are taken as if. */
  load(marks: Uint8Array): void {
    eachMark(marks, (packetId, hash, state) => {
      if (state === 'seen') this.#see(packetId, hash);
      else if (hash === noHash) this.#seen.delete(packetId);
      else this.#history.put(packetId, hash, flags.acknowledged | flags.ownTime);
    });
  }

  /** True when this message was taken in before. */
  knows({ qos, dup, packetId, hash }: DeliveredMessage): boolean {
    if (qos === 2) return this.#seen.get(packetId) === hash;
    const known = this.#history.flagsOf(packetId, hash);
    if (known < 0) return false;
    const ownTime = (known & flags.ownTime) !== 0;
    return (known & flags.acknowledged) === 0 ? dup || ownTime : dup && ownTime;
  }

  /** Remembers a message taken in; the mark answered is to be committed with it. */
  take({ qos, packetId, hash }: DeliveredMessage): DeliveryMark {
    if (qos === 2) this.#see(packetId, hash);
    else this.#history.put(packetId, hash, 0);
    return this.markOf({ qos, packetId, hash });
  }

  markOf({ qos, packetId, hash }: Pick<DeliveredMessage, 'qos' | 'packetId' | 'hash'>): DeliveryMark {
    return { source: this.sender, packetId, hash, state: qos === 2 ? 'seen' : 'released' };
  }

  /** The message is settled, and acknowledged if the connection it came on still stood. */
  settled({ packetId, hash, state }: DeliveryMark, how: { acknowledged: boolean; ownTime: boolean }): void {
    if (state === 'seen') return;
    const more = (how.acknowledged ? flags.acknowledged : 0) | (how.ownTime ? flags.ownTime : 0);
    this.#history.mark(packetId, hash, more);
  }

  /** The sender has given a packet id of QoS 2 back; null when it was not seen. What is released is never sent again. */
  release(packetId: number): DeliveryMark | null {
    if (!this.#seen.delete(packetId)) return null;
    return { source: this.sender, packetId, hash: noHash, state: 'released' };
  }

  /** The sender has lost its session: nothing of it comes again, and its ids start anew. */
  releaseAll(): DeliveryMark[] {
    this.#history.clear();
    return Array.from(this.#seen.keys(), (packetId) => this.release(packetId)!);
  }

  #see(packetId: number, hash: number): void {
    this.#seen.delete(packetId);
    this.#seen.set(packetId, hash);
    if (this.#seen.size <= this.#seenMax) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      break;
    }
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

const flags = { acknowledged: 1, ownTime: 2 } as const;
/** In a mark: the packet id is given back, whatever its content was. */
const noHash = 0;
