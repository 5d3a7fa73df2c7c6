import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { Aggregation } from '#agent/query/aggregation.ts';
import { AnswerBudget } from '#agent/query/answer-budget.ts';
import type { AnswerJson } from '#agent/query/answer.ts';
import type { CoarseReading } from '#agent/query/coarse.ts';
import { Distinct } from '#agent/query/items.ts';
import { parseQuery } from '#agent/query/parse.ts';
import { Spread } from '#agent/query/spread.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { figure, rowOf } from '#test/support/ask-store.ts';

const minute = 60e6;
const nothing = { streams: ['s'], lost: 0, goneSeconds: 0, stopped: false, notes: [] };

function asked(text: string): Aggregation {
  return new Aggregation(parseQuery(text, micros(100 * minute)));
}

function finished(aggregation: Aggregation): AnswerJson {
  return aggregation.finish(nothing, 100 * minute);
}

/** What is left of ten readings of v = 5 with times from `first` to `last`. */
function coarse(first: number, last: number): CoarseReading {
  const field = { count: 10, others: 0, sum: 50, min: 5, max: 5, squares: 0, squaresError: 0, sketch: null };
  return {
    rung: 'window',
    tags: {},
    firstMicros: first,
    lastMicros: last,
    readings: 10,
    bad: false,
    field: (name) => (name === 'v' ? field : null),
  };
}

/** One reading v = 1 at each of these times. */
function plain(...times: number[]): ReturnType<BatchBuilder['finish']> {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (const time of times) {
    builder.begin({ tags: {}, timeMicros: time });
    builder.set('v', 1);
  }
  return builder.finish();
}

const everything = [{ from: -Infinity, until: Infinity }];

test('a quantile is the value whose rank it is, also where the rank is no binary fraction', () => {
  const spread = new Spread(new AnswerBudget());
  for (let value = 1; value <= 1_000; value++) spread.update(value);

  for (const percent of ['7', '55', '99.9', '0.1', '28.9']) {
    const query = parseQuery(`p${percent}(v)`, micros(0));
    const aggregate = query.aggregates[0]!;
    expect(aggregate.kind === 'quantile' && spread.quantile(aggregate.rank)).toMatchObject({
      low: Number((Number(percent) * 10).toFixed(0)),
      high: Number((Number(percent) * 10).toFixed(0)),
    });
  }
});

test('a part of a histogram holds the values between the ends it names', () => {
  const spread = new Spread(new AnswerBudget());
  const values = Array.from({ length: 800 }, (_, i) => Number((19.07 + i / 100).toFixed(2)));
  for (const value of values) spread.update(value);

  for (const [i, { low, high, count }] of spread.histogram(20).entries()) {
    const inside = values.filter((value) => value >= low && (value < high || (i === 19 && value === high)));
    expect(count).toBe(inside.length);
  }
});

test('a coarse record over several windows makes each of their counts uncertain, not only the one it counts in', () => {
  const aggregation = asked('count(), sum(v), p50(v) by window(1m)');
  aggregation.scan(plain(1, minute + 1, 2 * minute + 1, 9 * minute), everything);
  aggregation.takeCoarse('s', coarse(30e6, 2.5 * minute), everything);

  const answer = finished(aggregation);

  const [zero, one, two, nine] = [0, 1, 2, 9].map((at) => rowOf(answer, new Date(at * 60_000).toISOString()));
  expect(figure(zero!)).toMatchObject({ value: 1, low: 1, high: 11 });
  expect(figure(one!)).toMatchObject({ value: 11, low: 1, high: 11 });
  expect(figure(two!)).toMatchObject({ value: 1, low: 1, high: 11 });
  expect(figure(nine!)).toMatchObject({ value: 1, low: 1, high: 1 });
  expect(figure(zero!, 1)).toMatchObject({ value: 1, low: null, high: null });
  // Values it does not hold may be above it.
  expect(figure(two!, 2)).toMatchObject({ value: 1, low: null, high: null });
  expect(answer.coverage.words).toContain('10 readings in summaries over an edge of the time asked');
});

test('a rate over summaries lies between what their readings may have spanned at least and at most', () => {
  const aggregation = asked('rate()');
  for (const start of [0, 9]) {
    aggregation.roll('s', {
      tags: {},
      span: { from: start * minute, until: (start + 1) * minute },
      readings: 60,
      bad: 0,
      field: () => undefined,
      leftOut: () => false,
      rolled: () => true,
    });
  }

  const { low, high } = figure(finished(aggregation).rows[0]!);

  expect(low).toBeCloseTo(120 / 600, 3);
  expect(high).toBeCloseTo(120 / 480, 3);
});

