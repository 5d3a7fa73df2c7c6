import * as fc from 'fast-check';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';

export const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 120) };

/** Readings as a careless network delivers them: out of order, of several series, with holes, texts and bad quality. */
const value = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -20, max: 20 }).map((n) => n / 4) },
  { weight: 1, arbitrary: fc.constantFrom<Plain['values'][string]>(Number.NaN, 'off', 5n, 1e300) },
);
const reading: fc.Arbitrary<Plain> = fc.record({
  at: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(10_000, 3.000001) },
  ),
  values: fc.record({ a: value, b: value }, { requiredKeys: [] }) as fc.Arbitrary<Plain['values']>,
  tags: fc.constantFrom<Record<string, string>>({}, { m: 'x' }),
  quality: fc.constantFrom<0 | 1 | 2>(0, 0, 0, 0, 1, 2),
});
export const readings = fc.array(reading, { maxLength: 30 });

/** One series of good values in time order; times in milliseconds, most of them apart. */
export const signal = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: -40, max: 40 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let millis = 1_000_000;
    return steps.map(([step, n]): { at: number; values: { a: number } } => {
      millis += step;
      return { at: millis / 1000, values: { a: n / 4 } };
    });
  });
