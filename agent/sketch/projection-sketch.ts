import { expectBytes, parsing, requireSame, type Parsed } from './fault.ts';
import { projectionInputMax } from './limits.ts';
import { projectionMethods, type ProjectionMethod, type RandomProjection } from './random-projection.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { readFinite, readOwn, readUint64, writeOwn, writeUint64 } from './wire.ts';

const magic = 'SDRP';

/** What names a matrix: two projections with the same identity draw the same S. */
export interface ProjectionIdentity {
  readonly method: ProjectionMethod;
  readonly d: number;
  readonly k: number;
  readonly seed: bigint;
  readonly density: number;
}

/**
 * S (x1 + x2 + …): the sum of vectors, seen through a random projection. Lengths, distances and inner products of sums can be
 * read from it; S itself is only named. One vector is the sum of one.
 */
export class ProjectionSketch implements Sketch {
  readonly kind = 'projection';
  readonly identity: ProjectionIdentity;
  readonly values: Float64Array<ArrayBuffer>;
  #n = 0;

  constructor(identity: ProjectionIdentity) {
    const { method, d, k, seed, density } = identity;
    this.identity = { method, d, k, seed, density };
    this.values = new Float64Array(k);
  }

  get n(): number {
    return this.#n;
  }

  get memoryBytes(): number {
    return this.values.byteLength;
  }

  /** Adds `projection` of `x`. @throws {SketchMismatch} when the projection is another one. */
  update(projection: RandomProjection, x: ArrayLike<number>): void {
    this.#requireSame(projection);
    const image = projection.project(x);
    for (let i = 0; i < image.length; i++) this.values[i]! += image[i]!;
    this.#n++;
  }

  /** @throws {SketchMismatch} when method, d, k, density or seed differ. */
  merge(other: ProjectionSketch): void {
    this.#requireSame(other.identity);
    for (let i = 0; i < this.values.length; i++) this.values[i]! += other.values[i]!;
    this.#n += other.#n;
  }

  #requireSame(other: ProjectionIdentity): void {
    const ours = this.identity;
    for (const parameter of ['method', 'd', 'k', 'density'] as const)
      requireSame('projection', parameter, ours[parameter], other[parameter]);
    requireSame('projection', 'seed', String(ours.seed), String(other.seed));
  }

  squaredNorm(): number {
    let sum = 0;
    for (const value of this.values) sum += value * value;
    return sum;
  }

  squaredDistance(other: ProjectionSketch): number {
    this.#requireSame(other.identity);
    let sum = 0;
    for (let i = 0; i < this.values.length; i++) sum += (this.values[i]! - other.values[i]!) ** 2;
    return sum;
  }

  innerProduct(other: ProjectionSketch): number {
    this.#requireSame(other.identity);
    let sum = 0;
    for (let i = 0; i < this.values.length; i++) sum += this.values[i]! * other.values[i]!;
    return sum;
  }

  /** Of a squared length or distance, two standard deviations: 2 sqrt(2 / k). */
  bound(): ErrorBound {
    return { of: 'value', error: 2 * Math.sqrt(2 / this.identity.k), confidence: 0.954 };
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeOwn(magic, (writer) => {
      const { method, d, k, seed, density } = this.identity;
      writer.uint32(projectionMethods.indexOf(method));
      writer.uint32(d);
      writer.uint32(k);
      writer.uint32(Number(seed & 0xffff_ffffn));
      writer.uint32(Number(seed >> 32n));
      writer.float64(density);
      writeUint64(writer, this.#n);
      for (const value of this.values) writer.float64(value);
    });
  }

  static parse(bytes: Uint8Array): Parsed<ProjectionSketch> {
    return parsing('projection', () =>
      readOwn(magic, bytes, (reader) => {
        const method = projectionMethods[reader.uint32()];
        expectBytes(method !== undefined, 'method is not known');
        const d = reader.uint32();
        const k = reader.uint32();
        expectBytes(d >= 1 && d <= projectionInputMax && k >= 1, `from ${d} to ${k} dimensions`);
        const low = reader.uint32();
        const seed = (BigInt(reader.uint32()) << 32n) | BigInt(low);
        const density = readFinite(reader, 'density');
        const n = readUint64(reader, 'n');
        expectBytes(reader.remaining === k * 8, 'length does not fit k');
        const sketch = new ProjectionSketch({ method, d, k, seed, density });
        sketch.#n = n;
        for (let i = 0; i < k; i++) sketch.values[i] = readFinite(reader, 'value');
        return sketch;
      }),
    );
  }
}
