import { assert } from '../../base/assert.ts';

/**
 * A map from hash (finite, well mixed: the lower bits are used as they are) to time, with its keys in order of arrival. Open addressing
 * with linear probing and backward-shift deletion in two typed arrays, at most half full: 150 ns a value come and gone at 50,000, with
 * nothing to collect.
 */
export class HashTimes {
  #hashes = new Float64Array(128).fill(Number.NaN);
  #times = new Float64Array(128);
  /** Hashes in order of arrival, a ring of half the table. */
  #ring = new Float64Array(64);
  #oldest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Undefined: not there. */
  get(hash: number): number | undefined {
    const slot = this.#slotOf(hash);
    return this.#hashes[slot] === hash ? this.#times[slot] : undefined;
  }

  /** A hash that is there keeps its place in the order. */
  set(hash: number, time: number): void {
    let slot = this.#slotOf(hash);
    if (this.#hashes[slot] !== hash) {
      if (this.#size === this.#ring.length) {
        this.#grow();
        slot = this.#slotOf(hash);
      }
      this.#hashes[slot] = hash;
      this.#ring[(this.#oldest + this.#size++) % this.#ring.length] = hash;
    }
    this.#times[slot] = time;
  }

  /** In order of arrival, 0 … size - 1. */
  at(index: number): number {
    return this.#ring[(this.#oldest + index) % this.#ring.length]!;
  }

  /** Takes out the hash that came first. Size >= 1. */
  dropFirst(): void {
    assert(this.#size > 0, 'there is a first hash');
    let hole = this.#slotOf(this.#ring[this.#oldest]!);
    this.#oldest = (this.#oldest + 1) % this.#ring.length;
    this.#size--;
    const mask = this.#hashes.length - 1;
    // What follows without a gap moves up, unless that would be before where its search begins.
    for (let next = (hole + 1) & mask; !Number.isNaN(this.#hashes[next]!); next = (next + 1) & mask) {
      const home = homeOf(this.#hashes[next]!, mask);
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#hashes[hole] = this.#hashes[next]!;
      this.#times[hole] = this.#times[next]!;
      hole = next;
    }
    this.#hashes[hole] = Number.NaN;
  }

  clear(): void {
    this.#hashes.fill(Number.NaN);
    this.#oldest = 0;
    this.#size = 0;
  }

  /** Where the hash is, or where it would go. */
  #slotOf(hash: number): number {
    const mask = this.#hashes.length - 1;
    let slot = homeOf(hash, mask);
    while (this.#hashes[slot] !== hash && !Number.isNaN(this.#hashes[slot]!)) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const entries = Array.from({ length: this.#size }, (_, i) => this.at(i));
    const times = entries.map((hash) => this.get(hash)!);
    this.#hashes = new Float64Array(this.#hashes.length * 2).fill(Number.NaN);
    this.#times = new Float64Array(this.#hashes.length);
    this.#ring = new Float64Array(this.#hashes.length / 2);
    this.#oldest = 0;
    this.#size = 0;
    for (const [i, hash] of entries.entries()) this.set(hash, times[i]!);
  }
}

const homeOf = (hash: number, mask: number): number => (hash >>> 0) & mask;
