import type { Batch, Column, Scalar, Tags } from '../../reading/batch.ts';
import { seriesKey, valueAt } from '../../reading/batch.ts';

/**
 * Hashes of readings, 53 bits as one number: of n readings two different ones share a hash with a chance of about n² / 2^54 (a
 * millionth for 100,000). The order of columns does not matter, nor whether a value stands in a column of mixed kinds. Not for
 * defence against whoever chooses the values.
 */
export class ReadingHash {
  #low = new Int32Array(0);
  #high = new Int32Array(0);
  readonly #lanes = new Lanes();
  readonly #bySeries = new WeakMap<Tags, Seed>();
  readonly #byName = new Map<string, Seed>();

  /** Hashes of series, the fields for which `takes` holds and, where asked, event time; NaN for readings without such a field. */
  hashes(batch: Batch, takes: (name: string) => boolean, withTime: boolean): Float64Array {
    const { length } = batch;
    if (this.#low.length < length) {
      this.#low = new Int32Array(length);
      this.#high = new Int32Array(length);
    }
    const low = this.#low.fill(0, 0, length);
    const high = this.#high.fill(0, 0, length);
    const seen = new Uint8Array(length);
    for (const column of batch.columns) if (takes(column.name)) this.#addColumn(column, seen);
    const hashes = new Float64Array(length);
    const lanes = this.#lanes;
    for (let row = 0; row < length; row++) {
      if (seen[row] === 0) {
        hashes[row] = Number.NaN;
        continue;
      }
      lanes.start(this.#seriesSeed(batch.series[batch.seriesIndex[row]!]!));
      lanes.each(low[row]!, high[row]!);
      if (withTime) {
        lanes.number(batch.timeMicros[row]!);
        if (batch.timeNanos !== null) lanes.word(batch.timeNanos[row]!);
      }
      hashes[row] = (finished(lanes.low) >>> 0) + (finished(lanes.high) >>> 11) * 2 ** 32;
    }
    return hashes;
  }

  #addColumn(column: Column, seen: Uint8Array): void {
    const low = this.#low;
    const high = this.#high;
    const lanes = this.#lanes;
    const seed = this.#nameSeed(column.name);
    for (let row = 0; row < seen.length; row++) {
      const value =
        column.kind === 'number' && column.present === null ? column.values[row]! : valueAt(column, row);
      if (value === undefined) continue;
      seen[row] = 1;
      lanes.start(seed);
      lanes.scalar(value);
      // Sums do not know the order of columns.
      low[row] = low[row]! + finished(lanes.low);
      high[row] = high[row]! + finished(lanes.high);
    }
  }

  #seriesSeed(tags: Tags): Seed {
    let seed = this.#bySeries.get(tags);
    if (seed === undefined) this.#bySeries.set(tags, (seed = seedOf(seriesKey(tags), 7)));
    return seed;
  }

  #nameSeed(name: string): Seed {
    let seed = this.#byName.get(name);
    if (seed === undefined) {
      if (this.#byName.size >= namesMax) this.#byName.clear();
      this.#byName.set(name, (seed = seedOf(name, 1)));
    }
    return seed;
  }
}

/** Names whose seeds are remembered: the columns of a batch. */
const namesMax = 1024;

interface Seed {
  readonly low: number;
  readonly high: number;
}

function seedOf(text: string, salt: number): Seed {
  const lanes = new Lanes();
  lanes.start({ low: salt, high: ~salt });
  lanes.text(text);
  return { low: lanes.low, high: lanes.high };
}

/** Two hashes of 32 bits side by side, with the rounds of the two lanes of MurmurHash3 (x86, 128 bits). */
class Lanes {
  low = 0;
  high = 0;
  readonly #float = new Float64Array(1);
  readonly #words = new Int32Array(this.#float.buffer);

  start(seed: Seed): void {
    this.low = seed.low;
    this.high = seed.high;
  }

  word(word: number): void {
    this.each(word, word);
  }

  each(first: number, second: number): void {
    const k = Math.imul(first, 0x239b961b);
    const h = this.low ^ Math.imul((k << 15) | (k >>> 17), 0xab0e9789);
    this.low = (Math.imul((h << 19) | (h >>> 13), 5) + 0x561ccd1b) | 0;
    const l = Math.imul(second, 0xab0e9789);
    const g = this.high ^ Math.imul((l << 16) | (l >>> 16), 0x38b34ae5);
    this.high = (Math.imul((g << 17) | (g >>> 15), 5) + 0x0bcaa747) | 0;
  }

  number(value: number): void {
    // -0 and 0 are one value.
    this.#float[0] = value + 0;
    this.word(this.#words[0]!);
    this.word(this.#words[1]!);
  }

  text(text: string): void {
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
    this.word(text.length);
  }

  /** Values of different types never count as equal: each begins with a word of its own. */
  scalar(value: Scalar): void {
    if (typeof value === 'number') this.number(value);
    else if (typeof value === 'boolean') this.word(value ? 3 : 2);
    else if (typeof value === 'string') {
      this.word(0x1b873593);
      this.text(value);
    } else if (typeof value === 'bigint') {
      this.word(0x2c1b3c6d);
      this.text(String(value));
    } else {
      this.word(0x297a2d39);
      for (const byte of value) this.word(byte);
      this.word(value.length);
    }
  }
}

/** The finisher of MurmurHash3; why it is not shared with `mesh/swim/digest.ts` is said there. */
function finished(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
