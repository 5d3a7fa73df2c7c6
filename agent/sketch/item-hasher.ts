import { murmur3EachWord, murmur3Word, murmur3Words } from './murmur3.ts';

/** The seed all DataSketches use unless told otherwise; another one does not merge with theirs. */
export const standardSeed = 9001;

/** Numbers hashed in one go, so that the processor can overlap them. */
const runMax = 64;

/**
 * Hashes items as Apache DataSketches does: text as its UTF-8 bytes, integers as 8-byte two's complement, other numbers as
 * doubles with one zero and one NaN. The result is in `out` until the next call: h1 low, h1 high, h2 low, h2 high, in
 * `words` as h1, h2.
 */
export class ItemHasher {
  readonly seed: number;
  next = 0;
  readonly words = new BigUint64Array(2 * runMax);
  readonly out = new Int32Array(this.words.buffer);
  readonly #seed: bigint;
  #input = new BigUint64Array(128);
  readonly #run = new Float64Array(runMax);
  readonly #runWords = new BigUint64Array(this.#run.buffer);
  #bytes = new Uint8Array(this.#input.buffer);
  readonly #double = new Float64Array(1);
  readonly #doubleWord = new BigUint64Array(this.#double.buffer);

  /** `seed` is an integer of 0 … 2^53 - 1. */
  constructor(seed: number) {
    this.seed = seed;
    this.#seed = BigInt(seed);
  }

  /** As a double. Integers of other systems are hashed by {@link integer}: the two differ. */
  number(value: number): void {
    // Adding zero makes -0 into 0; every NaN is written as the same one.
    this.#double[0] = value === value ? value + 0 : NaN;
    murmur3Word(this.#doubleWord, this.#seed, this.words);
  }

  /**
   * As many of `values[from … to - 1]` as one run takes, as doubles; one that equals the one before it is left out. Where it stopped is in
   * `next`, how many hashes there are is the result: four words in `out` for each.
   */
  numbers(values: Float64Array, from: number, to: number): number {
    const run = this.#run;
    let at = from;
    let count = 0;
    // Equal to nothing, so that the first one counts.
    let before = NaN;
    for (; at < to && count < runMax; at++) {
      const value = values[at]!;
      if (value === before) continue;
      before = value;
      run[count++] = value === value ? value + 0 : NaN;
    }
    this.next = at;
    murmur3EachWord(this.#runWords, { count, seed: this.#seed, out: this.words });
    return count;
  }

  /** A safe integer as a 64-bit one. */
  integer(value: number): void {
    this.#doubleWord[0] = BigInt.asUintN(64, BigInt(value));
    murmur3Word(this.#doubleWord, this.#seed, this.words);
  }

  text(value: string): void {
    const reserved = value.length * 3;
    if (reserved > this.#bytes.length) this.#grow(reserved);
    this.#hash(this.#encode(value));
  }

  bytes(value: Uint8Array): void {
    if (value.length > this.#bytes.length) this.#grow(value.length);
    this.#bytes.set(value);
    this.#hash(value.length);
  }

  #hash(length: number): void {
    const end = Math.min(this.#bytes.length, (length | 15) + 1);
    for (let i = length; i < end; i++) this.#bytes[i] = 0;
    murmur3Words(this.#input, length, this.#seed, this.words);
  }

  #encode(value: string): number {
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return encoder.encodeInto(value, this.#bytes).written;
      this.#bytes[i] = code;
    }
    return value.length;
  }

  /** Room for the longest item so far; who hands over items bounds them. */
  #grow(length: number): void {
    this.#input = new BigUint64Array((length >>> 3) + 2);
    this.#bytes = new Uint8Array(this.#input.buffer);
  }
}

const encoder = new TextEncoder();

let shared: ItemHasher | undefined;

/** The one of the standard seed, for sketches that read the result before anything else is hashed: 2 KiB less in each. */
export function standardHasher(): ItemHasher {
  return (shared ??= new ItemHasher(standardSeed));
}
