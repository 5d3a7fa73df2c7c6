import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { expectBytes, parsing, requireParameter, requireSame, type Parsed } from './fault.ts';
import { ItemHasher, standardSeed } from './item-hasher.ts';
import { thetaLgKMax, thetaLgKMin } from './limits.ts';
import { murmur3Word } from './murmur3.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { expectEnd, readUint16, writeUint16 } from './wire.ts';

const family = 3;
const flagReadOnly = 2;
const flagEmpty = 4;
const flagCompact = 8;
const flagOrdered = 16;
/** Theta of 1: hashes are 63 bits wide. */
const thetaMax = 0x7fff_ffff_ffff_ffffn;

export interface ThetaOptions {
  /** Log2 of the nominal entries k, 5 … 16; 12 gives 1.6 % (one standard error) in 64 KiB. */
  readonly lgK?: number;
  /** Sketches of different seeds do not meet. */
  readonly seed?: number;
}

/**
 * Theta sketch (KMV, Dasgupta et al., arXiv 1510.01455) as in Apache DataSketches (family 3): keeps the hashes below theta;
 * distinct items, and beyond what HyperLogLog can do, intersections and differences.
 */
export class Theta implements Sketch {
  readonly kind = 'theta';
  readonly lgK: number;
  readonly seed: number;
  readonly #hasher: ItemHasher;
  /** Hashes below theta; an open-addressed table, 0 is free. */
  #table = new BigUint64Array(32);
  #count = 0;
  #theta = thetaMax;
  #isEmpty = true;

  constructor(options: ThetaOptions = {}) {
    this.lgK = options.lgK ?? 12;
    this.seed = options.seed ?? standardSeed;
    requireParameter('theta', 'lgK', this.lgK, { min: thetaLgKMin, max: thetaLgKMax });
    requireParameter('theta', 'seed', this.seed, { min: 1, max: Number.MAX_SAFE_INTEGER });
    this.#hasher = new ItemHasher(this.seed);
  }

  /** The estimate, rounded. */
  get n(): number {
    return Math.round(this.estimate());
  }

  get memoryBytes(): number {
    return this.#table.byteLength;
  }

  get retained(): number {
    return this.#count;
  }

