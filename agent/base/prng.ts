/**
 * sfc32 (Chris Doty-Humphrey, PractRand): a small, fast generator with a 128-bit state, seeded from one number by
 * splitmix32. The same seed gives the same run on every machine. Not for secrets.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    // The upper half of a seed beyond 32 bits still changes the stream.
    this.#c = (next() ^ Math.floor(seed / 0x1_0000_0000)) >>> 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Uniform in 0 … 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** Uniform in [0, 1), 53 bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000;
  }

  /** Uniform integer in 0 … bound - 1. */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** One of a non-empty list. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
