import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { Aggregation } from '#agent/query/aggregation.ts';
import type { FigureJson, HistogramJson, ItemsJson, RowJson } from '#agent/query/answer.ts';
import type { CoarseField } from '#agent/query/coarse.ts';
import { parseQuery } from '#agent/query/parse.ts';
import { Summary } from '#agent/query/summary.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

type Value = number | string | boolean;

interface Plain {
  readonly second: number;
  readonly line: 'a' | 'b';
  readonly value: Value | null;
  readonly bad: boolean;
  /** What is left of it, where that may be: itself, a window of its minute, or a part of a coarse record. */
  readonly left: 'raw' | 'rolled' | 'coarse';
}

const base = 1_000 * 60e6;
const timeOf = ({ second }: Plain): number => base + second * 1e6;
const iso = (time: number): string => new Date(time / 1000).toISOString();
const now = base + 1200e6;
const tags = { a: { line: 'a' }, b: { line: 'b' } } as const;

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Value>(0, 1, 2, 20.1, 30.3, -7) },
  { weight: 4, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((one): Value => one + 0) },
  { weight: 1, arbitrary: fc.constantFrom<Value>('on', 'off', true, false) },
);
const readings = fc
  .array(
    fc.record({
      second: fc.nat(599),
      line: fc.constantFrom('a', 'b'),
      value: fc.option(value, { freq: 8 }),
      bad: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
      left: fc.constantFrom('raw', 'rolled', 'coarse'),
    }) satisfies fc.Arbitrary<Plain>,
    { minLength: 1, maxLength: 60, size: 'max' },
  )
  .map((all) => all.toSorted((x, y) => x.second - y.second));
const shape = fc.record({
  byLine: fc.boolean(),
  windowSeconds: fc.option(fc.constantFrom(60, 120, 300)),
  from: fc.option(fc.nat(300).map((second) => base + second * 1e6)),
  until: fc.option(fc.integer({ min: 301, max: 600 }).map((second) => base + second * 1e6)),
  percent: fc.nat(100),
  /** Readings of one coarse record. */
  together: fc.integer({ min: 1, max: 12 }),
  hasSketches: fc.boolean(),
  /** Blocks are kept of what is rolled up. */
  hasBlocks: fc.boolean(),
});
type Shape = typeof shape extends fc.Arbitrary<infer Of> ? Of : never;

const columns = [
  'count()',
  'count(v)',
  'sum(v)',
  'mean(v)',
  'min(v)',
  'max(v)',
  'stddev(v)',
  'rate()',
  'rate(v)',
];

function textOf({ byLine, windowSeconds, from, until, percent }: Shape): string {
  const keys = [
    ...(byLine ? ['line'] : []),
    ...(windowSeconds === null ? [] : [`window(${windowSeconds}s)`]),
  ];
  return (
    `${columns.join(', ')}, p${percent}(v), distinct(v), top(v, 4), histogram(v, 5)` +
    (keys.length === 0 ? '' : ` by ${keys.join(', ')}`) +
    (from === null ? '' : ` from ${iso(from)}`) +
    (until === null ? '' : ` until ${iso(until)}`)
  );
}

function batchOf(all: readonly Plain[]): Batch {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (const one of all) {
    builder.begin({ tags: tags[one.line], timeMicros: timeOf(one), quality: one.bad ? 2 : 0 });
    if (one.value !== null) builder.set('v', one.value);
  }
  return builder.finish();
}

function numbersOf(all: readonly Plain[]): number[] {
  return all.flatMap((one) =>
    typeof one.value === 'number' || typeof one.value === 'boolean' ? [Number(one.value)] : [],
  );
}

function sumsOf(numbers: readonly number[]): { sum: number; squares: number } {
  const sum = numbers.reduce((all, one) => all + one, 0);
  const mean = sum / numbers.length;
  return { sum, squares: numbers.reduce((all, one) => all + (one - mean) ** 2, 0) };
}

function rollUp(aggregation: Aggregation, minute: number, all: readonly Plain[], hasBlocks: boolean): void {
  const good = all.filter(({ bad }) => !bad);
  const summary = new Summary();
  for (const one of numbersOf(good)) summary.update(one);
  const held = { leftOut: () => true, rolled: () => true };
  const span = { from: minute, until: minute + 60e6 };
  aggregation.roll('s', {
    tags: tags[all[0]!.line],
    span,
    readings: all.length,
    bad: all.length - good.length,
    field: () => (summary.tally.count === 0 ? undefined : summary),
    ...held,
  });
  if (hasBlocks) aggregation.scan(batchOf(all), [span], aggregation.within(held));
}

function makeCoarse(all: readonly Plain[], hasSketch: boolean): CoarseField {
  const numbers = numbersOf(all);
  const { sum, squares } = sumsOf(numbers);
  const items = numbers.map((one) => ({ value: Math.fround(one), weight: 1 }));
  return {
    count: numbers.length,
    others: all.filter((one) => typeof one.value === 'string').length,
    sum,
    min: Math.min(...numbers),
    max: Math.max(...numbers),
    squares: numbers.length === 0 ? 0 : squares,
    squaresError: 0,
    sketch: hasSketch ? { n: numbers.length, items, rankError: 0, partError: 0, confidence: 1 } : null,
  };
}

