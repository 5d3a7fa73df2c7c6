import { afterEach, beforeEach, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { Prng } from '#agent/base/prng.ts';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import type { Settlement } from '#agent/ports/store.ts';
import { otlpLine } from '#agent/cli/buffer/otlp-export.ts';
import type { WindowsJson } from '#agent/query/windows-json.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { askStore, figure, rowOf } from '#test/support/ask-store.ts';
import { smallSettings, StoreRig } from './model/store-rig.ts';

const settings = {
  ...smallSettings,
  sizeBytes: 16 * MiB,
  uplinks: [{ name: 'cloud', streams: ['drained*'] }],
  seal: { readings: 200, bytes: 64 * 1024, ageMillis: 1_000 },
};
const begin = 1_800_000_000_000_000;

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open(settings);
});
afterEach(() => rig.dispose());

interface Twin {
  readonly stream: string;
  readonly time: number;
  readonly machine: string;
  readonly value: number;
  readonly bad: boolean;
}

function store(readings: readonly Twin[]): void {
  const stream = readings[0]!.stream;
  const builder = new BatchBuilder({ stream, clock: 'device' });
  for (const { time, machine, value, bad } of readings) {
    builder.begin({ tags: { machine }, timeMicros: time, quality: bad ? 2 : 0 });
    builder.set('v', value);
    builder.set('state', value > 0 ? 'on' : 'off');
  }
  const batch = builder.finish();
  const rows = [{ bytes: encodeJournalRow(batch), count: batch.length }];
  const entry = { stream, received: batch.length, filtered: [], marks: [], rows };
  const { outcomes } = rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
  if (!outcomes[0]!.ok) throw new Error('not stored');
}

function settlementOf(stream: string, first: number, count: number): Settlement {
  return { uplink: 'cloud', stream, first, count, bytes: 1, day: 1, outcome: { kind: 'delivered' } };
}

/** Some hours of readings in three streams, some of them late; one stream is drained as it fills. */
function fill(seed: number, batches: number, between: () => void = () => {}): Twin[] {
  const random = new Prng(seed);
  const twin: Twin[] = [];
  const heads = new Map<string, number>();
  for (let i = 0; i < batches; i++) {
    const stream = random.pick(['pumps', 'ovens', 'drained']);
    const readings = Array.from({ length: 1 + random.below(120) }, (_, j): Twin => ({
      stream,
      time: begin + i * 97e6 + j * 1e6 - (random.chance(0.1) ? random.below(7_200) * 1e6 : 0),
      machine: random.pick(['a', 'b', 'c']),
      value: random.chance(0.02) ? 0 : (random.float() - 0.3) * 10 ** random.below(4),
      bad: random.chance(0.05),
    }));
    store(readings);
    twin.push(...readings);
    const head = (heads.get(stream) ?? 0) + readings.length;
    heads.set(stream, head);
    if (stream === 'drained' && random.chance(0.7)) {
      const first = head - readings.length;
      rig.store.commit(
        [
          {
            kind: 'settle',
            settlement: settlementOf(stream, first, readings.length),
          },
        ],
        rig.now,
      );
    }
    rig.tick(random.below(3_000));
    if (random.chance(0.6)) rig.store.maintain(rig.now);
    between();
  }
  return twin;
}

function settle(): void {
  for (let i = 0; i < 200; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
}

/** The value that many are at or below, by sorting. */
function quantile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[
    Math.min(sorted.length, Math.max(1, Math.ceil((Math.round(rank * 100) * sorted.length) / 100))) - 1
  ]!;
}

function expectLike(
  twin: readonly Twin[],
  text: string,
  keep: (one: Twin) => boolean,
  answer = ask(text),
): void {
  const groups = Map.groupBy(twin.filter(keep), (one) => `${one.stream} ${one.machine}`);
  expect(answer.rows.map(({ key }) => key.join(' '))).toEqual([...groups.keys()].sort());
  for (const [key, readings] of groups) {
    const row = rowOf(answer, ...key.split(' '));
    const values = readings.filter(({ bad }) => !bad).map(({ value }) => value);
    const truth = [
      readings.length,
      values.length,
      values.reduce((sum, value) => sum + value, 0),
      Math.min(...values),
      Math.max(...values),
    ];
    expect(row.readings).toBe(readings.length);
    if (values.length === 0) continue;
    for (const [i, value] of truth.entries()) {
      expect(Math.abs(figure(row, i).value! - value)).toBeLessThan(1e-9 * (1 + Math.abs(value)) * 100);
    }
    for (const [i, rank] of [0.5, 0.99].entries()) {
      const exact = quantile(values, rank);
      const { value, low, high } = figure(row, 5 + i);
      expect(low).toBeLessThanOrEqual(exact);
      expect(high).toBeGreaterThanOrEqual(exact);
      expect(value).toBeGreaterThanOrEqual(low!);
      expect(value).toBeLessThanOrEqual(high!);
    }
    const held = readings.filter(({ bad }) => !bad);
    const different = [held.length, new Set(held.map(({ value }) => value > 0)).size, new Set(values).size];
    for (const [i, count] of different.entries()) {
      const { low: least, high: most } = figure(row, 8 + i);
      expect(least).toBeLessThanOrEqual(count);
      expect(most).toBeGreaterThanOrEqual(count);
    }
    const { low, high } = figure(row, 7);
    const deviation = sampleDeviation(values);
    if (deviation === null) continue;
    expect(low! * (1 - 1e-9)).toBeLessThanOrEqual(deviation);
    expect(high! * (1 + 1e-9)).toBeGreaterThanOrEqual(deviation);
    expect(high! - low!).toBeLessThanOrEqual(high! / 100);
  }
}

