import { ByteReader } from '../base/byte-reader.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { expectBytes, parsing, requireParameter, requireSame, type Parsed } from './fault.ts';
import { frequentItemsLgMax, frequentItemsLgMin, itemBytesMax } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { expectEnd, readUint64, writeUint64 } from './wire.ts';

const family = 10;
const flagsEmpty = 5;
/** Part of the map's slots that may be taken. */
const loadFactor = 0.75;

export interface FrequentItem {
  readonly item: string;
  /** The true weight is at least `lower` and at most `upper`. */
  readonly lower: number;
  readonly upper: number;
}

/**
 * The heaviest items of a stream (Misra-Gries with purges of the median, Anderson et al., IMC 2017), Apache DataSketches'
 * family 10 with texts. When the map is full, the median weight is taken from every item and the light half goes; what was
 * taken in all is the only error, and it is known. The exact median makes every purge at least halve the map, so the error is
 * at most 2.7 / 2^lgMapSize of all weight, below the 3.5 the standard states.
 */
export class FrequentItems implements Sketch {
  readonly kind = 'frequent';
  readonly lgMapSize: number;
  readonly #capacity: number;
  #weights = new Map<string, number>();
  #total = 0;
  /** What purges took from every item that is left. */
  #offset = 0;

  constructor(options: { lgMapSize?: number } = {}) {
    this.lgMapSize = options.lgMapSize ?? 10;
    const range = { min: frequentItemsLgMin, max: frequentItemsLgMax };
    requireParameter('frequent', 'lgMapSize', this.lgMapSize, range);
    this.#capacity = loadFactor * 2 ** this.lgMapSize;
  }

  /** All weight, whether its items are still known or not. */
  get n(): number {
    return this.#total;
  }

  /** Items it holds. */
  get size(): number {
    return this.#weights.size;
  }

  /** An upper bound: every item at its longest, and the map's own 64 bytes an entry. */
  get memoryBytes(): number {
    return this.#weights.size * (2 * itemBytesMax + 64);
  }

  /** How far an upper bound may lie above the truth; 0 until the first purge. */
  get maximumError(): number {
    return this.#offset;
  }

  /** `weight` is a positive integer. False, and nothing taken, for a text of more than 256 bytes. */
  update(item: string, weight = 1): boolean {
    if (weight <= 0) return weight === 0;
    if (item.length * 3 > itemBytesMax && encoder.encode(item).length > itemBytesMax) return false;
    this.#total += weight;
    this.#add(item, weight);
    return true;
  }

  #add(item: string, weight: number): void {
    const known = this.#weights.get(item);
    if (known !== undefined) {
      this.#weights.set(item, known + weight);
      return;
    }
    if (!item.isWellFormed()) {
      // The wire is UTF-8: half of a surrogate pair would come back as another item.
      this.#add(item.toWellFormed(), weight);
      return;
    }
    this.#weights.set(item, weight);
    if (this.#weights.size > this.#capacity) this.#purge();
  }

  #purge(): void {
    const weights = Float64Array.from(this.#weights.values()).sort();
    const median = weights[weights.length >>> 1]!;
    for (const [item, weight] of this.#weights) {
      if (weight <= median) this.#weights.delete(item);
      else this.#weights.set(item, weight - median);
    }
    this.#offset += median;
  }

