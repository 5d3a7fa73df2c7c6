import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader } from '#agent/base/byte-reader.ts';
import { ByteWriter } from '#agent/base/byte-writer.ts';
import { AnswerBudget } from '#agent/query/answer-budget.ts';
import { coverSpan, type Level } from '#agent/query/cover.ts';
import { pointsMax } from '#agent/query/limits.ts';
import { Spread } from '#agent/query/spread.ts';
import { Summary } from '#agent/query/summary.ts';

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map((value) => value + 0),
  fc.constantFrom(0, 1, 1, 2, -1, 1e-9, 4, 8),
);
const rank = fc.double({ noNaN: true, min: 0, max: 1 });

function quantile(values: readonly number[], at: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length, Math.max(1, Math.ceil(at * sorted.length))) - 1]!;
}

function summaryOf(values: readonly number[]): Summary {
  const summary = new Summary();
  for (const value of values) summary.update(value);
  return summary;
}

test('the true quantile lies within the bounds, whatever is left of the values', () => {
  fc.assert(
    fc.property(
      fc.array(number, { maxLength: 60 }),
      fc.array(fc.array(number, { minLength: 1, maxLength: 80 }), { maxLength: 4 }),
      fc.array(fc.array(number, { minLength: 1, maxLength: 10 }), { maxLength: 4 }),
      rank,
      (plain, summed, ranges, at) => {
        const spread = new Spread(new AnswerBudget());
        for (const value of plain) spread.update(value);
        for (const values of summed) spread.addSummary(summaryOf(values));
        for (const values of ranges)
          spread.addInterval(Math.min(...values), Math.max(...values), values.length);
        const all = [...plain, ...summed.flat(), ...ranges.flat()];

        const estimate = spread.quantile(at);

        if (all.length === 0) {
          expect(estimate).toBe(null);
          return;
        }
        const truth = quantile(all, at);
        expect(estimate!.low).toBeLessThanOrEqual(truth);
        expect(estimate!.high).toBeGreaterThanOrEqual(truth);
        const parts = spread.histogram(7);
        expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
        for (const { count, countLow, countHigh } of parts) {
          expect(count).toBeGreaterThanOrEqual(countLow);
          expect(count).toBeLessThanOrEqual(countHigh);
        }
      },
    ),
  );
});

test('more values than are kept one by one are bounded to 1.1 % over five powers of ten', () => {
  const spread = new Spread(new AnswerBudget());
  const values = Array.from({ length: 2 * pointsMax }, (_, i) => 10 ** ((i * 5) / (2 * pointsMax)));
  for (const value of values) spread.update(value);

  for (const at of [0.01, 0.5, 0.99]) {
    const { low, high } = spread.quantile(at)!;
    expect(low).toBeLessThanOrEqual(quantile(values, at));
    expect(high).toBeGreaterThanOrEqual(quantile(values, at));
    expect(high! / low!).toBeLessThan(1.022);
  }
});

test('summaries of parts, merged in any order, are the summary of the whole, and come back from their bytes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(number, { maxLength: 60 }), { minLength: 1, maxLength: 6 }),
      fc.nat(),
      (parts, turn) => {
        const turned = parts.map((_, i) => parts[(i + turn) % parts.length]!);
        const merged = new Summary();
        for (const part of turned) merged.merge(summaryOf(part));
        const whole = summaryOf(parts.flat());

        const writer = new ByteWriter();
        merged.write(writer);
        const back = Summary.read(new ByteReader(writer.finish()));

        for (const one of [merged, back]) {
          expect(one.tally.count).toBe(whole.tally.count);
          expect(one.tally.min).toBe(whole.tally.min);
          expect(one.tally.max).toBe(whole.tally.max);
          expect(one.tally.sum).toBeCloseTo(whole.tally.sum, 3);
          expect(one.values?.toSorted((a, b) => a - b)).toEqual(whole.values?.toSorted((a, b) => a - b));
          expect(one.histogram?.buckets()).toEqual(whole.histogram?.buckets());
        }
      },
    ),
  );
});

test('cut or changed bytes of a summary are refused or read, never thrown elsewhere', () => {
  const writer = new ByteWriter();
  summaryOf(Array.from({ length: 100 }, (_, i) => i - 50)).write(writer);
  const bytes = writer.finish();
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
      const changed = cut ? bytes.slice(0, at) : bytes.with(at, value);
      try {
        Summary.read(new ByteReader(changed));
      } catch (error) {
        expect((error as Error).name).toBe('MalformedBytes');
      }
    }),
  );
});

test('windows and rest cover every moment of the span once, and windows are whole', () => {
  const levels: Level[] = [
    { micros: 60, from: 500 },
    { micros: 3_600, from: -Infinity },
    { micros: 86_400, from: 90_000 },
  ];
  const end = fc.oneof(fc.integer({ min: -200_000, max: 400_000 }), fc.constantFrom(-Infinity, Infinity));
  fc.assert(
    fc.property(end, end, fc.constantFrom(null, 60, 90, 3_600, 7_200), (a, b, grain) => {
      fc.pre(a < b);
      const { windows, rest } = coverSpan({ from: a, until: b }, levels, grain);

      const all = [...windows, ...rest].toSorted((one, other) => one.from - other.from);
      expect(all[0]?.from).toBe(a);
      expect(all.at(-1)?.until).toBe(b);
      for (const [i, part] of all.entries()) if (i > 0) expect(part.from).toBe(all[i - 1]!.until);
      for (const { level, from, until } of windows) {
        const { micros, from: kept } = levels[level]!;
        expect(from).toBeGreaterThanOrEqual(kept);
        for (const edge of [from, until]) if (Number.isFinite(edge)) expect(Math.abs(edge % micros)).toBe(0);
        if (grain !== null) expect(grain % micros).toBe(0);
      }
    }),
  );
});
