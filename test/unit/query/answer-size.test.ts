import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { AnswerBudget } from '#agent/query/answer-budget.ts';
import { Aggregation } from '#agent/query/aggregation.ts';
import { Top } from '#agent/query/items.ts';
import { answerBytesMax, groupsMax, intervalsMin, intervalsOfQueryMax } from '#agent/query/limits.ts';
import { parseQuery } from '#agent/query/parse.ts';
import { Spread } from '#agent/query/spread.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

const everything = [{ from: -Infinity, until: Infinity }];

/** Two values of v in each of so many seconds. */
function seconds(count: number): ReturnType<BatchBuilder['finish']> {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (let second = 0; second < count; second++) {
    for (const value of [1, 2]) {
      builder.begin({ tags: {}, timeMicros: second * 1e6 });
      builder.set('v', value);
    }
  }
  return builder.finish();
}

test('an answer of more parts of histograms than fit its memory is refused, one of fewer is given', () => {
  const columns = Array.from({ length: 16 }, (_, i) => `histogram(v, ${256 - i})`).join(', ');
  const large = new Aggregation(parseQuery(`${columns} by window(1s)`, micros(0)));
  const usual = new Aggregation(parseQuery('histogram(v) by window(1s)', micros(0)));
  const batch = seconds(groupsMax);

  expect(() => large.scan(batch, everything)).toThrow(/MiB of memory/);
  expect(() => usual.scan(batch, everything)).not.toThrow();
});

test('lists of items count by the items that are in them, once more for each list of them', () => {
  const taken = (different: number, lists: number): number => {
    const budget = new AnswerBudget();
    const top = new Top({ items: 1_000, lists }, budget);
    for (let i = 0; i < different; i++) top.update(`item ${i}`);
    for (let left = 0; ; left += 1_024) {
      try {
        budget.bytes(1_024);
      } catch {
        return answerBytesMax - left;
      }
    }
  };

  expect(taken(0, 1)).toBeLessThan(8_192);
  // Measured: some 227 bytes for one of the longest, and what the answer says of it.
  expect(taken(4_000, 1)).toBeGreaterThan(4_000 * 227);
  expect(taken(4_000, 16)).toBeGreaterThan(2 * taken(4_000, 1));
});

test('intervals of coarse records take no more than their share of a query, however many rows they are in, and still bound it', () => {
  const budget = new AnswerBudget();
  const spreads = Array.from({ length: 1_000 }, () => new Spread(budget));
  for (const spread of spreads) for (let i = 0; i < 1_000; i++) spread.addInterval(i, i + 1, 1);

  const held = spreads.reduce((sum, spread) => sum + spread.intervals, 0);

  expect(held).toBeLessThanOrEqual(intervalsOfQueryMax + spreads.length * intervalsMin);
  expect(spreads[0]!.intervals).toBe(1_000);
  for (const spread of [spreads[0]!, spreads.at(-1)!]) {
    const { low, high } = spread.quantile(0.5)!;
    expect(low).toBeLessThanOrEqual(499);
    expect(high).toBeGreaterThanOrEqual(500);
    expect(high! - low!).toBeLessThan(400);
  }
});
