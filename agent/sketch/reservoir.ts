import type { Entropy } from '../ports/entropy.ts';
import { expectBytes, parsing, requireParameter, requireSame, type Parsed } from './fault.ts';
import { reservoirNumbersMax } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { readOwn, readUint64, writeOwn, writeUint64 } from './wire.ts';

const magic = 'SDRS';

/**
 * A uniform sample of rows of numbers, without replacement (Vitter's algorithm R): after n rows each is in it with
 * probability k / n. What examples for training and for drift are drawn from.
 */
export class Reservoir implements Sketch {
  readonly kind = 'reservoir';
  readonly k: number;
  readonly width: number;
  readonly #chance: Entropy;
  #n = 0;
  /** Row by row. */
  readonly #rows: Float64Array;

  /** `k` rows of `width` numbers. */
  constructor(chance: Entropy, options: { k: number; width?: number }) {
    this.k = options.k;
    this.width = options.width ?? 1;
    requireParameter('reservoir', 'k', this.k, { min: 1, max: reservoirNumbersMax });
    const widthMax = Math.floor(reservoirNumbersMax / this.k);
    requireParameter('reservoir', 'width', this.width, { min: 1, max: widthMax });
    this.#chance = chance;
    this.#rows = new Float64Array(this.k * this.width);
  }

  get n(): number {
    return this.#n;
  }

  get length(): number {
    return Math.min(this.#n, this.k);
  }

  get memoryBytes(): number {
    return this.#rows.byteLength;
  }

  /** A row, copied in. */
  update(row: ArrayLike<number>): void {
    this.#n++;
    const at = this.#n <= this.k ? this.#n - 1 : Math.floor(this.#chance.float() * this.#n);
    if (at < this.k) this.#set(at, row);
  }

  #set(at: number, row: ArrayLike<number>): void {
    for (let i = 0; i < this.width; i++) this.#rows[at * this.width + i] = row[i] ?? NaN;
  }

  /** Row `i` of `length`, a view. Their order means nothing. */
  row(i: number): Float64Array {
    return this.#rows.subarray(i * this.width, (i + 1) * this.width);
  }

  /** Mean of a statistic over the sample stands for the stream's within z × sd / sqrt(length); this is 2 / sqrt(length), in sd. */
  bound(): ErrorBound {
    if (this.#n <= this.k) return { of: 'value', error: 0, confidence: 1 };
    return { of: 'value', error: 2 / Math.sqrt(this.length), confidence: 0.954 };
  }

  /**
   * A uniform sample of both streams together: rows are drawn one after the other from either side, in proportion to how
   * many of its rows the draw has not passed yet. @throws {SketchMismatch} when k or width differ.
   */
  merge(other: Reservoir): void {
    requireSame('reservoir', 'k', this.k, other.k);
    requireSame('reservoir', 'width', this.width, other.width);
    if (other.#n === 0) return;
    const ours = this.#rows.slice();
    const [left, right] = [indices(this.length), indices(other.length)];
    let [restLeft, restRight] = [this.#n, other.#n];
    const theirs = other.#rows.slice();
    this.#n += other.#n;
    for (let at = 0; at < this.length; at++) {
      const isLeft = this.#chance.float() * (restLeft + restRight) < restLeft;
      const [from, pool] = isLeft ? [ours, left] : [theirs, right];
      if (isLeft) restLeft--;
      else restRight--;
      const taken = takeAny(pool, this.#chance);
      this.#set(at, from.subarray(taken * this.width, (taken + 1) * this.width));
    }
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeOwn(magic, (writer) => {
      writer.uint32(this.k);
      writer.uint32(this.width);
      writeUint64(writer, this.#n);
      for (let i = 0; i < this.length * this.width; i++) writer.float64(this.#rows[i]!);
    });
  }

  static parse(bytes: Uint8Array, chance: Entropy): Parsed<Reservoir> {
    return parsing('reservoir', () =>
      readOwn(magic, bytes, (reader) => {
        const k = reader.uint32();
        const width = reader.uint32();
        expectBytes(
          k >= 1 && width >= 1 && k * width <= reservoirNumbersMax,
          `${k} rows of ${width} numbers`,
        );
        const n = readUint64(reader, 'n');
        const numbers = Math.min(n, k) * width;
        expectBytes(reader.remaining === numbers * 8, 'length does not fit the rows');
        const sketch = new Reservoir(chance, { k, width });
        sketch.#n = n;
        for (let i = 0; i < numbers; i++) sketch.#rows[i] = reader.float64();
        return sketch;
      }),
    );
  }
}

function indices(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** Removes one at random and gives it. */
function takeAny(pool: number[], chance: Entropy): number {
  const at = Math.floor(chance.float() * pool.length);
  const taken = pool[at]!;
  pool[at] = pool.at(-1)!;
  pool.pop();
  return taken;
}
