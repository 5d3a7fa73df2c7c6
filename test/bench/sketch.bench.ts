import { Prng } from '#agent/base/prng.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Moments } from '#agent/sketch/moments.ts';
import { RandomProjection } from '#agent/sketch/random-projection.ts';
import type { Bench, BenchResult } from './bench.ts';

/** So few that a round is over in a millisecond or two: among many such rounds some have the core, and its caches, to themselves. */
const count = 1 << 15;
const rounds = 80;

/** Least milliseconds of each, in turns, so that what else the machine does falls on all of them. */
function leastMillis(works: readonly (() => void)[], times = rounds): number[] {
  const least = works.map(() => Infinity);
  for (let round = 0; round < times; round++) {
    for (const [i, work] of works.entries()) {
      const start = performance.now();
      work();
      least[i] = Math.min(least[i]!, performance.now() - start);
    }
  }
  return least;
}

let sink = 0;

function perValue(values: Float64Array): BenchResult[] {
  const bare = () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]!;
    sink += sum;
  };
  const cases: [string, number, () => void][] = [
    ['moments, by column', 10, () => new Moments().updateAll(values)],
    ['exponential histogram', 25, () => histogramOf(values)],
    ['KLL, k 200', 60, () => kllOf(values)],
    ['HyperLogLog, lgK 12, by column', 60, () => new HyperLogLog().updateNumbers(values)],
  ];
  const [reference = 0, ...figures] = leastMillis([bare, ...cases.map(([, , work]) => work)]);
  return cases.map(([name, budget], i) => ({
    name: `sketch: ${name}`,
    figure: (figures[i]! * 1e6) / values.length,
    unit: 'ns/value',
    budget,
    reference: (reference * 1e6) / values.length,
    referenceName: 'bare loop that sums, in turns with it',
    lowerIsBetter: true,
    note: `best of ${rounds}`,
  }));
}

/** A loop of its own for each sketch: one that is handed in would be called through a table. */
function histogramOf(values: Float64Array): void {
  const sketch = new ExponentialHistogram();
  for (let i = 0; i < values.length; i++) sketch.update(values[i]!);
}

function kllOf(values: Float64Array): void {
  const sketch = new Kll(new Prng(2));
  for (let i = 0; i < values.length; i++) sketch.update(values[i]!);
}

function merges(values: Float64Array): BenchResult[] {
  const parts = <S>(make: () => S, update: (sketch: S, value: number) => void): S[] =>
    Array.from({ length: 64 }, (_, part) => {
      const sketch = make();
      for (let i = part; i < values.length; i += 64) update(sketch, values[i]!);
      return sketch;
    });
  const kll = parts(
    () => new Kll(new Prng(3)),
    (sketch, value) => sketch.update(value),
  );
  const hll = parts(
    () => new HyperLogLog(),
    (sketch, value) => sketch.updateNumber(value),
  );
  const histogram = parts(
    () => new ExponentialHistogram(),
    (sketch, value) => sketch.update(value),
  );
  const cases: [string, () => void][] = [
    ['KLL', () => mergeAll(new Kll(new Prng(4)), kll)],
    ['HyperLogLog', () => mergeAll(new HyperLogLog(), hll)],
    ['exponential histogram', () => mergeAll(new ExponentialHistogram(), histogram)],
  ];
  const copy = new Float64Array(64 * 600);
  const sorting = () => {
    for (let i = 0; i < copy.length; i++) copy[i] = (i * 7_919) % copy.length;
    copy.sort();
  };
  const [reference = 0, ...figures] = leastMillis([sorting, ...cases.map(([, work]) => work)]);
  return cases.map(([name], i) => ({
    name: `sketch: merge of 64, ${name}`,
    figure: figures[i]!,
    unit: 'ms',
    budget: 1,
    reference,
    referenceName: 'sorting as many numbers as 64 KLL hold',
    lowerIsBetter: true,
  }));
}

function mergeAll<S extends { merge(other: S): void }>(whole: S, parts: readonly S[]): void {
  for (const part of parts) whole.merge(part);
}

function projections(random: Prng): BenchResult {
  const shape = { d: 561, k: 64, seed: 1n };
  const x = Float64Array.from({ length: shape.d }, () => random.float());
  const projecting = (method: 'sparse' | 'gaussian') => {
    const projection = new RandomProjection({ method, ...shape });
    return () => {
      for (let i = 0; i < 100; i++) sink += projection.project(x)[0]!;
    };
  };
  const [dense = 0, sparse = 0] = leastMillis([projecting('gaussian'), projecting('sparse')]);
  return {
    name: 'sketch: sparse projection, d 561, k 64',
    figure: dense / sparse,
    unit: '× dense',
    budget: 10,
    reference: dense * 10,
    referenceName: 'dense, µs a vector',
  };
}

/** Temperatures over a day: a curve and noise. */
function temperatures(length: number): Float64Array {
  const random = new Prng(1);
  return Float64Array.from({ length }, (_, i) => 20 + 8 * Math.sin(i / 5000) + random.float() - 0.5);
}

export const benches: readonly Bench[] = [
  { name: 'sketch per value', run: () => perValue(temperatures(count)) },
  { name: 'sketch merge', run: () => merges(temperatures(8 * count)) },
  { name: 'sketch projection', run: () => [projections(new Prng(1))] },
];
