import { SedgeError } from '../base/errors.ts';
import { requireParameter } from './fault.ts';
import { projectionDrawsMax, projectionEntriesMax, projectionInputMax } from './limits.ts';
import { SeededDraws } from './seeded-matrix.ts';

export const projectionMethods = ['sparse', 'gaussian', 'hadamard'] as const;
export type ProjectionMethod = (typeof projectionMethods)[number];

export interface ProjectionOptions {
  readonly method: ProjectionMethod;
  /** Length of the vectors that come in. */
  readonly d: number;
  /** Length of those that go out. */
  readonly k: number;
  /** 64 bits; peers that use the same one get comparable vectors. */
  readonly seed: bigint;
  /** Part of the entries of a sparse matrix that are not zero; 1 / sqrt(d) unless given (Li, Hastie, Church 2006), 1/3 is Achlioptas'. */
  readonly density?: number;
  /** Allows k >= d, which makes vectors longer and worse. */
  readonly force?: boolean;
}

/**
 * The matrix S of a random projection y = S x that keeps squared lengths within sqrt(2 / k) (one standard deviation). S is
 * never stored or sent: every agent draws it from the seed.
 *
 * `sparse`: ±1 / sqrt(density k) with probability density / 2 each. `gaussian`: normal with variance 1 / k. `hadamard`: random
 * signs, fast Walsh-Hadamard transform, k coordinates drawn without replacement; needs no matrix, for long vectors.
 */
export class RandomProjection {
  readonly method: ProjectionMethod;
  readonly d: number;
  readonly k: number;
  readonly seed: bigint;
  readonly density: number;
  readonly #apply: (x: ArrayLike<number>, y: Float64Array) => void;
  readonly memoryBytes: number;

  /** @throws {SedgeError} SEDGE_CONFIG_INVALID for parameters out of range, and for k >= d unless forced. */
  constructor(options: ProjectionOptions) {
    this.method = options.method;
    this.d = options.d;
    this.k = options.k;
    this.seed = BigInt.asUintN(64, options.seed);
    requireParameter('projection', 'd', this.d, { min: 1, max: projectionInputMax });
    requireParameter('projection', 'k', this.k, { min: 1, max: projectionInputMax });
    if (this.k >= this.d && options.force !== true) {
      throw new SedgeError(
        'SEDGE_CONFIG_INVALID',
        `projection from ${this.d} to ${this.k} dimensions saves nothing`,
        { hint: 'choose a k below d (its distortion is sqrt(2 / k)), or force it' },
      );
    }
    this.density = this.method === 'sparse' ? (options.density ?? 1 / Math.sqrt(this.d)) : 1;
    if (!(this.density > 0 && this.density <= 1)) refuse(`density is ${this.density}, expected 0 … 1`);
    const built = this.#build();
    this.#apply = built.apply;
    this.memoryBytes = built.memoryBytes;
  }

  /** One standard deviation of |Sx|² / |x|² around 1. */
  get distortion(): number {
    return Math.sqrt(2 / this.k);
  }

  /** S x. Missing entries of `x` beyond its length count as zero for `hadamard` only; others need all d. */
  project(x: ArrayLike<number>): Float64Array<ArrayBuffer> {
    requireParameter('projection', 'length', x.length, { min: this.d, max: this.d });
    const y = new Float64Array(this.k);
    this.#apply(x, y);
    return y;
  }

  /** S, row by row: for tests and for who needs it outside. */
  matrix(): Float64Array[] {
    const rows = Array.from({ length: this.k }, () => new Float64Array(this.d));
    const unit = new Float64Array(this.d);
    for (let column = 0; column < this.d; column++) {
      unit[column] = 1;
      const image = this.project(unit);
      unit[column] = 0;
      for (let row = 0; row < this.k; row++) rows[row]![column] = image[row]!;
    }
    return rows;
  }

  #build(): { apply: (x: ArrayLike<number>, y: Float64Array) => void; memoryBytes: number } {
    const { d, k, seed, density } = this;
    if (this.method === 'hadamard') return hadamard({ d, k, seed });
    const entries = k * d;
    if (this.method === 'gaussian') {
      if (entries > projectionEntriesMax)
        refuse(`a gaussian matrix of ${entries} entries is too large; choose hadamard`);
      return gaussian({ d, k, seed });
    }
    if (entries > projectionDrawsMax || entries * density > projectionEntriesMax)
      refuse(`a sparse matrix over ${entries} entries is too large; choose hadamard`);
    return sparse({ d, k, seed, density });
  }
}

