import { expectBytes, parsing, requireParameter, requireSame, type Parsed } from './fault.ts';
import { ItemHasher } from './item-hasher.ts';
import { countSketchCountersMax, countSketchDepthMax } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { readFinite, readOwn, readUint64, writeOwn, writeUint64 } from './wire.ts';

const magic = 'SDCS';

export interface CountSketchOptions {
  /** Counters a row; a power of two. */
  readonly width: number;
  /** Rows; odd, so that there is a median. */
  readonly depth: number;
  readonly seed: number;
}

/**
 * Count sketch (Charikar, Chen, Farach-Colton 2002): weight of any item, which may be negative, within a part of the Euclidean
 * norm of all weights. Linear: sketches add and subtract. Rows come from one hash by double hashing.
 */
export class CountSketch implements Sketch {
  readonly kind = 'counts';
  readonly width: number;
  readonly depth: number;
  readonly seed: number;
  readonly #hasher: ItemHasher;
  readonly #counters: Float64Array;
  #n = 0;

  constructor(options: CountSketchOptions) {
    this.width = options.width;
    this.depth = options.depth;
    this.seed = options.seed;
    requireParameter('counts', 'depth', this.depth, { min: 1, max: countSketchDepthMax });
    const widthMax = Math.floor(countSketchCountersMax / this.depth);
    requireParameter('counts', 'width', this.width, { min: 2, max: widthMax });
    requireParameter('counts', 'width (log2)', Math.log2(this.width), { min: 1, max: 20 });
    requireParameter('counts', 'depth (half)', (this.depth - 1) / 2, { min: 0, max: countSketchDepthMax });
    requireParameter('counts', 'seed', this.seed, { min: 0, max: Number.MAX_SAFE_INTEGER });
    this.#hasher = new ItemHasher(this.seed);
    this.#counters = new Float64Array(this.width * this.depth);
  }

  /** Updates taken in. */
  get n(): number {
    return this.#n;
  }

  get memoryBytes(): number {
    return this.#counters.byteLength;
  }

  update(item: string, weight = 1): void {
    if (!Number.isFinite(weight)) return;
    this.#n++;
    this.#hasher.text(item);
    for (let row = 0; row < this.depth; row++) {
      const mixed = this.#mixed(row);
      this.#counters[row * this.width + (mixed & (this.width - 1))]! += mixed < 0 ? -weight : weight;
    }
  }

  /** Low bits choose the counter of a row, the sign bit its sign. */
  #mixed(row: number): number {
    const { out } = this.#hasher;
    let z = (out[0]! + Math.imul(row, out[2]! | 1)) | 0;
    z = Math.imul(z ^ (z >>> 16) ^ out[1]!, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15) ^ out[3]!, 0x735a2d97);
    return z ^ (z >>> 15);
  }

  estimate(item: string): number {
    this.#hasher.text(item);
    const estimates: number[] = [];
    for (let row = 0; row < this.depth; row++) {
      const mixed = this.#mixed(row);
      const counter = this.#counters[row * this.width + (mixed & (this.width - 1))]!;
      estimates.push(mixed < 0 ? -counter : counter);
    }
    return median(estimates);
  }

  /** Euclidean norm of all weights, from the sketch itself. */
  norm(): number {
    const squares: number[] = [];
    for (let row = 0; row < this.depth; row++) {
      let sum = 0;
      for (let i = 0; i < this.width; i++) sum += this.#counters[row * this.width + i]! ** 2;
      squares.push(sum);
    }
    return Math.sqrt(median(squares));
  }

  /**
   * A row misses by more than c / sqrt(width) norms with probability 1 / c^2 at most (Chebyshev), the median when half the
   * rows do. For c = 3.
   */
  bound(): ErrorBound {
    const missing = binomialTail(this.depth, (this.depth + 1) / 2, 1 / 9);
    return { of: 'norm', error: 3 / Math.sqrt(this.width), confidence: 1 - missing };
  }

  /** @throws {SketchMismatch} when width, depth or seed differ. */
  merge(other: CountSketch): void {
    requireSame('counts', 'width', this.width, other.width);
    requireSame('counts', 'depth', this.depth, other.depth);
    requireSame('counts', 'seed', this.seed, other.seed);
    for (let i = 0; i < this.#counters.length; i++) this.#counters[i]! += other.#counters[i]!;
    this.#n += other.#n;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeOwn(magic, (writer) => {
      writer.uint32(this.width);
      writer.uint32(this.depth);
      writeUint64(writer, this.seed);
      writeUint64(writer, this.#n);
      for (const counter of this.#counters) writer.float64(counter);
    });
  }

  static parse(bytes: Uint8Array): Parsed<CountSketch> {
    return parsing('counts', () =>
      readOwn(magic, bytes, (reader) => {
        const width = reader.uint32();
        const depth = reader.uint32();
        const seed = readUint64(reader, 'seed');
        const n = readUint64(reader, 'n');
        const isPower = width >= 2 && width <= countSketchCountersMax && (width & (width - 1)) === 0;
        expectBytes(isPower && depth % 2 === 1 && depth <= countSketchDepthMax, `${depth} rows of ${width}`);
        expectBytes(width * depth <= countSketchCountersMax, 'too many counters');
        expectBytes(reader.remaining === width * depth * 8, 'length does not fit the rows');
        const sketch = new CountSketch({ width, depth, seed });
        sketch.#n = n;
        for (let i = 0; i < width * depth; i++) sketch.#counters[i] = readFinite(reader, 'counter');
        return sketch;
      }),
    );
  }
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >>> 1]!;
}

/** P(at least `from` of `trials` happen) at this probability each. */
function binomialTail(trials: number, from: number, probability: number): number {
  let term = (1 - probability) ** trials;
  let below = 0;
  for (let i = 0; i < from; i++) {
    below += term;
    term *= ((trials - i) / (i + 1)) * (probability / (1 - probability));
  }
  return Math.max(0, 1 - below);
}
