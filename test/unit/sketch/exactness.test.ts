import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Moments } from '#agent/sketch/moments.ts';

describe('moments', () => {
  it('keep through a merge what rounding took from the sums', () => {
    const [left, right] = [new Moments(), new Moments()];
    // Beside 1e16 a 1 is below the last digit: it lives in the compensation alone.
    for (const value of [1e16, 1, 1, 1]) left.update(value);
    for (const value of [-1e16, -0.25]) right.update(value);
    right.merge(left);

    expect(right.sum).toBe(2.75);
    const [a, b] = [new Moments(), new Moments()];
    for (const value of [1e16, 1]) a.update(value);
    for (const value of [1, 1, -1e16, 1]) b.update(value);
    a.merge(b);
    expect(a.sum).toBe(4);
  });

  it('come back from their bytes when values at both ends of the doubles made their powers overflow', () => {
    const moments = new Moments();
    for (const value of [-Number.MAX_VALUE, Number.MAX_VALUE, 3]) moments.update(value);

    const parsed = Moments.parse(moments.toBytes());

    expect(parsed).toMatchObject({
      ok: true,
      value: { n: 3, min: -Number.MAX_VALUE, max: Number.MAX_VALUE, sum: 3 },
    });
  });
});

describe('KLL', () => {
  it('errs upwards as often as downwards', () => {
    const trials = 400;
    const errors = Array.from({ length: trials }, (_, seed) => {
      const random = new Prng(seed + 1);
      // Known ranks: 0 … 999 in an order of chance.
      const known = new Kll(random, { k: 8 });
      const order = Array.from({ length: 1000 }, (_, i) => i);
      for (let i = order.length - 1; i > 0; i--) {
        const j = random.below(i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      for (const value of order) known.update(value);
      return known.rank(499) - 0.5;
    });
    const mean = errors.reduce((sum, error) => sum + error, 0) / trials;
    const deviation = Math.sqrt(errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / trials);
    expect(Math.abs(mean)).toBeLessThanOrEqual((3.3 * deviation) / Math.sqrt(trials));
  });
});
