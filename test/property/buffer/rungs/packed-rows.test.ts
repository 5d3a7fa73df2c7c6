import { expect, test } from 'vitest';
import { MalformedBytes } from '#agent/base/byte-reader.ts';
import { Prng } from '#agent/base/prng.ts';
import { decodeRows, encodeRows, packRows, unpackRows } from '#agent/buffer/rungs/packed-rows.ts';
import { segmentLevel } from '#agent/buffer/rungs/levels.ts';
import { mergeRows } from '#agent/buffer/rungs/merge-rows.ts';
import { RiceReader, RiceWriter } from '#agent/buffer/rungs/rice.ts';
import { roundSpread, roundSpreadUp, spreadCode, spreadOf } from '#agent/buffer/rungs/spread.ts';
import { summarise } from '#agent/buffer/rungs/summarise.ts';
import { valueAt, type Batch, type Column } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

/** Values of a kind that real devices have, and of kinds that none should. */
const sources: Readonly<Record<string, (random: Prng, at: number) => number>> = {
  decimals: (random, at) => Math.round(1_000 * (Math.sin(at / 9) + random.float())) / 100,
  'floats of a device': (random) => Math.fround(Math.round(1_000 * random.float()) / 10),
  'floats of all bits': (random) => Math.fround(100 * random.float()),
  'doubles of all bits': (random, at) => Math.sin(at) * random.float(),
  counter: (_, at) => 7 * at,
  'large and small': (random) => random.pick([1e300, -1e300, 5e-324, 2 ** 53, -0, 0, 0.1, 1 / 3]),
  constant: () => 21.5,
  'one of a thousand is odd': (random) => (random.chance(0.001) ? 1e200 : 0.5),
};

function readings(random: Prng, source: (random: Prng, at: number) => number, length: number): Batch {
  const builder = new BatchBuilder({ stream: 's', clock: 'device', capacity: length });
  const machines = Array.from({ length: 1 + random.below(3) }, (_, i) => ({ machine: `m${i}` }));
  let time = random.pick([0, -5e15, 1_700_000_000_000_000, 8e15]);
  const isEven = random.chance(0.5);
  for (let i = 0; i < length; i++) {
    time += isEven ? 1_000_000 : random.below(3_000_000);
    builder.begin({
      tags: isEven ? machines[i % machines.length]! : random.pick(machines),
      timeMicros: time,
    });
    if (random.chance(0.97)) builder.set('v', source(random, i));
    if (random.chance(0.5)) builder.set('on', random.chance(0.9));
    if (random.chance(0.1)) builder.set('state', random.pick(['idle', 'run']));
  }
  return builder.finish();
}

function stored(batch: Batch): Batch {
  const rows = decodeRows(encodeRows(batch).bytes);
  if (!rows.ok) throw new Error(rows.error.detail);
  return rows.value.batch;
}

function tagsOf({ series, seriesIndex }: Batch): unknown[] {
  return Array.from(seriesIndex, (index) => series[index]);
}

function scalars(column: Column): unknown[] {
  return Array.from({ length: column.values.length }, (_, row) => valueAt(column, row));
}

function expectSame(found: Batch, wanted: Batch): void {
  expect(found.timeMicros).toEqual(wanted.timeMicros);
  expect(tagsOf(found)).toEqual(tagsOf(wanted));
  expect(found.columns.map(({ name }) => name).sort()).toEqual(wanted.columns.map(({ name }) => name).sort());
  for (const column of wanted.columns) {
    const other = found.columns.find(({ name }) => name === column.name)!;
    expect(other.kind, column.name).toBe(column.kind);
    expect(scalars(other), column.name).toEqual(scalars(column));
  }
}

test.each(Object.entries(sources))('rows come out of a block as they went in: %s', (_, source) => {
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Prng(seed);
    const batch = readings(random, source, 1 + random.below(400));
    for (const level of [segmentLevel, 2, 4]) {
      const rows = summarise({ batch, first: seed, cuts: [] }, { level, rowsMax: batch.length })!;
      expect(packRows(rows).columns.some(({ name }) => name === 'figures')).toBe(true);
      expectSame(stored(rows), rows);
      const merged = mergeRows([{ batch: rows, level }], [], level + 1);
      expectSame(stored(merged), merged);
    }
  }
});

test('figures whose bytes were made up give an error or rows, and nothing else', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = new Prng(seed);
    const source = random.pick(Object.values(sources));
    const rows = summarise(
      { batch: readings(random, source, 1 + random.below(60)), first: 0, cuts: [] },
      { level: 2, rowsMax: 60 },
    )!;
    const packed = packRows(rows);
    const [figures] = packed.columns.find(({ name }) => name === 'figures')!.values as Uint8Array[];
    for (let turn = 0; turn < 20; turn++) {
      const bytes = figures!.slice(
        0,
        random.chance(0.3) ? random.below(figures!.length + 1) : figures!.length,
      );
      for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.below(bytes.length)] = random.below(256);
      }
      const columns = packed.columns.map((column) =>
        column.name === 'figures' && column.kind === 'bytes'
          ? { ...column, values: column.values.map((one, row) => (row === 0 ? bytes : one)) }
          : column,
      );
      try {
        expect(unpackRows({ ...packed, columns }).length).toBe(rows.length);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedBytes);
      }
    }
  }
});

test('whole numbers of any size come out of Rice codes as they went in', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Prng(seed);
    const columns = Array.from({ length: 3 }, () =>
      Float64Array.from({ length: random.below(200) }, () =>
        Math.floor(random.float() * 2 ** random.below(random.chance(0.1) ? 54 : 12)),
      ),
    );
    const writer = new RiceWriter();
    for (const column of columns) writer.column(column);
    const reader = new RiceReader(writer.finish());
    for (const column of columns) expect(reader.column(column.length)).toEqual(column);
    reader.end();
  }
});

test('squares and bounds of sixteen bits are near what they stand for, and a bound never below it', () => {
  const random = new Prng(1);
  for (let i = 0; i < 2_000; i++) {
    const value = random.chance(0.05) ? 0 : random.float() * 10 ** (random.below(600) - 320);
    const near = roundSpread(value);
    const above = roundSpreadUp(value);
    expect(spreadOf(spreadCode(near))).toBe(near);
    expect(spreadOf(spreadCode(above))).toBe(above);
    expect(above).toBeGreaterThanOrEqual(value);
    if (value < 2 ** -1022 || near === Infinity) continue;
    expect(Math.abs(near - value)).toBeLessThanOrEqual(value / 65_536);
    expect(above - value).toBeLessThanOrEqual(value / 32_768);
  }
});