  /** Part of the hashes that is kept, 0 … 1. */
  get theta(): number {
    return Number(this.#theta) / Number(thetaMax);
  }

  updateNumber(value: number): void {
    this.#hasher.number(value);
    this.#take();
  }

  updateInteger(value: number): void {
    this.#hasher.integer(value);
    this.#take();
  }

  updateText(value: string): void {
    if (value === '') return;
    this.#hasher.text(value);
    this.#take();
  }

  #take(): void {
    this.#isEmpty = false;
    const hash = this.#hasher.words[0]! >> 1n;
    if (hash < this.#theta && hash !== 0n) this.#insert(hash);
  }

  #insert(hash: bigint): void {
    if (!insertHash(this.#table, hash)) return;
    this.#count++;
    const length = this.#table.length;
    if (length < 2 ** (this.lgK + 1)) {
      if (2 * this.#count > length) this.#rebuild(this.#hashes(), Math.min(8 * length, 2 ** (this.lgK + 1)));
    } else if (this.#count > Math.floor((15 / 16) * length)) {
      this.#trim();
    }
  }

  /** Keeps the k least hashes; theta becomes the next one. */
  #trim(): void {
    const hashes = this.#hashes().sort();
    const k = 2 ** this.lgK;
    if (hashes.length <= k) return;
    this.#theta = hashes[k]!;
    this.#rebuild(hashes.subarray(0, k), this.#table.length);
  }

  #rebuild(hashes: BigUint64Array, length: number): void {
    this.#table = new BigUint64Array(length);
    for (const hash of hashes) insertHash(this.#table, hash);
    this.#count = hashes.length;
  }

  #hashes(): BigUint64Array {
    return this.#table.filter((hash) => hash !== 0n);
  }

  estimate(): number {
    return this.#count / this.theta;
  }

  /** Two standard errors; exact while everything is kept. */
  bound(): ErrorBound {
    if (this.#theta === thetaMax) return { of: 'value', error: 0, confidence: 1 };
    return { of: 'value', error: 2 / Math.sqrt(2 ** this.lgK - 1), confidence: 0.954 };
  }

  /** Union. @throws {SketchMismatch} when lgK or seed differ. */
  merge(other: Theta): void {
    this.#requireSame(other);
    if (other.#isEmpty) return;
    const wasEmpty = this.#isEmpty;
    this.#isEmpty = false;
    if (other.#theta < this.#theta) this.#lower(other.#theta);
    for (const hash of other.#hashes()) if (hash < this.#theta) this.#insert(hash);
    // A union with nothing is the other sketch; else only the k least hashes are sure to be those of all items.
    if (!wasEmpty) this.#trim();
  }

  #lower(theta: bigint): void {
    this.#theta = theta;
    this.#rebuild(
      this.#hashes().filter((hash) => hash < theta),
      this.#table.length,
    );
  }

  /** Items in both. @throws {SketchMismatch} when lgK or seed differ. */
  intersection(other: Theta): Theta {
    return this.#combined(other, (isThere) => isThere);
  }

  /** Items here and not in the other. @throws {SketchMismatch} when lgK or seed differ. */
  difference(other: Theta): Theta {
    return this.#combined(other, (isThere) => !isThere);
  }

  #combined(other: Theta, keep: (isThere: boolean) => boolean): Theta {
    this.#requireSame(other);
    const result = new Theta({ lgK: this.lgK, seed: this.seed });
    const theirs = new Set(other.#hashes());
    result.#theta = this.#theta < other.#theta ? this.#theta : other.#theta;
    for (const hash of this.#hashes().sort())
      if (hash < result.#theta && keep(theirs.has(hash))) result.#insert(hash);
    result.#isEmpty = result.#count === 0 && result.#theta === thetaMax;
    return result;
  }

  #requireSame(other: Theta): void {
    requireSame('theta', 'lgK', this.lgK, other.lgK);
    requireSame('theta', 'seed', this.seed, other.seed);
  }

  /** The compact ordered form, serial version 3. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const hashes = this.#hashes().sort();
    const isEstimate = this.#theta !== thetaMax;
    const longs = isEstimate ? 3 : this.#isEmpty || hashes.length === 1 ? 1 : 2;
    const writer = new ByteWriter(24 + 8 * hashes.length);
    writer.uint8(longs);
    writer.uint8(3);
    writer.uint8(family);
    writeUint16(writer, 0);
    writer.uint8(flagReadOnly | flagCompact | flagOrdered | (this.#isEmpty ? flagEmpty : 0));
    writeUint16(writer, seedHash(this.seed));
    if (longs > 1) {
      writer.uint32(hashes.length);
      writer.uint32(0);
    }
    if (isEstimate) writeHash(writer, this.#theta);
    for (const hash of hashes) writeHash(writer, hash);
    return writer.finish();
  }

  /** Compact bytes of serial version 3. They do not say lgK: who reads them knows it, as with the seed. */
  static parse(bytes: Uint8Array, options: ThetaOptions = {}): Parsed<Theta> {
    return parsing('theta', () => {
      const reader = new ByteReader(bytes);
      const longs = reader.uint8() & 0x3f;
      expectBytes(reader.uint8() === 3, 'serial version is not 3');
      expectBytes(reader.uint8() === family, 'not a theta sketch');
      reader.raw(2);
      const flags = reader.uint8();
      expectBytes((flags & flagCompact) !== 0 && (flags & 1) === 0, 'not compact and little-endian');
      const hash = readUint16(reader);
      const sketch = new Theta(options);
      if ((flags & flagEmpty) === 0) {
        expectBytes(hash === seedHash(sketch.seed), 'hashed with another seed');
        expectBytes(longs >= 1 && longs <= 3, `preamble of ${longs} longs`);
        sketch.#read(reader, { longs, isOrdered: (flags & flagOrdered) !== 0 });
      }
      expectEnd(reader);
      return sketch;
    });
  }

  #read(reader: ByteReader, head: { longs: number; isOrdered: boolean }): void {
    this.#isEmpty = false;
    const count = head.longs === 1 ? 1 : reader.uint32();
    if (head.longs > 1) reader.uint32();
    const limit = Math.floor((15 / 16) * 2 ** (this.lgK + 1));
    expectBytes(count <= limit, `${count} hashes, at most ${limit} fit lgK ${this.lgK}`);
    expectBytes(
      reader.remaining === (count + (head.longs === 3 ? 1 : 0)) * 8,
      'length does not fit the count',
    );
    const theta = head.longs === 3 ? readHash(reader) : thetaMax;
    expectBytes(theta > 0n && theta <= thetaMax, 'theta is out of range');
    this.#theta = theta;
    let last = 0n;
    for (let i = 0; i < count; i++) {
      const hash = readHash(reader);
      expectBytes(hash > 0n && hash < theta, 'a hash is not below theta');
      expectBytes(!head.isOrdered || hash > last, 'hashes are not in order');
      last = hash;
      this.#insert(hash);
    }
    expectBytes(this.#count === count, 'a hash comes twice');
  }
}

/** False when it is there already. At most 15/16 of the table are taken. */
function insertHash(table: BigUint64Array, hash: bigint): boolean {
  const mask = table.length - 1;
  let at = Number(hash & 0xffff_ffffn) & mask;
  const stride = (Number((hash >> 32n) & 0x7fn) << 1) | 1;
  for (let probes = 0; probes < table.length; probes++) {
    const found = table[at]!;
    if (found === hash) return false;
    if (found === 0n) {
      table[at] = hash;
      return true;
    }
    at = (at + stride) & mask;
  }
  throw new Error('unreachable: a hash table is never full');
}

/** 16 bits that tell seeds apart: the hash of the seed under seed 0. */
function seedHash(seed: number): number {
  const out = new BigUint64Array(2);
  murmur3Word(BigUint64Array.of(BigInt(seed)), 0n, out);
  return Number(out[0]! & 0xffffn);
}

function writeHash(writer: ByteWriter, hash: bigint): void {
  writer.uint32(Number(hash & 0xffff_ffffn));
  writer.uint32(Number(hash >> 32n));
}

function readHash(reader: ByteReader): bigint {
  const low = reader.uint32();
  return (BigInt(reader.uint32()) << 32n) | BigInt(low);
}
