import { Prng } from '#agent/base/prng.ts';
import { CountSketch } from '#agent/sketch/count-sketch.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import type { Parsed } from '#agent/sketch/fault.ts';
import { FrequentDirections } from '#agent/sketch/frequent-directions.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { parseHistogram } from '#agent/sketch/histogram-bytes.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Moments } from '#agent/sketch/moments.ts';
import { ProjectionSketch } from '#agent/sketch/projection-sketch.ts';
import { RandomProjection } from '#agent/sketch/random-projection.ts';
import { Reservoir } from '#agent/sketch/reservoir.ts';
import type { Sketch } from '#agent/sketch/sketch.ts';
import { Theta } from '#agent/sketch/theta.ts';

export interface SketchCase<S extends Sketch> {
  readonly name: string;
  readonly empty: () => S;
  readonly update: (sketch: S, value: number) => void;
  readonly merge: (sketch: S, other: S) => void;
  readonly parse: (bytes: Uint8Array) => Parsed<S>;
  /** Whether merging in either order gives the same bytes. */
  readonly commutes: boolean;
  /** What no sketch of this shape may exceed. */
  readonly memoryBytesMax: number;
}

export function sketchCase<S extends Sketch>(given: SketchCase<S>): SketchCase<Sketch> {
  return given as unknown as SketchCase<Sketch>;
}

const projection = new RandomProjection({ method: 'sparse', d: 32, k: 8, seed: 7n });

function vectorOf(value: number, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.sin(value * (i + 1)) + i / 10);
}

/** One of every sketch, small, so that a few hundred values already pass its modes. */
export const sketchCases: SketchCase<Sketch>[] = [
  sketchCase<Moments>({
    name: 'moments',
    empty: () => new Moments(),
    update: (sketch, value) => sketch.update(value),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => Moments.parse(bytes),
    commutes: false,
    memoryBytesMax: 128,
  }),
  sketchCase<ExponentialHistogram>({
    name: 'exponential histogram',
    empty: () => new ExponentialHistogram({ maxBuckets: 20 }),
    update: (sketch, value) => sketch.update(value - 300),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => {
      const parsed = parseHistogram(bytes, { maxBuckets: 20 });
      return parsed.ok ? { ok: true, value: parsed.value.histogram } : parsed;
    },
    commutes: false,
    memoryBytesMax: 2 * 20 * 8,
  }),
  ...(['double', 'float'] as const).map((precision) =>
    sketchCase<Kll>({
      name: `KLL ${precision}`,
      empty: () => new Kll(new Prng(5), { k: 20, precision }),
      update: (sketch, value) => sketch.update(value),
      merge: (sketch, other) => sketch.merge(other),
      parse: (bytes) => Kll.parse(bytes, { chance: new Prng(5), precision }),
      commutes: false,
      memoryBytesMax: (3 * 20 + 61 * 8) * 8,
    }),
  ),
  ...([4, 6, 8] as const).map((registerBits) =>
    sketchCase<HyperLogLog>({
      name: `HLL_${registerBits}`,
      empty: () => new HyperLogLog({ lgK: 8, registerBits }),
      update: (sketch, value) => sketch.updateNumber(value),
      merge: (sketch, other) => sketch.merge(other),
      parse: (bytes) => HyperLogLog.parse(bytes),
      commutes: true,
      memoryBytesMax: 256,
    }),
  ),
  sketchCase<FrequentItems>({
    name: 'frequent items',
    empty: () => new FrequentItems({ lgMapSize: 4 }),
    update: (sketch, value) => void sketch.update(`é${Math.floor((value * value) / 20_000)}`),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => FrequentItems.parse(bytes),
    commutes: false,
    memoryBytesMax: 13 * 576,
  }),
  sketchCase<Theta>({
    name: 'theta',
    empty: () => new Theta({ lgK: 5 }),
    update: (sketch, value) => sketch.updateNumber(value),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => Theta.parse(bytes, { lgK: 5 }),
    commutes: true,
    memoryBytesMax: 512,
  }),
  sketchCase<Reservoir>({
    name: 'reservoir',
    empty: () => new Reservoir(new Prng(6), { k: 20, width: 2 }),
    update: (sketch, value) => sketch.update([value, -value]),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => Reservoir.parse(bytes, new Prng(6)),
    commutes: false,
    memoryBytesMax: 20 * 2 * 8,
  }),
  sketchCase<ProjectionSketch>({
    name: 'projection',
    empty: () => new ProjectionSketch(projection),
    update: (sketch, value) => sketch.update(projection, vectorOf(value, 32)),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => ProjectionSketch.parse(bytes),
    commutes: false,
    memoryBytesMax: 64,
  }),
  sketchCase<FrequentDirections>({
    name: 'frequent directions',
    empty: () => new FrequentDirections({ l: 4, d: 6 }),
    update: (sketch, value) => sketch.update(vectorOf(value, 6)),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => FrequentDirections.parse(bytes),
    commutes: false,
    memoryBytesMax: 2 * 4 * 6 * 8,
  }),
  sketchCase<CountSketch>({
    name: 'count sketch',
    empty: () => new CountSketch({ width: 32, depth: 5, seed: 9 }),
    update: (sketch, value) => sketch.update(`t${Math.floor(value)}`, 1),
    merge: (sketch, other) => sketch.merge(other),
    parse: (bytes) => CountSketch.parse(bytes),
    commutes: true,
    memoryBytesMax: 32 * 5 * 8,
  }),
];
