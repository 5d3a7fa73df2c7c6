import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ReadingJson } from '#agent/api/contract.ts';
import type { BufferAccess } from '#agent/cli/buffer/buffer-access.ts';
import { exportReadings } from '#agent/cli/buffer/export-readings.ts';
import { parseExact } from '#agent/reading/exact-json.ts';
import { fakeWorld } from '#test/support/fake-world.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-parquet-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function reading(
  offset: number,
  values: Record<string, unknown>,
  tags: Record<string, string> = {},
): ReadingJson {
  const time = `2026-11-21T08:00:${String(offset % 60).padStart(2, '0')}.123456Z`;
  return {
    agent: 'gw',
    epoch: '00',
    stream: 's',
    offset,
    time,
    quality: 'good',
    fidelity: 'raw',
    tags,
    values,
  };
}

/** A buffer that gives its readings a thousand at a time. */
function accessTo(readings: readonly ReadingJson[]): BufferAccess {
  const head = readings.length;
  return {
    where: 'here',
    streams: () =>
      Promise.resolve([{ name: 's', priority: 5, buffered: head, head, bytes: 1, oldest: null }] as never),
    page: (stream, from, walk) => {
      // Each pass is a walk of its own, and says so from its second page on.
      expect(walk).toBe(from === 0 ? undefined : 'w');
      const next = from + 1_000 < head ? from + 1_000 : null;
      return Promise.resolve({ stream, readings: readings.slice(from, from + 1_000), next, walk: 'w' });
    },
    windows: (stream) => Promise.resolve({ stream, windows: [], next: null }),
    close: () => Promise.resolve(),
  };
}

