import { assert } from '../base/assert.ts';

/** Places a history starts with; it doubles up to its capacity. A power of two. */
const placesMin = 256;
/** What no key is. */
const none = -1;

/**
 * Flags of the youngest messages, by packet id and content hash. A ring of keys in the order they were put, and a hash table (linear
 * probing, at most half full) from key to place; 17 bytes a message. Beyond `capacity` the oldest goes.
 *
 * Invariants: every key in the table stands at its place in the ring, once; `next` is where the youngest but one follows.
 */
export class MarkHistory {
  readonly #capacity: number;
  /** Packet id * 2^32 + hash; `none` where nothing is. */
  #ring: Float64Array;
  #flags: Uint8Array;
  /** Place + 1; 0 where nothing is. Twice as long as the ring. */
  #table: Uint32Array;
  #next = 0;
  #size = 0;

  /** @param capacity a power of two, at least 256. */
  constructor(capacity: number) {
    assert(
      capacity >= placesMin && (capacity & (capacity - 1)) === 0,
      'a history holds a power of two of marks',
    );
    this.#capacity = capacity;
    this.#ring = new Float64Array(placesMin).fill(none);
    this.#flags = new Uint8Array(placesMin);
    this.#table = new Uint32Array(placesMin * 2);
  }

  /** Messages held. */
  get size(): number {
    return this.#size;
  }

  /** -1 when the message is not known. */
  flagsOf(packetId: number, hash: number): number {
    const place = this.#table[this.#slotOf(keyOf(packetId, hash))]!;
    return place === 0 ? -1 : this.#flags[place - 1]!;
  }

  /** Makes the message the youngest. `flags` in 0 … 255. */
  put(packetId: number, hash: number, flags: number): void {
    const key = keyOf(packetId, hash);
    this.#remove(key);
    if (this.#ring[this.#next] !== none) {
      if (this.#ring.length < this.#capacity) this.#grow();
      else this.#remove(this.#ring[this.#next]!);
    }
    this.#insert(key, flags);
  }

  /** Adds flags to a message that is still held, which keeps its age. */
  mark(packetId: number, hash: number, flags: number): void {
    const place = this.#table[this.#slotOf(keyOf(packetId, hash))]!;
    if (place !== 0) this.#flags[place - 1]! |= flags;
  }

  clear(): void {
    this.#ring = new Float64Array(placesMin).fill(none);
    this.#flags = new Uint8Array(placesMin);
    this.#table = new Uint32Array(placesMin * 2);
    this.#next = 0;
    this.#size = 0;
  }

  #insert(key: number, flags: number): void {
    const place = this.#next;
    this.#ring[place] = key;
    this.#flags[place] = flags;
    this.#table[this.#slotOf(key)] = place + 1;
    this.#next = (place + 1) & (this.#ring.length - 1);
    this.#size++;
  }

  #grow(): void {
    const ring = this.#ring;
    const flags = this.#flags;
    const oldest = this.#next;
    this.#ring = new Float64Array(ring.length * 2).fill(none);
    this.#flags = new Uint8Array(ring.length * 2);
    this.#table = new Uint32Array(ring.length * 4);
    this.#next = 0;
    this.#size = 0;
    for (let i = 0; i < ring.length; i++) {
      const place = (oldest + i) & (ring.length - 1);
      if (ring[place] === none) this.#next++;
      else this.#insert(ring[place]!, flags[place]!);
    }
  }

  /** The key's slot, or the free one it would get. */
  #slotOf(key: number): number {
    const mask = this.#table.length - 1;
    let slot = this.#home(key);
    for (;;) {
      const place = this.#table[slot]!;
      if (place === 0 || this.#ring[place - 1] === key) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #remove(key: number): void {
    const mask = this.#table.length - 1;
    let hole = this.#slotOf(key);
    const place = this.#table[hole]!;
    if (place === 0) return;
    this.#ring[place - 1] = none;
    this.#size--;
    // What probed past the hole moves back into it, so that no probe ends early.
    for (let slot = (hole + 1) & mask; this.#table[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#home(this.#ring[this.#table[slot]! - 1]!);
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#table[hole] = this.#table[slot]!;
      hole = slot;
    }
    this.#table[hole] = 0;
  }

  /** Where a key's probing starts: both halves mixed, because equal contents have equal hashes. */
  #home(key: number): number {
    const high = Math.floor(key / 0x1_0000_0000);
    let mixed = Math.imul(((key % 0x1_0000_0000) | 0) ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
    mixed ^= mixed >>> 15;
    return mixed & (this.#table.length - 1);
  }
}

function keyOf(packetId: number, hash: number): number {
  return packetId * 0x1_0000_0000 + hash;
}
