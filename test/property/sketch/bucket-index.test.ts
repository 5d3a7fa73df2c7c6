import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BucketIndex } from '#agent/sketch/bucket-index.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';

/** The i with base^i < magnitude <= base^(i+1), by looking at one boundary after the other. */
function bucketOf(magnitude: number, scale: number): number {
  const exponent = Math.floor(Math.log2(magnitude));
  const low = magnitude < 2 ** exponent ? exponent - 1 : exponent;
  const significand = magnitude / 2 ** low;
  if (significand === 2) return bucketOf(magnitude / 2, scale) + 2 ** scale;
  let bucket = -1;
  while (2 ** ((bucket + 1) / 2 ** scale) < significand) bucket++;
  return low * 2 ** scale + bucket;
}

const magnitude = fc.double({ min: 1e-300, max: 1e300, noNaN: true });
/** A boundary, and its neighbours among the doubles. */
const atBoundary = fc
  .record({ scale: fc.integer({ min: 1, max: 11 }), j: fc.nat(2_047), nudge: fc.constantFrom(-1, 0, 1) })
  .map(({ scale, j, nudge }) => ({
    scale,
    magnitude: 2 ** ((j % 2 ** scale) / 2 ** scale) * (1 + nudge * 2 ** -52),
  }));

describe('the bucket of a magnitude', () => {
  it('is the one between whose boundaries it lies, up to scale 11', () => {
    const anywhere = fc.record({ scale: fc.integer({ min: 1, max: 11 }), magnitude });
    fc.assert(
      fc.property(fc.oneof(anywhere, atBoundary), (given) => {
        expect(new BucketIndex(given.scale).of(given.magnitude)).toBe(bucketOf(given.magnitude, given.scale));
      }),
    );
  });

  it('of an exact power of two is the last one below it, at every scale', () => {
    for (let scale = -10; scale <= 20; scale++) {
      const exponents = [-1022, -3, -1, 0, 1, 7, 1023];
      const expected = exponents.map((exponent) => Math.ceil(exponent * 2 ** scale) - 1);
      expect(exponents.map((exponent) => new BucketIndex(scale).of(2 ** exponent))).toEqual(expected);
    }
  });

  it('above scale 11 is within one of what the logarithm says, and never falls as values rise', () => {
    const fine = fc.integer({ min: 12, max: 20 });
    fc.assert(
      fc.property(fine, magnitude, fc.integer({ min: 0, max: 1_000_000 }), (scale, value, ulps) => {
        const index = new BucketIndex(scale);
        const found = index.of(value);
        expect(Math.abs(found - (Math.ceil(Math.log2(value) * 2 ** scale) - 1))).toBeLessThanOrEqual(1);
        expect(index.of(value * (1 + ulps * 2 ** -40))).toBeGreaterThanOrEqual(found);
        // Halving a scale joins neighbours: the coarser index follows from the finer one.
        expect(Math.abs(new BucketIndex(scale - 1).of(value) - (found >> 1))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

/** Counts by bucket in a map, at the finest scale at which both signs fit. */
function twinOf(values: readonly number[], maxBuckets: number): unknown {
  for (let scale = 11; ; scale--) {
    const index = new BucketIndex(scale);
    const counts = [1, -1].map((sign) => {
      const buckets = new Map<number, number>();
      for (const value of values) {
        if (value * sign <= 0) continue;
        const at = index.of(value * sign);
        buckets.set(at, (buckets.get(at) ?? 0) + 1);
      }
      return buckets;
    });
    const fits = counts.every((buckets) => {
      const keys = [...buckets.keys()];
      return keys.length === 0 || Math.max(...keys) - Math.min(...keys) < maxBuckets;
    });
    if (!fits) continue;
    return { scale, counts: counts.map((buckets) => [...buckets].sort(([a], [b]) => a - b)) };
  }
}

describe('an exponential histogram', () => {
  it('counts what a map of buckets counts, one by one and merged from parts', () => {
    const value = fc.oneof(
      fc.double({ min: -50, max: 50, noNaN: true }),
      fc.integer({ min: -9, max: 9 }),
      magnitude,
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.constantFrom(4, 20, 160), (values, maxBuckets) => {
        const given = values.filter((one) => Math.abs(one) === 0 || Math.abs(one) > 1e-300);
        const options = { maxBuckets, maxScale: 11 };
        const single = new ExponentialHistogram(options);
        const parts = Array.from({ length: 3 }, () => new ExponentialHistogram(options));
        for (const [i, one] of given.entries()) {
          single.update(one);
          parts[i % 3]!.update(one);
        }
        const whole = new ExponentialHistogram(options);
        for (const part of parts) whole.merge(part);
        const twin = twinOf(given, maxBuckets);
        expect(countsOf(single)).toEqual(twin);
        expect(countsOf(whole)).toEqual(twin);
        const { scale, zeros, positive, negative } = whole.buckets();
        const point = { count: whole.n, sum: whole.sum, min: whole.min, max: whole.max, maxBuckets };
        expect(countsOf(ExponentialHistogram.of({ ...point, scale, zeros, positive, negative }))).toEqual(
          twin,
        );
      }),
    );
  });
});

function countsOf(histogram: ExponentialHistogram): unknown {
  const { scale, positive, negative } = histogram.buckets();
  const counts = [positive, negative].map(({ offset, counts }) =>
    [...counts].map((count, i) => [offset + i, count]).filter(([, count]) => count !== 0),
  );
  return { scale, counts };
}
