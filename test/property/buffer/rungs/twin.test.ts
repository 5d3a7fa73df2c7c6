import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { sliceBatch, valueAt, type Batch, type Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { lastLevel, segmentLevel, windowMicros } from '#agent/buffer/rungs/levels.ts';
import { mergeRows } from '#agent/buffer/rungs/merge-rows.ts';
import { decodeRows, encodeRows } from '#agent/buffer/rungs/packed-rows.ts';
import { RowColumns, rowsProblem } from '#agent/buffer/rungs/row-columns.ts';
import { summarise } from '#agent/buffer/rungs/summarise.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';

/** A reading as the dumb twin has it. */
interface Reading {
  readonly offset: number;
  readonly time: number;
  readonly key: string;
  readonly values: ReadonlyMap<string, Scalar>;
}

/** A random stream: series, qualities, holes, kinds that change, times that step back, values that are not finite. */
function randomReadings(random: Prng, length: number): { batch: Batch; readings: Reading[] } {
  const builder = new BatchBuilder({ stream: 's', clock: 'device', capacity: length });
  const tags = Array.from({ length: 1 + random.below(4) }, (_, i) => ({ machine: `m${i}` }));
  const step = random.pick([1_000, 1_000_000, 60_000_000, 3_600_000_000]);
  const calm = random.chance(0.5);
  const readings: Reading[] = [];
  let time = 1_700_000_000_000_000 + random.below(1_000_000_000);
  let level = 10;
  for (let offset = 0; offset < length; offset++) {
    time += random.chance(0.02) ? -random.below(5 * step) : Math.round(step * random.float());
    const series = random.below(tags.length);
    const quality = random.chance(0.03) ? 2 : random.chance(0.03) ? 1 : 0;
    builder.begin({ tags: tags[series]!, timeMicros: time, quality });
    const values = new Map<string, Scalar>();
    level += calm ? 0.01 : random.float() - 0.5;
    if (!random.chance(0.05)) values.set('a_b', Math.round(level * 100) / 100);
    if (random.chance(0.9)) values.set('on', random.chance(0.9));
    if (random.chance(0.9)) values.set('state', random.pick(['idle', 'run', 'run', `rare ${offset}`]));
    if (random.chance(0.01)) values.set('a_b', random.pick([NaN, Infinity, 'off', 7n, new Uint8Array(3)]));
    if (random.chance(0.2)) values.set('raw', new Uint8Array([1, 2]));
    if (random.chance(0.2)) values.set('total', BigInt(offset));
    for (const [name, value] of values) builder.set(name, value);
    readings.push({ offset, time, key: `${series} ${quality}`, values });
  }
  return { batch: builder.finish(), readings };
}

/** As the store does: encoded and decoded between two steps. */
function stored(batch: Batch): Batch {
  const block = decodeRows(encodeRows(batch).bytes);
  if (!block.ok) throw new Error(block.error.detail);
  return block.value.batch;
}

/** Readings of each row, found by series, quality, offsets, and how many there are: told apart only by what a reader has. */
function readingsOfPart(batch: Batch, readings: readonly Reading[]): Map<string, Reading[]> {
  const parts = new Map<string, Reading[]>();
  for (const reading of readings) {
    const list = parts.get(reading.key);
    if (list === undefined) parts.set(reading.key, [reading]);
    else list.push(reading);
  }
  expect(batch.stream).toBe('s');
  return parts;
}

const numbersOf = (readings: readonly Reading[], field: string): number[] =>
  readings
    .map(({ values }) => values.get(field))
    .filter((value) => ['number', 'bigint', 'boolean'].includes(typeof value))
    .map(Number)
    .filter((value) => Number.isFinite(value));
const textsOf = (readings: readonly Reading[], field: string): string[] =>
  readings.map(({ values }) => values.get(field)).filter((value) => typeof value === 'string');

/** Everything the rows of one part say, summed up, against its readings. */
function checkPart(batch: Batch, rows: readonly number[], readings: readonly Reading[]): void {
  const of = (name: string): number[] => {
    const column = batch.columns.find((one) => one.name === name);
    return column === undefined
      ? []
      : rows.map((row) => valueAt(column, row)).filter((value) => typeof value === 'number');
  };
  const total = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0);
  expect(total(of('count'))).toBe(readings.length);
  for (const field of ['a_b', 'on', 'total']) {
    const values = numbersOf(readings, field);
    expect(total(of(`${field}_count`)), field).toBe(values.length);
    if (values.length === 0) continue;
    const magnitude = values.reduce((sum, one) => sum + Math.abs(one), 0);
    expect(Math.abs(total(of(`${field}_sum`)) - total(values))).toBeLessThanOrEqual(magnitude * 1e-14);
    expect(Math.min(...of(`${field}_min`))).toBe(Math.min(...values));
    expect(Math.max(...of(`${field}_max`))).toBe(Math.max(...values));
  }
  expect(total(of('raw_blobs'))).toBe(readings.filter(({ values }) => values.has('raw')).length);
  expect(total(of('state_texts'))).toBe(textsOf(readings, 'state').length);
}