/** The query over what is left of the readings. */
function answered(all: readonly Plain[], given: Shape): readonly RowJson[] {
  const query = parseQuery(textOf(given), micros(now));
  const aggregation = new Aggregation(query);
  const span = { from: given.from ?? -Infinity, until: given.until ?? Infinity };
  const minuteOf = (one: Plain): number => Math.floor(timeOf(one) / 60e6) * 60e6;
  const isRolled = (one: Plain): boolean =>
    one.left === 'rolled' && minuteOf(one) >= span.from && minuteOf(one) + 60e6 <= span.until;
  const raw = all.filter((one) => one.left !== 'coarse' && !isRolled(one));
  aggregation.scan(batchOf(raw), [span]);
  for (const window of Map.groupBy(all.filter(isRolled), (one) => `${minuteOf(one)} ${one.line}`).values())
    rollUp(aggregation, minuteOf(window[0]!), window, given.hasBlocks);
  const coarse = all.filter(({ left }) => left === 'coarse');
  for (const series of Map.groupBy(coarse, ({ line, bad }) => `${line} ${bad}`).values()) {
    for (let i = 0; i < series.length; i += given.together) {
      const run = series.slice(i, i + given.together);
      const field = makeCoarse(run, given.hasSketches);
      aggregation.takeCoarse(
        's',
        {
          rung: 'sketch',
          tags: tags[run[0]!.line],
          firstMicros: timeOf(run[0]!),
          lastMicros: timeOf(run.at(-1)!),
          readings: run.length,
          bad: run[0]!.bad,
          field: () => (field.count + field.others === 0 ? null : field),
        },
        [span],
      );
    }
  }
  const nothing = { streams: ['s'], lost: 0, goneSeconds: 0, stopped: false, notes: [] };
  return aggregation.finish(nothing, now).rows;
}

/** Figures of the readings themselves, in the order of the columns; null: there is none. */
function truthsOf(within: readonly Plain[], given: Shape): (number | null)[] {
  const good = within.filter((one) => !one.bad && one.value !== null);
  const numbers = numbersOf(good).sort((x, y) => x - y);
  const { sum, squares } = sumsOf(numbers);
  const first = given.from ?? (within.length === 0 ? 0 : timeOf(within[0]!));
  const last = given.until ?? (given.from === null ? timeOf(within.at(-1) ?? within[0]!) : now);
  const seconds = given.windowSeconds ?? (last - first) / 1e6;
  const some = (one: number): number | null => (numbers.length === 0 ? null : one);
  const place = Math.max(1, Math.ceil((given.percent * numbers.length) / 100));
  return [
    within.length,
    good.length,
    some(sum),
    some(sum / numbers.length),
    some(numbers[0] ?? 0),
    some(numbers.at(-1) ?? 0),
    numbers.length < 2 ? null : Math.sqrt(squares / (numbers.length - 1)),
    seconds > 0 ? within.length / seconds : null,
    seconds > 0 ? good.length / seconds : null,
    some(numbers[place - 1] ?? 0),
    new Set(good.map((one) => `${typeof one.value} ${String(one.value)}`)).size,
  ];
}

function checkWithin(
  truth: number,
  { low, high }: { low: number | null; high: number | null },
  rounding = 0,
): void {
  expect(low ?? -Infinity).toBeLessThanOrEqual(truth + rounding);
  expect(high ?? Infinity).toBeGreaterThanOrEqual(truth - rounding);
}

/** Sums, and what is divided by something, are the same to rounding only. */
const isRounded = new Set(['sum(v)', 'mean(v)', 'stddev(v)', 'rate()', 'rate(v)']);

const one = { second: 0, line: 'a', bad: false, left: 'raw' } as const;
/** A part of the distance between the two is none. */
const tiny: [Plain[], Shape] = [
  [
    { ...one, value: 0 },
    { ...one, value: 5e-324 },
  ],
  {
    byLine: false,
    windowSeconds: null,
    from: null,
    until: null,
    percent: 0,
    together: 1,
    hasSketches: false,
    hasBlocks: false,
  },
];

test('whatever is left of readings, in windows, coarse records and sketches, the truth lies within the bounds', () => {
  fc.assert(
    fc.property(readings, shape, (all, given) => {
      for (const { key, cells } of answered(all, given)) {
        const line = given.byLine ? key[0] : null;
        const begin = given.windowSeconds === null ? null : Date.parse(key.at(-1)!) * 1000;
        const within = all.filter(
          (one) =>
            timeOf(one) >= (given.from ?? 0) &&
            timeOf(one) < (given.until ?? Infinity) &&
            (line === null || one.line === line) &&
            (begin === null || Math.floor((timeOf(one) - begin) / (given.windowSeconds! * 1e6)) === 0),
        );
        const truths = within.length === 0 ? [0] : truthsOf(within, given);
        for (const [i, truth] of truths.entries())
          if (truth !== null)
            checkWithin(truth, cells[i] as FigureJson, isRounded.has(columns[i] ?? '') ? 1e-3 : 0);
        const good = within.filter((one) => !one.bad && one.value !== null);
        for (const item of (cells[11] as ItemsJson).items)
          checkWithin(good.filter(({ value: of }) => String(of) === item.item).length, item);
        const { parts } = cells[12] as HistogramJson;
        for (const [i, part] of parts.entries()) {
          const inside = (one: number): boolean =>
            one >= part.from && (one < part.to || (i === parts.length - 1 && one === part.to));
          checkWithin(numbersOf(good).filter(inside).length, part);
        }
      }
    }),
    { numRuns: 150, examples: [tiny] },
  );
});