  estimate(item: string): FrequentItem {
    const weight = this.#weights.get(item.toWellFormed()) ?? 0;
    return { item, lower: weight, upper: weight + this.#offset };
  }

  /**
   * Items above `threshold` (default: the error), heaviest first. `certain` names only items that are surely above it;
   * `possible` all that may be, so that none is missing.
   */
  frequent(mode: 'certain' | 'possible', threshold = this.#offset): FrequentItem[] {
    const found: FrequentItem[] = [];
    for (const [item, weight] of this.#weights) {
      const judged = mode === 'certain' ? weight : weight + this.#offset;
      if (judged > threshold) found.push({ item, lower: weight, upper: weight + this.#offset });
    }
    return found.sort(heaviestFirst);
  }

  /** Beforehand: 3.5 / 2^lgMapSize of all weight; {@link maximumError} is what it came to. */
  bound(): ErrorBound {
    return { of: 'weight', error: 3.5 / 2 ** this.lgMapSize, confidence: 1 };
  }

  /** @throws {SketchMismatch} when the map sizes differ. */
  merge(other: FrequentItems): void {
    requireSame('frequent', 'lgMapSize', this.lgMapSize, other.lgMapSize);
    const total = this.#total + other.#total;
    // A copy: a sketch may be merged with itself.
    for (const [item, weight] of Array.from(other.#weights)) this.#add(item, weight);
    this.#offset += other.#offset;
    this.#total = total;
  }

  /**
   * Heaviest first, then by text: equal states give equal bytes. Where a purge left no item, total and error are written all the same; the library
   * reads that form, but writes such a sketch itself as one that never saw an item.
   */
  toBytes(): Uint8Array<ArrayBuffer> {
    const isEmpty = this.#total === 0;
    const writer = new ByteWriter(32 + this.#weights.size * 24);
    writer.uint8(isEmpty ? 1 : 4);
    writer.uint8(1);
    writer.uint8(family);
    writer.uint8(this.lgMapSize);
    writer.uint8(lgOfCount(this.#weights.size));
    writer.uint8(isEmpty ? flagsEmpty : 0);
    writer.uint8(0);
    writer.uint8(0);
    if (isEmpty) return writer.finish();
    writer.uint32(this.#weights.size);
    writer.uint32(0);
    writeUint64(writer, this.#total);
    writeUint64(writer, this.#offset);
    const items = this.frequent('possible', 0);
    for (const { lower } of items) writeUint64(writer, lower);
    for (const { item } of items) {
      const bytes = encoder.encode(item);
      writer.uint32(bytes.length);
      writer.raw(bytes);
    }
    return writer.finish();
  }

  static parse(bytes: Uint8Array): Parsed<FrequentItems> {
    return parsing('frequent', () => {
      const reader = new ByteReader(bytes);
      const longs = reader.uint8();
      expectBytes(reader.uint8() === 1, 'serial version is not 1');
      expectBytes(reader.uint8() === family, 'not a frequent-items sketch');
      const lgMapSize = reader.uint8();
      const lgNow = reader.uint8();
      expectBytes(
        lgMapSize >= frequentItemsLgMin && lgMapSize <= frequentItemsLgMax,
        `map of 2^${lgMapSize}`,
      );
      expectBytes(lgNow <= lgMapSize, 'map is larger than its limit');
      const isEmpty = (reader.uint8() & flagsEmpty) !== 0;
      reader.raw(2);
      expectBytes(longs === (isEmpty ? 1 : 4), `preamble of ${longs} longs`);
      const sketch = new FrequentItems({ lgMapSize });
      if (!isEmpty) sketch.#read(reader);
      expectEnd(reader);
      return sketch;
    });
  }

  #read(reader: ByteReader): void {
    const count = reader.uint32();
    reader.uint32();
    expectBytes(count <= this.#capacity, `${count} items, at most ${this.#capacity} fit`);
    this.#total = readUint64(reader, 'total weight');
    this.#offset = readUint64(reader, 'offset');
    expectBytes(this.#total > 0, 'no weight where items were seen');
    const weights: number[] = [];
    let known = 0;
    for (let i = 0; i < count; i++) {
      const weight = readUint64(reader, 'weight');
      expectBytes(weight > 0, 'a weight is 0');
      weights.push(weight);
      known += weight;
    }
    expectBytes(known + this.#offset <= this.#total, 'weights exceed their total');
    for (const weight of weights) {
      const length = reader.uint32();
      expectBytes(length <= itemBytesMax, `item of ${length} bytes`);
      this.#weights.set(textOf(reader.raw(length)), weight);
    }
    expectBytes(this.#weights.size === count, 'an item comes twice');
  }
}

function heaviestFirst(a: FrequentItem, b: FrequentItem): number {
  return b.lower - a.lower || (a.item < b.item ? -1 : 1);
}

/** Log2 of the least map of at least 8 slots that holds `count` items. */
function lgOfCount(count: number): number {
  let lg = 3;
  while (count > loadFactor * 2 ** lg) lg++;
  return lg;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    expectBytes(false, 'an item is not UTF-8');
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