async function exported(readings: readonly ReadingJson[], name = 'out.parquet'): Promise<ArrayBuffer> {
  const output = join(folder, name);
  const world = fakeWorld();
  const options = { agent: 'gw', world, stream: 's', from: 0, until: Infinity, format: 'parquet', output };
  expect(await exportReadings(accessTo(readings), options)).toBe(0);
  const bytes = readFileSync(output);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

async function csvOf(readings: readonly ReadingJson[]): Promise<string[]> {
  const world = fakeWorld();
  const options = { agent: 'gw', world, stream: 's', from: 0, until: Infinity, format: 'csv', output: null };
  await exportReadings(accessTo(readings), options);
  return world.outText().split('\r\n');
}

test('the library reads back every value with its type; an absent one is null', async () => {
  const file = await exported([
    reading(0, { temp: 21.5, ok: true, state: 'on', odd: 1 }, { machine: 'm1' }),
    reading(1, { temp: { number: 'NaN' }, odd: 'one', blob: { base64: 'AAE=' } }),
    reading(2, { time: 7, machine: 8 }, { machine: 'm2' }),
  ]);

  const rows = await parquetReadObjects({ file, utf8: false });

  expect(rows).toEqual([
    expect.objectContaining({
      offset: 0n,
      time: new Date('2026-11-21T08:00:00.123Z'),
      temp: 21.5,
      ok: true,
      state: 'on',
      odd: 1,
      'tag.machine': 'm1',
    }),
    expect.objectContaining({
      offset: 1n,
      temp: NaN,
      ok: null,
      state: null,
      odd: 'one',
      blob: new Uint8Array([0, 1]),
      'tag.machine': null,
    }),
    expect.objectContaining({
      offset: 2n,
      'value.time': 7,
      'value.machine': 8,
      'tag.machine': 'm2',
      quality: 'good',
      fidelity: 'raw',
      epoch: '00',
    }),
  ]);
});

const exactValue = (text: string): unknown => (parseExact(`{"v":${text}}`) as { v: unknown }).v;

test.each([
  { what: 'integers beyond 2^53', texts: ['9007199254740993', '-5'], expected: [2n ** 53n + 1n, -5n] },
  { what: 'those beyond 2^63', texts: ['18446744073709551615', '5'], expected: [2n ** 64n - 1n, 5n] },
  {
    what: 'doubles alone',
    texts: ['12345678901234567000', '-0'],
    expected: [12_345_678_901_234_567_000, -0],
  },
])('a field of $what keeps every digit', async ({ texts, expected }) => {
  const file = await exported(texts.map((text, i) => reading(i, { v: exactValue(text) })));

  const rows = await parquetReadObjects({ file });

  expect(rows.map((row) => row['v'])).toEqual(expected);
});

test.each([['1.5'], ['-5', '18446744073709551615'], ['{"number":"NaN"}'], ['true']])(
  'a field of integers beyond 2^53 and %s is JSON, where none loses a digit',
  async (...others) => {
    const texts = ['9007199254740993', ...others];
    const file = await exported(texts.map((text, i) => reading(i, { v: exactValue(text) })));

    const column = parquetSchema(parquetMetadata(file)).children.find(({ element }) => element.name === 'v');
    expect(column?.element.converted_type).toBe('JSON');
    const text = new TextDecoder();
    const cells = await parquetReadObjects({
      file,
      parsers: { jsonFromBytes: (bytes: Uint8Array) => text.decode(bytes) },
    });
    expect(cells.map((row) => row['v'])).toEqual(texts);
  },
);

test('nanoseconds are kept: the times of such a table are in nanoseconds', async () => {
  const time = '2026-11-21T08:00:00.123456789Z';
  const file = await exported([reading(0, { v: 1 }), { ...reading(1, { v: 2 }), time }]);

  const column = parquetSchema(parquetMetadata(file)).children.find(({ element }) => element.name === 'time');

  expect(column?.element.logical_type).toEqual({ type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' });
  const raw = await parquetReadObjects({
    file,
    parsers: { timestampFromNanoseconds: (nanos: bigint) => nanos as never },
  });
  expect(raw[1]!['time']).toBe(BigInt(Date.parse('2026-11-21T08:00:00Z')) * 1_000_000n + 123_456_789n);
});

test('fields with the names of what every object has are absent where they are absent', async () => {
  const readings = [
    reading(0, { constructor: 1, toString: 2 }, { valueOf: 'x' }),
    reading(1, { v: 1 }, { constructor: 'y' }),
  ];

  const rows = await parquetReadObjects({ file: await exported(readings) });

  expect(rows[1]).toMatchObject({
    'value.constructor': null,
    toString: null,
    valueOf: null,
    'tag.constructor': 'y',
  });
  expect((await csvOf(readings))[2]?.endsWith(',y,,,,1')).toBe(true);
});

test('no column has the name of another, whatever tags and fields are called', async () => {
  const readings = [reading(0, { 'tag.time': 1, count: 2, 'value.count': 3, a: 4 }, { time: 'x', a: 'y' })];

  const [row] = await parquetReadObjects({ file: await exported(readings) });

  expect(row).toMatchObject({
    'tag.time': 'x',
    'tag.a': 'y',
    'value.a': 4,
    'value.count': 2,
    'value.tag.time': 1,
    'value.value.count': 3,
  });
});

test('csv: numbers as readers know them, and an empty text apart from nothing', async () => {
  const [, ...rows] = await csvOf([
    reading(0, { n: exactValue('9007199254740993'), s: '' }),
    reading(1, { n: exactValue('-0'), s: 'x' }),
    reading(2, { n: { number: '-Infinity' } }),
    reading(3, { n: { number: 'NaN' }, s: '"' }),
  ]);

  expect(rows.map((row) => row.split(',').slice(-2).join(','))).toEqual([
    '9007199254740993,""',
    '-0,x',
    '-Infinity,',
    'NaN,""""',
    '',
  ]);
});

/** One raw reading, and a summary of the three after it. */
const coarse = [
  { ...reading(0, { count: 5 }, { end: 'left' }), clock: 'unset' as const },
  {
    ...reading(1, { count_sum: 12.5 }, { end: 'left' }),
    fidelity: 'window',
    until: 4,
    count: 3,
    end: '2026-11-21T08:00:59.5Z',
  },
];

test('a summary says which offsets and times it reaches over and how many readings it stands for; a raw reading has nothing there', async () => {
  const file = await exported(coarse);

  const rows = await parquetReadObjects({ file });

  expect(rows).toEqual([
    expect.objectContaining({
      offset: 0n,
      until: null,
      count: null,
      end: null,
      clock: 'unset',
      'value.count': 5,
      'tag.end': 'left',
    }),
    expect.objectContaining({
      offset: 1n,
      until: 4n,
      count: 3n,
      end: new Date('2026-11-21T08:00:59.500Z'),
      clock: null,
      count_sum: 12.5,
      fidelity: 'window',
    }),
  ]);
});

test('the columns of every reading and every summary are there in any file, before tags and fields', async () => {
  const fixed = ['epoch', 'offset', 'time', 'quality', 'fidelity', 'until', 'count', 'end', 'clock'];
  const schema = parquetSchema(parquetMetadata(await exported([reading(0, { v: 1 }, { a: 'b' })])));

  expect(schema.children.map(({ element }) => element.name)).toEqual([...fixed, 'a', 'v']);
  expect((await csvOf([reading(0, { v: 1 }, { a: 'b' })]))[0]).toBe([...fixed, 'a', 'v'].join(','));
});

test('csv: as the table, and no name twice', async () => {
  expect(await csvOf(coarse)).toEqual([
    'epoch,offset,time,quality,fidelity,until,count,end,clock,tag.end,value.count,count_sum',
    '00,0,2026-11-21T08:00:00.123456Z,good,raw,,,,unset,left,5,',
    '00,1,2026-11-21T08:00:01.123456Z,good,window,4,3,2026-11-21T08:00:59.5Z,,left,,12.5',
    '',
  ]);
});

test('a long stream goes out in groups of 20,000 readings, in order', async () => {
  const file = await exported(Array.from({ length: 45_000 }, (_, i) => reading(i, { v: i / 4 })));

  expect(parquetMetadata(file).row_groups.map(({ num_rows: rows }) => Number(rows))).toEqual([
    20_000, 20_000, 5_000,
  ]);
  const rows = (await parquetReadObjects({ file, columns: ['offset', 'v'] })) as {
    offset: bigint;
    v: number;
  }[];
  expect(rows.length).toBe(45_000);
  expect(rows.every(({ offset, v }, i) => offset === BigInt(i) && v === i / 4)).toBe(true);
});

test('an empty stream becomes a file without rows', async () => {
  expect(await parquetReadObjects({ file: await exported([]) })).toEqual([]);
});

test('without --output nothing is written, and one line says why', async () => {
  const options = {
    agent: 'gw',
    world: fakeWorld(),
    stream: 's',
    from: 0,
    until: 9,
    format: 'parquet',
    output: null,
  };

  await expect(exportReadings(accessTo([]), options)).rejects.toThrow(
    'a Parquet file is not text: --output names the file',
  );
  expect(existsSync(join(folder, 'out.parquet'))).toBe(false);
});

test.each(['csv', 'parquet'])(
  '%s: a field that was not there in the first pass ends the export, nothing is left out of the table',
  async (format) => {
    const raw = [reading(0, { v: 1 }), reading(1, { v: 2 })];
    const coarser = [reading(0, { v_count: 2, v_sum: 3 })];
    let passes = 0;
    const access: BufferAccess = {
      ...accessTo(raw),
      page: (stream) =>
        Promise.resolve({ stream, readings: passes++ === 0 ? raw : coarser, next: null, walk: 'w' }),
    };
    const output = join(folder, `out.${format}`);
    const options = {
      agent: 'gw',
      world: fakeWorld(),
      stream: 's',
      from: 0,
      until: Infinity,
      format,
      output,
    };

    await expect(exportReadings(access, options)).rejects.toThrow(
      's has a field v_count that it did not have when the export began',
    );
  },
);

test('csv ends where the stream ended when the export began', async () => {
  const readings = [reading(0, { v: 1 }), reading(1, { v: 2 }), reading(2, { later: 3 })];
  const access: BufferAccess = {
    ...accessTo(readings),
    streams: () =>
      Promise.resolve([{ name: 's', priority: 5, buffered: 2, head: 2, bytes: 1, oldest: null }] as never),
  };
  const world = fakeWorld();
  const options = { agent: 'gw', world, stream: 's', from: 0, until: Infinity, format: 'csv', output: null };

  await exportReadings(access, options);

  expect(
    world
      .outText()
      .split('\r\n')
      .map((row) => row.split(',').at(-1)),
  ).toEqual(['v', '1', '2', '']);
});
