import { Prng } from '#agent/base/prng.ts';
import { CountSketch } from '#agent/sketch/count-sketch.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import { FrequentDirections } from '#agent/sketch/frequent-directions.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Moments } from '#agent/sketch/moments.ts';
import { ProjectionSketch } from '#agent/sketch/projection-sketch.ts';
import { RandomProjection, type ProjectionMethod } from '#agent/sketch/random-projection.ts';
import { Theta } from '#agent/sketch/theta.ts';

export interface Mergeable {
  merge(other: this): void;
}

/** Sketches `values` cut into `parts` interleaved parts and merges these two by two, in an order of chance. */
export function mergedInAnyOrder<S extends Mergeable, V>(
  values: readonly V[],
  options: { parts: number; random: Prng; empty: () => S; update: (sketch: S, value: V) => void },
): S {
  const pool = Array.from({ length: options.parts }, (_, part) => {
    const sketch = options.empty();
    for (let i = part; i < values.length; i += options.parts) options.update(sketch, values[i]!);
    return sketch;
  });
  while (pool.length > 1) {
    const [taken] = pool.splice(options.random.below(pool.length), 1);
    pool[options.random.below(pool.length)]!.merge(taken as never);
  }
  return pool[0]!;
}

export interface BoundTrial {
  readonly name: string;
  /** Part of the trials that may miss: 1 - the confidence of the sketch's own bound. */
  readonly missing: number;
  /** One seeded trial over a stream cut into this many parts; true when the stated bound held. */
  readonly holds: (seed: number, parts: number) => boolean;
}

/** Values as sensors give them: a normal one, a skewed one, one of few steps. */
function valuesOf(random: Prng, count: number): number[] {
  const shape = random.below(3);
  return Array.from({ length: count }, () => {
    const sum = random.float() + random.float() + random.float() - 1.5;
    if (shape === 0) return 20 + sum;
    if (shape === 1) return Math.exp(3 * sum);
    return Math.round(40 * sum) / 4;
  });
}

function isQuantileHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const values = valuesOf(random, 1000);
  const sketch = mergedInAnyOrder(values, {
    parts,
    random,
    empty: () => new Kll(random, { k: 60 }),
    update: (kll, value) => kll.update(value),
  });
  const sorted = values.toSorted((a, b) => a - b);
  const asked = sorted[random.below(sorted.length)]!;
  const rank = sorted.filter((value) => value <= asked).length / sorted.length;
  return Math.abs(sketch.rank(asked) - rank) <= sketch.bound().error;
}

function isHistogramHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const values = valuesOf(random, 300);
  const sketch = mergedInAnyOrder(values, {
    parts,
    random,
    empty: () => new ExponentialHistogram({ maxBuckets: 40 }),
    update: (histogram, value) => histogram.update(value),
  });
  const sorted = values.toSorted((a, b) => a - b);
  return [0, 0.1, 0.5, 0.75, 0.99, 1].every((rank) => {
    const truth = sorted[Math.max(1, Math.ceil(rank * sorted.length)) - 1]!;
    return Math.abs(sketch.quantile(rank) - truth) <= sketch.bound().error * Math.abs(truth) * (1 + 1e-9);
  });
}

/** Values on a grid of 2^-20, so that integers give the exact sum. */
function isSumHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const steps = Array.from(
    { length: 500 },
    () => (random.below(2 ** 40) - 2 ** 39) * (random.chance(0.1) ? 2 ** 12 : 1),
  );
  const sketch = mergedInAnyOrder(steps, {
    parts,
    random,
    empty: () => new Moments(),
    update: (moments, step) => moments.update(step / 2 ** 20),
  });
  const exact = Number(steps.reduce((sum, step) => sum + BigInt(step), 0n)) / 2 ** 20;
  const values = steps.map((step) => step / 2 ** 20);
  const magnitude = values.reduce((sum, value) => sum + Math.abs(value), 0);
  const mean = exact / values.length;
  const central = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const isNear = (given: number, truth: number): boolean =>
    Math.abs(given - truth) <= 1e-9 * Math.max(1, Math.abs(truth));
  return (
    sketch.n === values.length &&
    Math.abs(sketch.sum - exact) <= sketch.bound().error * magnitude &&
    sketch.min === Math.min(...values) &&
    sketch.max === Math.max(...values) &&
    isNear(sketch.variance, central(2)) &&
    isNear(sketch.skewness, central(3) / central(2) ** 1.5) &&
    isNear(sketch.kurtosis, central(4) / central(2) ** 2)
  );
}

function isDistinctHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const count = 3 + random.below(3000);
  const start = random.below(1e9);
  const values = Array.from({ length: Math.floor(count * 1.2) }, (_, i) => start + (i % count));
  const sketch = mergedInAnyOrder(values, {
    parts,
    random,
    empty: () => new HyperLogLog({ lgK: 9 }),
    update: (hll, value) => hll.updateInteger(value),
  });
  return Math.abs(sketch.estimate() - count) <= sketch.bound().error * count;
}

function isThetaHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const count = 3 + random.below(1200);
  const start = random.below(1e9);
  const values = Array.from({ length: count }, (_, i) => start + i);
  const sketch = mergedInAnyOrder(values, {
    parts,
    random,
    empty: () => new Theta({ lgK: 7 }),
    update: (theta, value) => theta.updateInteger(value),
  });
  return Math.abs(sketch.estimate() - count) <= sketch.bound().error * count;
}

