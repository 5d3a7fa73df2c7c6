import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { CountSketch } from '#agent/sketch/count-sketch.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import { SketchMismatch } from '#agent/sketch/fault.ts';
import { FrequentDirections } from '#agent/sketch/frequent-directions.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { ProjectionSketch } from '#agent/sketch/projection-sketch.ts';
import {
  guaranteedDistortion,
  johnsonLindenstraussMinDim,
  RandomProjection,
} from '#agent/sketch/random-projection.ts';
import { Reservoir } from '#agent/sketch/reservoir.ts';
import { Theta } from '#agent/sketch/theta.ts';

const chance = () => new Prng(1);
const projection = (seed: bigint, k = 8) =>
  new ProjectionSketch(new RandomProjection({ method: 'sparse', d: 32, k, seed }));

/** Pairs that differ in one parameter, by its name. */
const pairs: [string, () => void][] = [
  ['k', () => new Kll(chance(), { k: 20 }).merge(new Kll(chance(), { k: 40 }))],
  ['precision', () => new Kll(chance(), { precision: 'float' }).merge(new Kll(chance()))],
  ['lgK', () => new HyperLogLog({ lgK: 10 }).merge(new HyperLogLog({ lgK: 11 }))],
  ['lgK', () => new Theta({ lgK: 10 }).merge(new Theta({ lgK: 11 }))],
  ['seed', () => new Theta({ seed: 1 }).merge(new Theta({ seed: 2 }))],
  ['seed', () => new Theta({ seed: 1 }).intersection(new Theta({ seed: 2 }))],
  ['maxBuckets', () => new ExponentialHistogram({ maxBuckets: 20 }).merge(new ExponentialHistogram())],
  ['lgMapSize', () => new FrequentItems({ lgMapSize: 5 }).merge(new FrequentItems({ lgMapSize: 6 }))],
  ['k', () => new Reservoir(chance(), { k: 5 }).merge(new Reservoir(chance(), { k: 6 }))],
  ['width', () => new Reservoir(chance(), { k: 5, width: 2 }).merge(new Reservoir(chance(), { k: 5 }))],
  ['seed', () => projection(1n).merge(projection(2n))],
  ['k', () => projection(1n).merge(projection(1n, 9))],
  ['l', () => new FrequentDirections({ l: 4, d: 3 }).merge(new FrequentDirections({ l: 5, d: 3 }))],
  [
    'seed',
    () =>
      new CountSketch({ width: 8, depth: 3, seed: 1 }).merge(
        new CountSketch({ width: 8, depth: 3, seed: 2 }),
      ),
  ],
  [
    'width',
    () =>
      new CountSketch({ width: 8, depth: 3, seed: 1 }).merge(
        new CountSketch({ width: 16, depth: 3, seed: 1 }),
      ),
  ],
];

describe('sketches of different parameters', () => {
  it.each(pairs)('do not merge when %s differs, and the error names it', (parameter, merge) => {
    let thrown: unknown;
    try {
      merge();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SketchMismatch);
    expect((thrown as SketchMismatch).parameter).toBe(parameter);
  });

  it('are refused when hashed with another seed than the reader has', () => {
    const sketch = new Theta({ seed: 1 });
    sketch.updateText('a');
    expect(Theta.parse(sketch.toBytes(), { seed: 2 }).ok).toBe(false);
  });
});