test('values that no summary holds and nobody read any more widen what is said of their field', () => {
  const aggregation = asked('count(state), sum(state), distinct(state), top(state, 1), count()');
  aggregation.roll('s', {
    tags: {},
    span: { from: 0, until: minute },
    readings: 60,
    bad: 10,
    field: () => undefined,
    leftOut: () => true,
    rolled: () => false,
  });

  const answer = finished(aggregation);

  const row = answer.rows[0]!;
  expect(figure(row, 0)).toMatchObject({ value: 0, low: 0, high: 50 });
  expect(figure(row, 2)).toMatchObject({ value: 0, low: 0, high: 50 });
  expect(figure(row, 4)).toMatchObject({ value: 60, low: 60, high: 60 });
  expect(answer.coverage).toMatchObject({ complete: false, unanswered: 50 });
});

test('many different values are counted to 2 %, at 99.7 %', () => {
  let outside = 0;
  for (let trial = 0; trial < 20; trial++) {
    const distinct = new Distinct(new AnswerBudget());
    const truth = 3_000 + trial * 700;
    for (let i = 0; i < truth; i++) distinct.update(`${trial} ${i}`);
    const { low, high, value, confidence } = distinct.estimate();
    expect(confidence).toBe(0.997);
    expect((high - low) / value).toBeLessThan(0.041);
    if (truth < low || truth > high) outside++;
  }
  expect(outside).toBe(0);
});

test('items of a sketch are floats: the values they were lie within the bounds', () => {
  const items = [20.1, 20.1, 20.1, 30.3].map((value) => ({ value: Math.fround(value), weight: 1 }));
  const sketch = { n: 4, items, rankError: 0, partError: 0, confidence: 1 };
  const field = { count: 4, others: 0, sum: 90.6, min: 10, max: 40, squares: 78.03, squaresError: 0, sketch };
  const aggregation = asked('p50(v)');
  aggregation.takeCoarse(
    's',
    { ...coarse(0, 1), rung: 'sketch', readings: 4, field: () => field },
    everything,
  );

  const { low, high } = figure(finished(aggregation).rows[0]!);

  expect(low).toBeLessThanOrEqual(20.1);
  expect(high).toBeGreaterThanOrEqual(20.1);
  expect(high! - low!).toBeLessThan(1e-5);
});

test('an item beyond the floats is some value beyond them', () => {
  const sketch = {
    n: 2,
    items: [
      { value: -Infinity, weight: 1 },
      { value: Infinity, weight: 1 },
    ],
    rankError: 0,
    partError: 0,
    confidence: 1,
  };
  const field = {
    count: 2,
    others: 0,
    sum: 0,
    min: -1e40,
    max: 1e40,
    squares: 2e80,
    squaresError: 0,
    sketch,
  };
  const aggregation = asked('p1(v), p100(v)');
  aggregation.takeCoarse(
    's',
    { ...coarse(0, 1), rung: 'sketch', readings: 2, field: () => field },
    everything,
  );

  const row = finished(aggregation).rows[0]!;

  expect(figure(row, 0).low).toBe(-1e40);
  expect(figure(row, 0).high).toBeGreaterThan(-3.41e38);
  expect(figure(row, 1).low).toBeLessThan(3.41e38);
  expect(figure(row, 1).high).toBe(1e40);
});

test('between two ends a sketch is off by more than up to one', () => {
  const spread = new Spread(new AnswerBudget());
  const items = Array.from({ length: 100 }, (_, i) => ({ low: i, high: i, weight: 10 }));
  spread.addSketch(items, { rankError: 0.0133, partError: 0.0165, confidence: 0.99 });

  const [first] = spread.histogram(10);

  expect(first).toMatchObject({ count: 100, countLow: 100 - 16.5, countHigh: 100 + 16.5 });
});

test('parts of a histogram have ends however far the values lie apart', () => {
  const spread = new Spread(new AnswerBudget());
  for (const value of [-1.7e308, 0, 1.7e308]) spread.update(value);
  spread.addInterval(-1.7e308, 1.7e308, 2);

  const parts = spread.histogram(4);

  for (const [i, { low }] of parts.entries()) expect(low / 1.7e308).toBeCloseTo(i / 2 - 1, 12);
  expect(parts.at(-1)!.high).toBe(1.7e308);
  expect(parts.map(({ count }) => count)).toEqual([1, 0, 3, 1]);
});

test('long bytes that begin alike are different values', () => {
  const distinct = new Distinct(new AnswerBudget());
  for (let i = 0; i < 10; i++) distinct.update(new Uint8Array(300).fill(i, 299));

  expect(distinct.estimate()).toMatchObject({ value: 10, low: 10, high: 10 });
});