/** m2, first, last, counts of each row against its own readings, where the row is one of a single window. */
function checkRow(batch: Batch, row: number, readings: readonly Reading[]): void {
  const of = (name: string): Scalar | undefined => {
    const column = batch.columns.find((one) => one.name === name);
    return column === undefined ? undefined : valueAt(column, row);
  };
  expect(of('count')).toBe(readings.length);
  expect(of('offset')).toBe(readings[0]!.offset);
  expect(of('until')).toBe(readings.at(-1)!.offset + 1);
  expect(batch.timeMicros[row]).toBe(Math.min(...readings.map(({ time }) => time)));
  expect(of('end')).toBe(Math.max(...readings.map(({ time }) => time)));
  const values = numbersOf(readings, 'a_b');
  if (values.length > 0) {
    const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
    const m2 = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
    // Sixteen bits, rounded at most twice.
    expect(Math.abs(Number(of('a_b_m2')) - m2)).toBeLessThanOrEqual(m2 / 32_768 + 1e-9);
    expect(of('a_b_min')).toBe(Math.min(...values));
    expect(of('a_b_max')).toBe(Math.max(...values));
  }
  const states = textsOf(readings, 'state');
  if (states.length === 0) return;
  const counts = JSON.parse(String(of('state_counts'))) as Record<string, number>;
  const counted = Object.values(counts).reduce((sum, one) => sum + one, 0);
  expect(counted + Number(of('state_other') ?? 0)).toBe(states.length);
  for (const [state, count] of Object.entries(counts)) {
    expect(count).toBeLessThanOrEqual(states.filter((one) => one === state).length);
  }
}

/** The readings of each row, by the rule the level has; null where the rule alone does not say it. */
function readingsByWindow(batch: Batch, parts: Map<string, Reading[]>, level: number): Reading[][] {
  const window = windowMicros(level);
  return Array.from({ length: batch.length }, (_, row) => {
    const key = `${(batch.series[batch.seriesIndex[row]!]!['machine'] ?? '').slice(1)} ${batch.quality[row]!}`;
    const index = Math.floor(batch.timeMicros[row]! / window);
    return parts.get(key)!.filter(({ time }) => Math.floor(time / window) === index);
  });
}

function rowsByPart(batch: Batch): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (let row = 0; row < batch.length; row++) {
    const key = `${(batch.series[batch.seriesIndex[row]!]!['machine'] ?? '').slice(1)} ${batch.quality[row]!}`;
    rows.set(key, [...(rows.get(key) ?? []), row]);
  }
  return rows;
}

test('count, sum, min and max of every series and quality stay exact down the whole ladder', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Prng(seed);
    const length = 1 + random.below(600);
    const { batch, readings } = randomReadings(random, length);
    const parts = readingsOfPart(batch, readings);
    const middle = random.below(length + 1);
    const halves: Batch[] = [];
    for (const [from, to] of [
      [0, middle],
      [middle, length],
    ] as const) {
      if (from === to) continue;
      const level = 1 + random.below(4);
      const rows = summarise(
        { batch: sliceBatch(batch, from, to), first: from, cuts: [] },
        { level, rowsMax: length },
      )!;
      expect(
        rowsProblem(new RowColumns(rows), { first: from, count: to - from, summaries: rows.length }),
      ).toBeNull();
      halves.push(stored(rows));
    }
    let rows = mergeRows(
      halves.map((half) => ({ batch: half, level: 4 })),
      [],
      4,
    );
    for (let level = 4; level <= lastLevel; level++) {
      rows = mergeRows([{ batch: stored(rows), level: Math.max(4, level - 1) }], [], level);
      expect(
        rowsProblem(new RowColumns(rows), { first: 0, count: length, summaries: rows.length }),
      ).toBeNull();
      for (const [key, list] of rowsByPart(rows)) checkPart(rows, list, parts.get(key)!);
    }
  }
});

test('a row of a window has exactly the readings of its series, quality and window', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Prng(seed);
    const { batch, readings } = randomReadings(random, 1 + random.below(300));
    const parts = readingsOfPart(batch, readings);
    for (const level of [2, 3, 4]) {
      const rows = summarise({ batch, first: 0, cuts: [] }, { level, rowsMax: batch.length })!;
      const own = readingsByWindow(rows, parts, level);
      for (let row = 0; row < rows.length; row++) checkRow(rows, row, own[row]!);
      const merged = mergeRows([{ batch: stored(rows), level }], [], level + 1);
      if (level === 4) continue;
      const wider = readingsByWindow(merged, parts, level + 1);
      for (let row = 0; row < merged.length; row++) checkRow(merged, row, wider[row]!);
    }
  }
});