function refuse(what: string): never {
  throw new SedgeError('SEDGE_CONFIG_INVALID', `projection: ${what}`);
}

interface Shape {
  readonly d: number;
  readonly k: number;
  readonly seed: bigint;
}

function gaussian(shape: Shape) {
  const { d, k } = shape;
  const draws = new SeededDraws(shape.seed);
  const scale = 1 / Math.sqrt(k);
  const matrix = Float32Array.from({ length: d * k }, () => draws.normal() * scale);
  const apply = (x: ArrayLike<number>, y: Float64Array): void => {
    for (let row = 0; row < k; row++) {
      let sum = 0;
      for (let i = 0, at = row * d; i < d; i++) sum += matrix[at + i]! * x[i]!;
      y[row] = sum;
    }
  };
  return { apply, memoryBytes: matrix.byteLength };
}

/** For each row the columns of +1, then those of -1; `ends` says where each part ends. */
function sparse(shape: Shape & { density: number }) {
  const { d, k, density } = shape;
  const draws = new SeededDraws(shape.seed);
  const threshold = density * 2 ** 32;
  const columns: number[] = [];
  const ends = new Uint32Array(2 * k);
  for (let row = 0; row < k; row++) {
    const negative: number[] = [];
    for (let column = 0; column < d; column++) {
      if (draws.high() >= threshold) continue;
      if ((draws.low & 1) === 0) columns.push(column);
      else negative.push(column);
    }
    ends[2 * row] = columns.length;
    for (const column of negative) columns.push(column);
    ends[2 * row + 1] = columns.length;
  }
  const index = Uint32Array.from(columns);
  const scale = 1 / Math.sqrt(density * k);
  const apply = (x: ArrayLike<number>, y: Float64Array): void => {
    let at = 0;
    for (let row = 0; row < k; row++) {
      let sum = 0;
      for (const end = ends[2 * row]!; at < end; at++) sum += x[index[at]!]!;
      for (const end = ends[2 * row + 1]!; at < end; at++) sum -= x[index[at]!]!;
      y[row] = sum * scale;
    }
  };
  return { apply, memoryBytes: index.byteLength + ends.byteLength };
}

function hadamard(shape: Shape) {
  const { d, k } = shape;
  const draws = new SeededDraws(shape.seed);
  const length = 2 ** Math.ceil(Math.log2(Math.max(d, k, 1)));
  const signs = Int8Array.from({ length: d }, () => (draws.high() & 1 ? 1 : -1));
  // Fisher-Yates, as far as needed: k of the coordinates without replacement.
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = 0; i < k; i++) {
    const j = i + Math.floor(draws.uniform() * (length - i));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const chosen = order.slice(0, k);
  const work = new Float64Array(length);
  const scale = 1 / Math.sqrt(k);
  const apply = (x: ArrayLike<number>, y: Float64Array): void => {
    work.fill(0, d);
    for (let i = 0; i < d; i++) work[i] = signs[i]! * x[i]!;
    walshHadamard(work);
    for (let row = 0; row < k; row++) y[row] = work[chosen[row]!]! * scale;
  };
  return { apply, memoryBytes: work.byteLength + chosen.byteLength + signs.byteLength };
}

/** In place, entries ±1, length a power of two: n log n additions. */
export function walshHadamard(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let block = 0; block < values.length; block += 2 * half) {
      for (let i = block; i < block + half; i++) {
        const a = values[i]!;
        const b = values[i + half]!;
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

/**
 * Dimensions that keep all distances among `points` vectors within 1 ± `distortion` (Johnson-Lindenstrauss, Dasgupta and Gupta
 * 2003): floor(4 ln n / (e²/2 - e³/3)). 1,000 points within 0.3 need 767.
 */
export function johnsonLindenstraussMinDim(points: number, distortion: number): number {
  if (!(points >= 2) || !(distortion > 0 && distortion < 1))
    refuse(`no dimension for ${points} points within ${distortion}: expected 2 or more within 0 … 1`);
  return Math.floor((4 * Math.log(points)) / (distortion ** 2 / 2 - distortion ** 3 / 3));
}

/** The distortion that `k` dimensions guarantee for all distances among `points` vectors; Infinity where there is none below 1. */
export function guaranteedDistortion(points: number, k: number): number {
  const enough = (distortion: number): boolean =>
    (4 * Math.log(points)) / (distortion ** 2 / 2 - distortion ** 3 / 3) <= k;
  if (!enough(1)) return Infinity;
  let [low, high] = [0, 1];
  for (let i = 0; i < 52; i++) {
    const middle = (low + high) / 2;
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
