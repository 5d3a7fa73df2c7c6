import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { sortedFloats } from '#agent/sketch/sort-floats.ts';

const k = 64;

function randomValues(random: Prng, n: number): Float64Array {
  const shape = random.below(3);
  return Float64Array.from({ length: n }, (_, i) => {
    if (shape === 0) return Math.fround(100 * random.float() - 30);
    return shape === 1 ? i - n / 2 : random.below(5) - 2;
  });
}

function rankOf(sorted: Float32Array, value: number): number {
  return sorted.reduce((sum, one) => (one <= value ? sum + 1 : sum), 0) / sorted.length;
}

test('a sketch of values that are all there has no rank off by more than one in k / 2, and comes back from its bytes', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    const values = randomValues(random, 1 + random.below(3_000));
    const sketch = Kll.of(values, random, { k, precision: 'float' });
    expect(sketch.n).toBe(values.length);
    expect(sketch.items().reduce((sum, { weight }) => sum + weight, 0)).toBe(values.length);
    const sorted = sortedFloats(values);
    expect(sketch.min).toBe(sorted[0]);
    expect(sketch.max).toBe(sorted.at(-1));
    for (let i = 0; i < 10; i++) {
      const value = sorted[random.below(sorted.length)]!;
      expect(Math.abs(sketch.rank(value) - rankOf(sorted, value))).toBeLessThanOrEqual(
        values.length <= k ? 0 : 2 / k,
      );
    }
    const back = Kll.parse(sketch.toBytes(), { chance: random, precision: 'float' });
    expect(back.ok && back.value.toBytes()).toEqual(sketch.toBytes());
  }
});

test('such sketches merge within the bound, and take further values', () => {
  let outside = 0;
  for (let trial = 1; trial <= 400; trial++) {
    const random = new Prng(trial);
    const all: number[] = [];
    const whole = new Kll(random, { k, precision: 'float' });
    for (let part = 0; part < 8; part++) {
      const values = randomValues(random, 1 + random.below(600));
      all.push(...values);
      whole.merge(Kll.of(values, random, { k, precision: 'float' }));
    }
    for (let i = 0; i < 100; i++) {
      whole.update(i);
      all.push(i);
    }
    expect(whole.n).toBe(all.length);
    const sorted = sortedFloats(Float64Array.from(all));
    const value = sorted[random.below(sorted.length)]!;
    if (Math.abs(whole.rank(value) - rankOf(sorted, value)) > whole.bound().error) outside++;
  }
  expect(outside).toBeLessThanOrEqual(4 + 6);
});

test('floats are sorted as the numbers they are, however many', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Prng(seed);
    const scale = random.pick([1, 1e-40, 1e30, 1e-3]);
    const values = Float64Array.from({ length: random.below(1_500) }, () =>
      random.chance(0.02) ? random.pick([0, Infinity, -Infinity, 3e38]) : (random.float() - 0.5) * scale,
    );
    expect(sortedFloats(values)).toEqual(new Float32Array(values).sort());
  }
});