function sampleDeviation(values: readonly number[]): number | null {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return values.length < 2 ? null : Math.sqrt(squares / (values.length - 1));
}

const figures =
  'count(), count(v), sum(v), min(v), max(v), p50(v), p99(v), stddev(v), count(state), distinct(state), distinct(v)';
const ask = (text: string): ReturnType<typeof askStore> => askStore(rig.store, text, { now: rig.now });

test('answers are those of a twin that keeps everything, whatever is sealed, drained, merged or still fresh', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.boolean(), (seed, quiet) => {
      rig.dispose();
      rig = new StoreRig();
      rig.store.open(settings);
      const twin = fill(seed, 90);
      if (quiet) settle();

      expectLike(twin, `${figures} by stream, machine`, () => true);
      const from = begin + 1_234_567_000;
      const until = begin + 5_400_000_000;
      const answer = ask(
        `${figures} of pumps, ovens by stream, machine from ${new Date(from / 1e3).toISOString()} until ${new Date(until / 1e3).toISOString()}`,
      );
      expectLike(
        twin,
        '',
        ({ stream, time }) => stream !== 'drained' && time >= from && time < until,
        answer,
      );
      expect(answer.coverage.complete).toBe(true);
    }),
    { numRuns: 2, endOnFailure: true },
  );
});

test('without summaries, raw blocks and coarse rungs answer together, within what they say', () => {
  rig.dispose();
  rig = new StoreRig();
  rig.store.open({
    ...settings,
    sizeBytes: 2 * MiB,
    whenFull: 'coarsen',
    rollups: { ...settings.rollups, share: 0 },
    uplinks: [],
    seal: { readings: 1_000, bytes: 64 * 1024, ageMillis: 1_000 },
  });
  const random = new Prng(3);
  const twin: Twin[] = [];
  for (let batch = 0; batch < 260; batch++) {
    const readings = Array.from({ length: 1_000 }, (_, i): Twin => ({
      stream: 'pumps',
      time: begin + (batch * 1_000 + i) * 1e6,
      machine: random.pick(['a', 'b']),
      value: 1e3 * Math.sin((batch * 1_000 + i) / 900) + random.float(),
      bad: random.chance(0.02),
    }));
    store(readings);
    twin.push(...readings);
    rig.tick(1_000);
    for (let i = 0; i < 6; i++) rig.store.maintain(rig.now);
  }

  const answer = ask(`${figures} by stream, machine`);

  const { readings, lost } = answer.coverage;
  expect(lost).toBe(0);
  expect(readings.raw).toBeGreaterThan(0);
  expect(readings.segment + readings.window + readings.sketch).toBeGreaterThan(10_000);
  expectLike(twin, '', () => true, answer);

  const until = begin + 30_123e6;
  const edge = ask(`count() of pumps until ${new Date(until / 1e3).toISOString()}`);
  const truth = twin.filter(({ time }) => time < until).length;
  expect(figure(edge.rows[0]!).low).toBeLessThanOrEqual(truth);
  expect(figure(edge.rows[0]!).high).toBeGreaterThanOrEqual(truth);
});

test('windows given out page by page hold every reading once, and go out as OTLP with the same counts', () => {
  const twin = fill(9, 90).filter(({ stream }) => stream === 'drained');
  settle();

  let after: WindowsJson['next'] = null;
  let readings = 0;
  let counted = 0;
  let points = 0;
  do {
    const page: WindowsJson = rig.store.windows({ stream: 'drained', every: 'minute', after });
    after = page.next;
    for (const window of page.windows) readings += window.readings;
    const line = JSON.parse(otlpLine(page, 'gw')) as OtlpRequest;
    for (const metric of line.resourceMetrics[0]!.scopeMetrics[0]!.metrics) {
      expect(metric.name).toBe('drained.v');
      for (const point of metric.exponentialHistogram.dataPoints) {
        points++;
        const inBuckets = [point.positive, point.negative].flatMap(({ bucketCounts }) =>
          bucketCounts.map(Number),
        );
        const total = inBuckets.reduce((sum, count) => sum + count, Number(point.zeroCount));
        expect(total).toBe(Number(point.count));
        counted += total;
      }
    }
  } while (after !== null);

  const waiting = rig.store.stats().streams.find(({ stream }) => stream === 'drained')!.journalReadings;
  expect(readings).toBe(twin.length - waiting);
  expect(points).toBeGreaterThan(50);
  if (waiting === 0) expect(counted).toBe(twin.filter(({ bad }) => !bad).length);
});

interface OtlpRequest {
  resourceMetrics: {
    scopeMetrics: {
      metrics: {
        name: string;
        exponentialHistogram: {
          dataPoints: {
            count: string;
            zeroCount: string;
            positive: { bucketCounts: string[] };
            negative: { bucketCounts: string[] };
          }[];
        };
      }[];
    }[];
  }[];
}

test('what is sealed, joined, drained and merged while a query runs is counted once', () => {
  const twin = fill(5, 120);
  let turns = 0;
  const answer = askStore(rig.store, `${figures} by stream, machine`, {
    now: rig.now,
    between: () => {
      rig.tick(500);
      rig.store.maintain(rig.now);
      if (++turns % 3 === 0) {
        store([{ stream: 'pumps', time: begin, machine: 'new', value: 1, bad: false }]);
        const head = rig.store.stats().streams.find(({ stream }) => stream === 'drained')!.head;
        const settlement = settlementOf('drained', head - 1 - (turns % 900), 1);
        rig.store.commit([{ kind: 'settle', settlement }], rig.now);
      }
    },
  });

  expect(turns).toBeGreaterThan(10);
  const rows = answer.rows.filter(({ key }) => key[1] !== 'new');
  expectLike(twin, '', () => true, { ...answer, rows });
});