/** Items of falling frequency and their counts. */
function itemsOf(random: Prng, count: number): { items: string[]; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const items = Array.from({ length: count }, () => {
    const item = `m${Math.floor(random.float() ** 3 * 400)}`;
    counts.set(item, (counts.get(item) ?? 0) + 1);
    return item;
  });
  return { items, counts };
}

function isFrequentHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const { items, counts } = itemsOf(random, 1000);
  const sketch = mergedInAnyOrder(items, {
    parts,
    random,
    empty: () => new FrequentItems({ lgMapSize: 6 }),
    update: (frequent, item) => void frequent.update(item),
  });
  const error = sketch.bound().error * items.length;
  const possible = new Set(sketch.frequent('possible', error).map((row) => row.item));
  const certain = sketch.frequent('certain', error);
  return (
    sketch.n === items.length &&
    sketch.maximumError <= error &&
    [...counts].every(([item, count]) => {
      const { lower, upper } = sketch.estimate(item);
      return lower <= count && count <= upper && (count <= error || possible.has(item));
    }) &&
    certain.every((row) => counts.get(row.item)! > error)
  );
}

function isCountHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const { items, counts } = itemsOf(random, 500);
  const sketch = mergedInAnyOrder(items, {
    parts,
    random,
    empty: () => new CountSketch({ width: 64, depth: 5, seed }),
    update: (sketch, item) => sketch.update(item),
  });
  const norm = Math.sqrt([...counts.values()].reduce((sum, count) => sum + count * count, 0));
  const asked = items[random.below(items.length)]!;
  return Math.abs(sketch.estimate(asked) - counts.get(asked)!) <= sketch.bound().error * norm;
}

function isProjectionHeld(method: ProjectionMethod, seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const d = 100;
  const projection = new RandomProjection({ method, d, k: 20, seed: BigInt(seed) });
  const rows = Array.from({ length: parts }, () => Array.from({ length: d }, () => random.float() - 0.4));
  const sketch = mergedInAnyOrder(rows, {
    parts,
    random,
    empty: () => new ProjectionSketch(projection),
    update: (sketch, row) => sketch.update(projection, row),
  });
  let squared = 0;
  for (let i = 0; i < d; i++) squared += rows.reduce((sum, row) => sum + row[i]!, 0) ** 2;
  return Math.abs(sketch.squaredNorm() / squared - 1) <= sketch.bound().error;
}

function isDirectionHeld(seed: number, parts: number): boolean {
  const random = new Prng(seed);
  const d = 8;
  const l = 4;
  const rows = Array.from({ length: 80 }, () => {
    const along = random.float() * 10 - 5;
    return Array.from({ length: d }, (_, i) => along * (i + 1) + random.float() - 0.5);
  });
  const sketch = mergedInAnyOrder(rows, {
    parts,
    random,
    empty: () => new FrequentDirections({ l, d }),
    update: (sketch, row) => sketch.update(row),
  });
  const energy = rows.flat().reduce((sum, value) => sum + value * value, 0);
  // Off the line all rows lie near: an upper bound of |A - A_1|².
  const line = Array.from({ length: d }, (_, i) => (i + 1) / Math.sqrt(204));
  const alongLine = rows.reduce(
    (sum, row) => sum + row.reduce((product, value, i) => product + value * line[i]!, 0) ** 2,
    0,
  );
  const unit = Array.from({ length: d }, () => random.float() - 0.5);
  const length = Math.hypot(...unit);
  const direction = unit.map((value) => value / length);
  const image = rows.reduce(
    (sum, row) => sum + row.reduce((product, value, i) => product + value * direction[i]!, 0) ** 2,
    0,
  );
  const lost = image - sketch.squaredImage(direction);
  const slack = 1e-9 * energy;
  return (
    lost >= -slack &&
    lost <= sketch.shrunk + slack &&
    sketch.shrunk <= (energy - alongLine) / (l - 1) + slack &&
    Math.abs(sketch.energy - energy) <= slack &&
    sketch.n === rows.length
  );
}

export const boundTrials: readonly BoundTrial[] = [
  { name: 'moments', missing: 0, holds: isSumHeld },
  { name: 'exponential histogram', missing: 0, holds: isHistogramHeld },
  { name: 'KLL', missing: 0.01, holds: isQuantileHeld },
  { name: 'HyperLogLog', missing: 0.046, holds: isDistinctHeld },
  { name: 'theta', missing: 0.046, holds: isThetaHeld },
  { name: 'frequent items', missing: 0, holds: isFrequentHeld },
  { name: 'count sketch', missing: 0.012, holds: isCountHeld },
  ...(['sparse', 'gaussian', 'hadamard'] as const).map((method) => ({
    name: `${method} projection`,
    missing: 0.046,
    holds: (seed: number, parts: number) => isProjectionHeld(method, seed, parts),
  })),
  { name: 'frequent directions', missing: 0, holds: isDirectionHeld },
];

/**
 * Misses that `trials` may show: the least count that a sketch which misses as often as it states exceeds in fewer than one of
 * a thousand such tests, by the binomial distribution itself (for 40 trials the normal one is too narrow).
 */
export function missesAllowed(trials: number, missing: number): number {
  let term = (1 - missing) ** trials;
  let atMost = term;
  let misses = 0;
  while (atMost < 0.999) {
    term *= ((trials - misses) / (misses + 1)) * (missing / (1 - missing));
    misses++;
    atMost += term;
  }
  return misses;
}

export function missesOf(trial: BoundTrial, trials: number, parts: number): number {
  let misses = 0;
  for (let seed = 1; seed <= trials; seed++) if (!trial.holds(seed, parts)) misses++;
  return misses;
}