describe('a projection', () => {
  it('to as many dimensions as there are is refused unless forced', () => {
    const options = { method: 'gaussian', d: 16, k: 16, seed: 1n } as const;
    expect(() => new RandomProjection(options)).toThrow('saves nothing');
    expect(new RandomProjection({ ...options, force: true }).k).toBe(16);
  });

  it('too large for memory is refused with the way out', () => {
    expect(() => new RandomProjection({ method: 'gaussian', d: 2 ** 20, k: 64, seed: 1n })).toThrow(
      'hadamard',
    );
  });

  it.each(['sparse', 'gaussian', 'hadamard'] as const)(
    'by %s is linear and the same for the same seed only',
    (method) => {
      const make = (seed: bigint) => new RandomProjection({ method, d: 40, k: 10, seed });
      const random = new Prng(3);
      const x = Float64Array.from({ length: 40 }, () => random.float() - 0.5);
      const y = Float64Array.from({ length: 40 }, () => random.float() - 0.5);
      const sum = x.map((value, i) => value + y[i]!);
      const [ofX, ofY, ofSum] = [make(5n).project(x), make(5n).project(y), make(5n).project(sum)];

      for (let i = 0; i < 10; i++) expect(ofSum[i]).toBeCloseTo(ofX[i]! + ofY[i]!, 6);
      expect(make(5n).project(x)).toEqual(ofX);
      expect(make(6n).project(x)).not.toEqual(ofX);
    },
  );

  it.each(['sparse', 'gaussian', 'hadamard'] as const)(
    'by %s equals the product with its matrix',
    (method) => {
      const projection = new RandomProjection({ method, d: 20, k: 6, seed: 9n });
      const x = Float64Array.from({ length: 20 }, (_, i) => Math.sin(i));
      const expected = projection
        .matrix()
        .map((row) => row.reduce((total, value, i) => total + value * x[i]!, 0));
      for (const [i, value] of projection.project(x).entries()) expect(value).toBeCloseTo(expected[i]!, 9);
    },
  );

  it('draws the entries that are written down for a seed', () => {
    // Guards the specification of S: peers of other versions draw the same.
    const rows = new RandomProjection({ method: 'sparse', d: 12, k: 2, seed: 42n, density: 1 / 3 }).matrix();
    const signs = rows.map((row) =>
      [...row].map((value) => (value > 0 ? '+' : value < 0 ? '-' : '0')).join(''),
    );
    expect(signs).toMatchInlineSnapshot(`
      [
        "0-+0+0-000-0",
        "000+-0-00-00",
      ]
    `);
  });

  it('guarantees the distortion for which its dimension is the least one', () => {
    const k = johnsonLindenstraussMinDim(1000, 0.3);
    expect(guaranteedDistortion(1000, k + 1)).toBeCloseTo(0.3, 2);
    expect(guaranteedDistortion(1000, 10)).toBe(Infinity);
  });
});

describe('theta', () => {
  it('intersects and subtracts', () => {
    const [left, right] = [new Theta(), new Theta()];
    for (let i = 0; i < 300; i++) left.updateInteger(i);
    for (let i = 100; i < 400; i++) right.updateInteger(i);
    expect(left.intersection(right).estimate()).toBe(200);
    expect(left.difference(right).estimate()).toBe(100);
  });
});

describe('a reservoir', () => {
  it('holds every row of a stream equally often', () => {
    const held = new Float64Array(40);
    for (let seed = 1; seed <= 2000; seed++) {
      const [left, right] = [
        new Reservoir(new Prng(seed), { k: 8 }),
        new Reservoir(new Prng(-seed >>> 0), { k: 8 }),
      ];
      for (let i = 0; i < 40; i++) (i < 30 ? left : right).update([i]);
      left.merge(right);
      for (let i = 0; i < left.length; i++) held[left.row(i)[0]!]!++;
    }
    const expected = (2000 * 8) / 40;
    const chiSquare = held.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 39 degrees of freedom: 72 is exceeded once in a thousand.
    expect(chiSquare).toBeLessThan(72);
  });
});

describe('values that are no numbers', () => {
  it('are not counted', () => {
    const [histogram, kll] = [new ExponentialHistogram(), new Kll(chance())];
    for (const value of [NaN, Infinity, -Infinity]) histogram.update(value);
    kll.update(NaN);
    expect([histogram.n, kll.n]).toEqual([0, 0]);
  });

  it('at the ends of the doubles are counted', () => {
    const histogram = new ExponentialHistogram();
    for (const value of [Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, -0, 2.3e-308])
      histogram.update(value);
    expect(histogram.n).toBe(5);
    expect(histogram.quantile(1)).toBe(Number.MAX_VALUE);
  });
});
