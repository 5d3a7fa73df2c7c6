import { Prng } from '#agent/base/prng.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Moments } from '#agent/sketch/moments.ts';
import { RandomProjection } from '#agent/sketch/random-projection.ts';
import type { Bench, BenchResult } from './bench.ts';

const count = 1 << 18;
const rounds = 7;

/** Least milliseconds of several runs: what the code takes when nothing else takes the core. */
function leastMillis(work: () => void): number {
  let least = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

let sink = 0;

function perValue(values: Float64Array): BenchResult[] {
  const bare = leastMillis(() => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]!;
    sink += sum;
  });
  const cases: [string, number, () => void][] = [
    ['moments, by column', 10, () => new Moments().updateAll(values)],
    ['exponential histogram', 25, () => each(new ExponentialHistogram(), values)],
    ['KLL, k 200', 60, () => each(new Kll(new Prng(2)), values)],
    [
      'HyperLogLog, lgK 12',
      60,
      () => {
        const sketch = new HyperLogLog();
        for (let i = 0; i < values.length; i++) sketch.updateNumber(values[i]!);
      },
    ],
  ];
  return cases.map(([name, budget, work]) => ({
    name: `sketch: ${name}`,
    figure: (leastMillis(work) * 1e6) / values.length,
    unit: 'ns/value',
    budget,
    reference: (bare * 1e6) / values.length,
    referenceName: 'bare loop that sums',
    lowerIsBetter: true,
  }));
}

function each(sketch: { update(value: number): void }, values: Float64Array): void {
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
  const reference = leastMillis(() => copy.fill(1).sort());
  return cases.map(([name, work]) => ({
    name: `sketch: merge of 64, ${name}`,
    figure: leastMillis(work),
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
  const micros = (method: 'sparse' | 'gaussian'): number => {
    const projection = new RandomProjection({ method, ...shape });
    return leastMillis(() => {
      for (let i = 0; i < 1000; i++) sink += projection.project(x)[0]!;
    });
  };
  const dense = micros('gaussian');
  return {
    name: 'sketch: sparse projection, d 561, k 64',
    figure: dense / micros('sparse'),
    unit: '× dense',
    budget: 10,
    reference: dense,
    referenceName: 'dense, µs a vector',
  };
}

/** Temperatures over a day: a curve and noise. */
function temperatures(): Float64Array {
  const random = new Prng(1);
  return Float64Array.from({ length: count }, (_, i) => 20 + 8 * Math.sin(i / 5000) + random.float() - 0.5);
}

export const benches: readonly Bench[] = [
  { name: 'sketch per value', run: () => perValue(temperatures()) },
  { name: 'sketch merge', run: () => merges(temperatures()) },
  { name: 'sketch projection', run: () => [projections(new Prng(1))] },
];
