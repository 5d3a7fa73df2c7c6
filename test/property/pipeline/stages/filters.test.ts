import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedWindow } from '#agent/pipeline/signal/sorted-window.ts';
import { valuesOut } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs, signal } from './signal-arbitraries.ts';

type Point = { at: number; values: { a: number } };

/** Each value together with the `window` - 1 before it. */
const looking = (points: readonly Point[], window: number): number[][] =>
  points.map((_, i) => points.slice(Math.max(0, i - window + 1), i + 1).map(({ values }) => values.a));

const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};
const near = (actual: readonly unknown[], expected: readonly number[]): void => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 6);
};

test('a sorted window knows the median and the median distance of what it holds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: -5, max: 5 })),
      (capacity, values) => {
        const window = new SortedWindow(capacity);
        for (const [i, value] of values.entries()) {
          window.push(value);
          const held = values.slice(Math.max(0, i - capacity + 1), i + 1);
          const median = medianOf(held);
          expect(window.median()).toBe(median);
          expect(window.medianDistance(median)).toBe(medianOf(held.map((one) => Math.abs(one - median))));
        }
      },
    ),
    runs,
  );
});

test('despike and median answer as their twins do', () => {
  fc.assert(
    fc.property(signal, fc.integer({ min: 3, max: 9 }), fc.constantFrom(0, 1.5), (points, window, floor) => {
      expect(valuesOut('a', [{ median: { field: 'a', window } }], points)).toEqual(
        looking(points, window).map(medianOf),
      );
      const twin = looking(points, window).map((seen) => {
        const median = medianOf(seen);
        const mad = 1.482602218505602 * medianOf(seen.map((one) => Math.abs(one - median)));
        const distance = Math.abs(seen.at(-1)! - median);
        return seen.length >= 3 && distance > floor && distance > 2 * mad ? median : seen.at(-1)!;
      });
      expect(valuesOut('a', [{ despike: { field: 'a', window, sigmas: 2, floor } }], points)).toEqual(twin);
    }),
    runs,
  );
});

test('an exponential average is the weighted sum of all values so far', () => {
  fc.assert(
    fc.property(signal, fc.constantFrom(0.5, 4, 60), (points, tau) => {
      const weights = points.map(({ at }, i) =>
        i === 0 ? 1 : 1 - Math.exp(-(at - points[i - 1]!.at) / tau),
      );
      const twin = points.map((_, n) => {
        let sum = 0;
        for (let i = 0; i <= n; i++) {
          const rest = weights.slice(i + 1, n + 1).reduce((product, weight) => product * (1 - weight), 1);
          sum += weights[i]! * rest * points[i]!.values.a;
        }
        return sum;
      });
      near(valuesOut('a', [{ ema: { field: 'a', time_constant: tau * 1000 } }], points), twin);
    }),
    runs,
  );
});

test('increases of a counter add up to what was counted, through wraps', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 65_535 }), (counts, start) => {
      let total = start;
      const points = counts.map((count, at) => ({ at, values: { a: (total += count) % 65_536 } }));
      const increases = valuesOut('a', [{ rate: { field: 'a', bits: 16, emit: 'increase' } }], points);
      expect(increases).toEqual(counts.slice(1));
    }),
    runs,
  );
});

test('a rate times its span is the change of a gauge', () => {
  fc.assert(
    fc.property(signal, (points) => {
      const apart = points.filter(({ at }, i) => i === 0 || at > points[i - 1]!.at);
      const rates = valuesOut('a', [{ rate: { field: 'a', kind: 'gauge' } }], apart);
      near(
        rates.map((rate, i) => (rate as number) * (apart[i + 1]!.at - apart[i]!.at)),
        apart.slice(1).map(({ values }, i) => values.a - apart[i]!.values.a),
      );
    }),
    runs,
  );
});

test('savgol gives back every polynomial of its order, however uneven the times', () => {
  const polynomial = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(signal, polynomial, fc.integer({ min: 4, max: 9 }), (points, factors, window) => {
      const at = [...new Set(points.map((point) => point.at))];
      const order = factors.length - 1;
      const f = (t: number): number => factors.reduce((sum, factor, k) => sum + factor * (t / 10) ** k, 0);
      const out = valuesOut(
        'a',
        [{ savgol: { field: 'a', window, order } }],
        at.map((t) => ({ at: t, values: { a: f(t) } })),
      );
      for (const [i, t] of at.entries()) {
        // While there are fewer points than the order needs, the fit is a lower one through all of them.
        expect(Math.abs((out[i] as number) - f(t))).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(f(t))));
      }
    }),
    runs,
  );
});

test('a Kalman level is the running mean where nothing wanders, and the value where nothing is measured wrong', () => {
  fc.assert(
    fc.property(signal, (points) => {
      const values = points.map((point) => point.values.a);
      const means = values.map((_, i) => values.slice(0, i + 1).reduce((sum, one) => sum + one, 0) / (i + 1));
      near(
        valuesOut('a', [{ kalman: { field: 'a', process_noise: 1e-9, measurement_noise: 1 } }], points),
        means,
      );
      const apart = points.filter(({ at }, i) => i === 0 || at > points[i - 1]!.at);
      near(
        valuesOut('a', [{ kalman: { field: 'a', process_noise: 1e6, measurement_noise: 1e-6 } }], apart),
        apart.map((point) => point.values.a),
      );
    }),
    runs,
  );
});