test('no value is farther from the line of its segment than the row says', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { batch, readings } = randomReadings(new Prng(seed), 400);
    const rows = summarise({ batch, first: 0, cuts: [] }, { level: segmentLevel, rowsMax: 400 })!;
    const of = (row: number, name: string): number =>
      Number(
        valueAt(
          rows.columns.find((one) => one.name === name)!,
          row,
        ),
      );
    const taken = new Set<number>();
    for (let row = 0; row < rows.length; row++) {
      const key = `${(rows.series[rows.seriesIndex[row]!]!['machine'] ?? '').slice(1)} ${rows.quality[row]!}`;
      const [first, until, count] = [of(row, 'offset'), of(row, 'until'), of(row, 'count')];
      const own = readings.filter((one) => one.key === key && one.offset >= first && one.offset < until);
      expect(own.length).toBe(count);
      const [begin, end] = [rows.timeMicros[row]!, of(row, 'end')];
      for (const { offset, time, values } of own) {
        expect(taken.has(offset)).toBe(false);
        taken.add(offset);
        const value = values.get('a_b');
        if (typeof value !== 'number' || !Number.isFinite(value)) continue;
        const part = end === begin ? 0 : (time - begin) / (end - begin);
        const line = of(row, 'a_b_first') * (1 - part) + of(row, 'a_b_last') * part;
        expect(Math.abs(line - value)).toBeLessThanOrEqual(of(row, 'a_b_bound') + 1e-9);
      }
    }
    expect(taken.size).toBe(400);
  }
});

test('no row reaches over a cut, whatever is joined', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Prng(seed);
    const { batch } = randomReadings(random, 200);
    const cuts = [random.below(200), random.below(200)].sort((a, b) => a - b);
    const level = 1 + random.below(4);
    const fine = summarise({ batch, first: 0, cuts: [] }, { level, rowsMax: 200 })!;
    const rows = mergeRows([{ batch: fine, level }], cuts, 9);
    const offsets = new RowColumns(rows).offset;
    const finer = new RowColumns(fine);
    const side = (offset: number): number => cuts.filter((cut) => cut <= offset).length;
    // What lies on a side before is on that side after: the counts of rows that begin there.
    for (const which of [0, 1, 2]) {
      const sum = (of: RowColumns): number =>
        of.count.reduce((all, count, row) => (side(of.offset[row]!) === which ? all + count : all), 0);
      expect(sum(new RowColumns(rows))).toBe(sum(finer));
    }
    const cut = summarise({ batch, first: 0, cuts }, { level, rowsMax: 200 })!;
    const { offset, until } = new RowColumns(cut);
    for (let row = 0; row < cut.length; row++) expect(side(offset[row]!)).toBe(side(until[row]! - 1));
    expect(offsets.length).toBeGreaterThan(0);
  }
});

test('quantiles and distinct texts go down the ladder within their bounds', () => {
  const random = new Prng(7);
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  const values: number[] = [];
  for (let i = 0; i < 8_000; i++) {
    builder.begin({ tags, timeMicros: 1_700_000_000_000_000 + i * 1_000_000 });
    values.push(random.float() ** 3);
    builder.set('v', values[i]!);
    builder.set('who', `part ${random.below(700)}`);
  }
  const batch = builder.finish();
  const halves = [0, 4_000].map((from) => ({
    level: 3,
    batch: stored(
      summarise(
        { batch: sliceBatch(batch, from, from + 4_000), first: from, cuts: [] },
        { level: 3, rowsMax: 8_000 },
      )!,
    ),
  }));
  const rows = mergeRows([{ batch: stored(mergeRows(halves, [], 4)), level: 4 }], [], 6);

  expect(rows.length).toBe(1);
  const bytes = (name: string): Uint8Array =>
    rows.columns.find((one) => one.name === name)!.values[0] as Uint8Array;
  const kll = Kll.parse(bytes('v_quantiles'), { chance: random, precision: 'float' });
  const hll = HyperLogLog.parse(bytes('who_distinct'));
  if (!kll.ok || !hll.ok) throw new Error('a sketch does not parse');
  expect(kll.value.n).toBe(8_000);
  const sorted = values.toSorted((a, b) => a - b);
  for (const rank of [0.05, 0.5, 0.9, 0.99]) {
    const below = sorted.findIndex((one) => one >= kll.value.quantile(rank)) / 8_000;
    expect(Math.abs(below - rank)).toBeLessThan(2 * 0.04);
  }
  expect(Math.abs(hll.value.estimate() - 700)).toBeLessThan(3 * 0.05 * 700);
});

const tags = { machine: 'a' };
