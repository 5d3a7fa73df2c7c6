import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Summary } from '#agent/query/summary.ts';

const values = fc.array(
  fc.oneof(
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    fc.constantFrom(0, 1, -1, 1e-300, 4.5, Number.MAX_VALUE, -Number.MAX_VALUE),
  ),
  { maxLength: 120 },
);

test('values taken in runs make the summary that they make one by one', () => {
  fc.assert(
    fc.property(fc.array(values, { maxLength: 4 }), (runs) => {
      const one = new Summary();
      const many = new Summary();
      for (const run of runs) {
        for (const value of run) one.update(value);
        // What lies behind the count is not looked at.
        many.updateAll(Float64Array.from([...run, 7, 7]), run.length);
      }

      const [a, b] = [one.tally, many.tally];
      expect([b.count, b.min, b.max]).toEqual([a.count, a.min, a.max]);
      expect(many.counted().buckets()).toEqual(one.counted().buckets());
      expect(many.values).toEqual(one.values);
      const size = runs.flat().reduce((sum, value) => sum + Math.abs(value), 0);
      if (!Number.isFinite(size)) return;
      expect(Math.abs(b.sum - a.sum)).toBeLessThanOrEqual(1e-12 * size);
      if (size > 1e100 || a.count < 2) return;
      expect(Math.abs(b.variance - a.variance)).toBeLessThanOrEqual(1e-9 * (1 + a.variance));
    }),
    { numRuns: 60 },
  );
});
