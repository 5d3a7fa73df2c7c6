import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { Prng } from '#agent/base/prng.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { defaultSettings, type StoreSettings } from '#agent/buffer/settings.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { dispatch } from '#agent/cli/dispatch.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Scalar } from '#agent/reading/batch.ts';
import { verbs } from '#agent/verbs.ts';
import { StoreRig } from '#test/property/buffer/model/store-rig.ts';
import { fakeWorld } from '#test/support/fake-world.ts';
import { askPython, pythonLacks } from '#test/support/golden-python.ts';
import { seal as sealDue } from '#test/support/kept-and-asked.ts';
import { expectBuckets, type OtlpPoint } from '#test/support/otlp-point.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { until } from '#test/support/until.ts';

const lacking = pythonLacks(
  'pyarrow',
  'duckdb',
  'datasketches',
  'opentelemetry.proto.collector.metrics.v1.metrics_service_pb2',
);

/** What read_tables.py says; cells as it describes them. */
interface Table {
  readonly columns: Readonly<Record<string, string>>;
  readonly rows: readonly (readonly (string | null)[])[];
}
type Line = Readonly<Record<string, unknown>> & {
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
};
interface Said {
  readonly metadata: {
    readonly createdBy: string;
    readonly rows: number;
    readonly groups: readonly number[];
    readonly stream: string;
    readonly logical: Readonly<Record<string, string>>;
  };
  readonly arrow: Table;
  readonly duckdb: Table;
  readonly csvArrow: Table;
  readonly csvDuckdb: Table;
  readonly csvGuessed: Table;
  readonly ndjson: readonly Line[];
  readonly sums: Readonly<Record<'arrow' | 'parquet' | 'csv', readonly (string | null)[]>>;
}

const startMicros = Date.parse('2026-11-21T08:00:00Z') * 1000;

/** Values that readers and writers of tables are known to get wrong. */
const odd: readonly Readonly<Record<string, Scalar>>[] = [
  { temp: 21.5, ok: true, state: 'on', big: 2n ** 53n + 1n, blob: new Uint8Array([0, 1, 255]), any: 1 },
  { temp: NaN, ok: false, state: '', big: -(2n ** 63n), any: 'one' },
  { temp: Infinity, state: 'a,b "c"\r\nd\ne\rf', big: 2n ** 63n - 1n, any: true },
  { temp: -Infinity, state: 'örtlich \u{1f321} 温度', any: 2n ** 64n + 1n, u: 2n ** 64n - 1n },
  { temp: -0, state: 'NULL', any: -0, u: 0 },
  { temp: 5e-324, state: 'null', any: 0.1 },
  { temp: 1.7976931348623157e308, state: ' leading and trailing ' },
  { temp: 0.1, state: "it's; a\ttab\\n" },
  { temp: 1e21, state: 'NaN' },
  { temp: 12_345_678_901_234_567_000, state: '007' },
  { big: 5, constructor: 1, toString: 2, state: '"' },
  { 'a.b': 1, 'a "quote"': 2, 'back\\slash': 3, ünïcode: 4, 'tab\tend': 5 },
  { count: 7, 'tag.time': 8, 'value.count': 9 },
];
const oddTags: readonly Readonly<Record<string, string>>[] = [
  { machine: 'm,1', time: 'x' },
  { 'tag ü': 'a "b"', constructor: 'c' },
];

describe.skipIf(lacking !== null)(
  lacking === null ? 'foreign readers of exports' : `foreign readers of exports (${lacking})`,
  () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'sedge-tables-'));
    });
    const rigs: StoreRig[] = [];
    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
      for (const rig of rigs) rig.dispose();
    });

    /** A buffer of its own, filled and left; the configuration that names it. */
    async function stored(
      settings: Partial<StoreSettings>,
      fill: (store: StoreClient) => Promise<void>,
    ): Promise<string> {
      const data = mkdtempSync(join(folder, 'data-'));
      const store = new StoreClient({
        channel: startDiskThread({ folder: data, agent: 'gw-test' }),
        telemetry: new SilentTelemetry(),
      });
      await store.start({ ...common, ...settings });
      await fill(store);
      await store.stop();
      return configOf(data);
    }

    /** The file that `sedge buffer export` writes. */
    async function exportOf(config: string, stream: string, format: string): Promise<string> {
      const output = `${config}.${format}`;
      const world = fakeWorld();
      const words = ['buffer', 'export', stream, '--format', format, '--output', output, '--config', config];
      const code = await dispatch(words, { verbs, version: 'test', world });
      expect([code, world.errorText().replace(/^[\d,]+ readings of \w+ written to .*\n$/, '')]).toEqual([
        0,
        '',
      ]);
      return output;
    }

    /** Its export in three formats, as the readers see it. */
    async function exported(
      stream: string,
      settings: Partial<StoreSettings>,
      fill: (store: StoreClient) => Promise<void>,
    ): Promise<Said> {
      const config = await stored(settings, fill);
      const paths: Record<string, string> = {};
      for (const format of ['ndjson', 'csv', 'parquet'])
        paths[format] = await exportOf(config, stream, format);
      return askPython(
        'read_tables.py',
        stream === 'plain' ? { ...paths, sum: 'v', above: 10_300 } : paths,
      ) as Said;
    }

    it('read every value of a Parquet and a CSV export as it was stored, whatever it is', async () => {
      const said = await exported('odd', {}, async (store) => {
        const builder = new BatchBuilder({ stream: 'odd', clock: 'device', capacity: odd.length });
        for (const [i, values] of odd.entries()) {
          // Nanoseconds, and a time before 1970.
          const time =
            i === 4 ? { timeMicros: -1, timeNanos: 5 } : { timeMicros: startMicros + i, timeNanos: 980 + i };
          builder.begin({ tags: oddTags[i % 2]!, ...time });
          for (const [name, value] of Object.entries(values)) builder.set(name, value);
        }
        await append(store, builder);
      });

      expect(said.metadata).toMatchObject({ createdBy: 'sedge', rows: odd.length, stream: 'odd' });
      const utc = 'timestamp[us, tz=UTC]';
      const utcNanos = 'timestamp[ns, tz=UTC]';
      const double = 'double';
      expect(said.arrow.columns).toEqual({
        epoch: 'string',
        offset: 'int64',
        // Microseconds unless a reading has more.
        time: utcNanos,
        quality: 'string',
        fidelity: 'string',
        until: 'int64',
        count: 'int64',
        end: utc,
        clock: 'string',
        'tag.constructor': 'string',
        machine: 'string',
        'tag ü': 'string',
        // The tag `time`; the field of that very name gives way.
        'tag.time': 'string',
        'a "quote"': double,
        'a.b': double,
        any: 'extension<arrow.json>',
        'back\\slash': double,
        big: 'int64',
        blob: 'binary',
        'value.constructor': double,
        'value.count': double,
        'tab\tend': double,
        ok: 'bool',
        state: 'string',
        'value.tag.time': double,
        temp: double,
        toString: double,
        u: 'uint64',
        ünïcode: double,
        'value.value.count': double,
      });
      expect(Object.values(said.duckdb.columns)).toEqual(
        Object.values(said.arrow.columns).map((type) => duckdbTypes[type]),
      );
      const written = (name: string): unknown[] => odd.map((values) => own(values, name));
      expect(column(said.arrow, 'time').slice(3, 5)).toEqual([
        `t${BigInt(startMicros + 3) * 1000n + 983n}`,
        't-995',
      ]);
      expect(column(said.arrow, 'temp')).toEqual(written('temp').map((value) => bitsOf(value)));
      expect(column(said.arrow, 'state')).toEqual(written('state').map((value) => textOf(value)));
      expect(column(said.arrow, 'big')).toEqual(written('big').map((value) => integerOf(value)));
      expect(column(said.arrow, 'blob')[0]).toBe('x0001ff');
      expect(column(said.arrow, 'u').slice(3, 5)).toEqual(['i18446744073709551615', 'i0']);
      expect(column(said.arrow, 'any').slice(0, 6)).toEqual([
        's1',
        's"one"',
        'strue',
        's18446744073709551617',
        's-0',
        's0.1',
      ]);
      expectSame(said);
      expect(said.csvGuessed.rows.length).toBe(odd.length);
      expect(said.csvGuessed.columns).toMatchObject({
        offset: 'BIGINT',
        time: 'TIMESTAMP WITH TIME ZONE',
        temp: 'DOUBLE',
        ok: 'BOOLEAN',
        big: 'BIGINT',
      });
      expect(column(said.csvGuessed, 'temp')).toEqual(column(said.arrow, 'temp'));
    });

    it('read summaries with what they cover, and their figures add up to what was stored', async () => {
      const total = 12_000;
      const said = await exported(
        'press',
        {
          whenFull: 'coarsen',
          ladderShare: 1,
          seal: { readings: 4_000, bytes: 1024 * 1024, ageMillis: 3_600_000 },
        },
        async (store) => {
          const random = new Prng(1);
          for (let from = 0; from < total; from += 200) {
            const builder = new BatchBuilder({ stream: 'press', clock: 'device', capacity: 200 });
            for (let i = from; i < from + 200; i++) {
              builder.begin({ tags: { machine: `m${i % 2}` }, timeMicros: startMicros + i * 300_000 });
              builder.set('n', i);
              builder.set('noise', random.float());
              builder.set('state', i % 7 === 0 ? 'stop, "now"' : 'run');
            }
            await append(store, builder);
          }
          await until('some readings are coarse', async () => {
            const { streams } = await store.ledger();
            return (streams[0]?.coarsened ?? 0) > 5_000;
          });
          // From here on the ladder rests: what comes now stays raw.
          await store.configure(common);
          const builder = new BatchBuilder({ stream: 'press', clock: 'device', capacity: 1 });
          builder.begin({ tags: { machine: 'm0' }, timeMicros: startMicros + total * 300_000 });
          builder.set('n', total);
          await append(store, builder);
        },
      );

      expectSame(said);
      const counts = column(said.arrow, 'count').map((cell) => (cell === null ? 1 : Number(cell.slice(1))));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total + 1);
      expect(Math.max(...counts)).toBeGreaterThan(1);
      const sums = ['n', 'n_sum'].flatMap((name) => column(said.duckdb, name).map((cell) => numberIn(cell)));
      expect(sums.reduce((sum, value) => sum + value, 0)).toBe((total * (total + 1)) / 2);
      const sketches = column(said.arrow, 'n_quantiles').filter((cell) => cell !== null);
      expect(sketches.length).toBeGreaterThan(0);
      const [kll] = askPython('read_back.py', [
        {
          kind: 'kll',
          precision: 'float',
          k: 64,
          ranks: [0.5],
          values: [],
          parts: sketches.map((cell) => Buffer.from(cell.slice(1), 'hex').toString('base64')),
        },
      ]) as { parts: { n: number; k: number; min: number; max: number }[] }[];
      for (const { n, k, min, max } of kll!.parts) {
        expect([n, k]).toEqual([expect.toSatisfy((count: number) => count >= 1_024), 64]);
        // Every second number is of one machine, in order.
        expect((max - min) / 2 + 1).toBe(n);
      }
      const fidelities = new Set(column(said.duckdb, 'fidelity'));
      expect(fidelities.has('sraw') && fidelities.size > 1).toBe(true);
      expect(said.arrow.columns).toMatchObject({
        until: 'int64',
        end: 'timestamp[us, tz=UTC]',
        n_sum: 'double',
      });
    });

    it('read as OTLP what is summed up by the hour: one delta point a series', async () => {
      const machines = ['m 1', 'mü,"2"'];
      const values = Array.from({ length: 2_000 }, (_, i) => (i % 20 === 0 ? 0 : ((i * 37) % 600) / 8 - 20));
      // With a clock of its own: sums of what is kept are written half a minute later.
      const rig = new StoreRig();
      rigs.push(rig);
      const seal = { readings: 500, bytes: 65_536, ageMillis: 1_000 };
      rig.store.open({ ...common, sizeBytes: 64 * MiB, seal });
      const builder = new BatchBuilder({ stream: 'hours', clock: 'device', capacity: 4_000 });
      for (const [i, value] of values.entries()) {
        for (const machine of machines) {
          builder.begin({ tags: { machine }, timeMicros: startMicros + i * 1_000_000 });
          builder.set('v', value);
        }
      }
      const rows = [{ bytes: encodeJournalRow(builder.finish()), count: 2 * values.length }];
      const entry = { stream: 'hours', received: 2 * values.length, filtered: [], marks: [], rows };
      rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
      for (let i = 0; i < 4; i++) {
        rig.tick(31_000);
        sealDue(rig);
      }
      rig.raw!.close();
      rig.raw = null;
      const config = configOf(rig.folder);
      const otlp = readFileSync(await exportOf(config, 'hours', 'otlp'), 'utf8')
        .split('\n')
        .slice(0, -1);

      const said = askPython('read_envelopes.py', { envelopes: [], otlp }) as {
        otlp: Readonly<Record<string, readonly OtlpPoint[]>>;
      };

      const points = said.otlp['hours.v']!;
      expect(new Set(points.map(({ attributes }) => attributes['machine']))).toEqual(new Set(machines));
      expect(points.length).toBe(machines.length);
      for (const point of points) {
        expect(point).toMatchObject({
          isDelta: true,
          startNanos: String(BigInt(startMicros) * 1000n),
          timeNanos: String((BigInt(startMicros) + 3_600_000_000n) * 1000n),
          count: values.length,
          counted: values.length,
          min: Math.min(...values),
          max: Math.max(...values),
          zeros: values.filter((value) => value === 0).length,
        });
        expect(point.sum).toBeCloseTo(
          values.reduce((sum, value) => sum + value, 0),
          6,
        );
        expectBuckets(point, values);
      }
    });

    it('count and sum up a long stream as it was stored, over all groups of rows', async () => {
      const total = 45_000;
      const said = await exported('plain', {}, async (store) => {
        for (let from = 0; from < total; from += 5_000) {
          const builder = new BatchBuilder({ stream: 'plain', clock: 'device', capacity: 5_000 });
          for (let i = from; i < from + 5_000; i++) {
            builder.begin({ tags: {}, timeMicros: startMicros + i * 1000 });
            if (i % 3 !== 0) builder.set('v', i / 4);
          }
          await append(store, builder);
        }
      });

      expect(said.metadata.groups).toEqual([20_000, 20_000, 5_000]);
      let sum = 0;
      let above = 0;
      for (let i = 0; i < total; i++) {
        const value = i % 3 === 0 ? 0 : i / 4;
        sum += value;
        if (value > 10_300 && i % 2 === 0) above++;
      }
      const range = [startMicros, startMicros + (total - 1) * 1000].map(
        (micros) => `i${BigInt(micros) * 1000n}`,
      );
      const all = [`i${total}`, bitsOf(sum), `i${total}`, ...range, `i${above}`];
      expect(said.sums).toEqual({ arrow: all.slice(0, 2), parquet: all, csv: all });
    });
  },
);

/** Written into a data folder; nobody listens at port 1, so that the folder is read itself. */
function configOf(data: string): string {
  const config = join(data, 'sedge.yaml');
  writeFileSync(
    config,
    `agent: { id: gw-test, data: ${data} }
sources: { push: { type: http, listen: "127.0.0.1:0" } }
streams: { any: { from: [push], match: any, decode: { format: json } } }
uplinks: { cloud: { type: http, url: "http://127.0.0.1:1/" } }
api: { listen: "127.0.0.1:1" }
`,
  );
  return config;
}

const common: StoreSettings = {
  ...defaultSettings,
  keepFreeShare: 0,
  whenFull: 'block',
  uplinks: [{ name: 'cloud', streams: ['*'] }],
};

async function append(store: StoreClient, builder: BatchBuilder): Promise<void> {
  const batch = builder.finish();
  const entry = { stream: batch.stream, batch, received: batch.length, filtered: [], marks: [] };
  expect(await store.append([entry])).toEqual({ ok: true });
}

/** DuckDB's word for a type of Arrow. */
const duckdbTypes: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  int64: 'BIGINT',
  uint64: 'UBIGINT',
  double: 'DOUBLE',
  bool: 'BOOLEAN',
  binary: 'BLOB',
  'extension<arrow.json>': 'JSON',
  'timestamp[us, tz=UTC]': 'TIMESTAMP WITH TIME ZONE',
  'timestamp[ns, tz=UTC]': 'TIMESTAMPTZ_NS',
};

const own = (record: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

function column({ columns, rows }: Table, name: string): (string | null)[] {
  const at = Object.keys(columns).indexOf(name);
  return rows.map((row) => row[at]!);
}

/** All readers see the rows of the NDJSON export, in its order: Arrow and DuckDB as typed cells, CSV as texts. */
function expectSame(said: Said): void {
  const types = Object.entries(said.arrow.columns);
  const rows = said.ndjson.map((line) => flat(line, Object.keys(said.arrow.columns)));
  const typed = rows.map((row) => row.map((cell, i) => typedCell(cell, types[i]![1])));
  const texts = rows.map((row) => row.map((cell) => csvText(cell)));
  expect(said.arrow.rows).toEqual(typed);
  expect(said.duckdb.rows).toEqual(typed);
  expect(Object.keys(said.duckdb.columns)).toEqual(Object.keys(said.arrow.columns));
  for (const csv of [said.csvArrow, said.csvDuckdb]) {
    expect(Object.keys(csv.columns)).toEqual(Object.keys(said.arrow.columns));
    expect(csv.rows).toEqual(texts);
  }
}

/** Columns of the tags and fields of `odd` whose own name another column has. */
const marked: Readonly<Record<'tags' | 'values', ReadonlyMap<string, string>>> = {
  tags: new Map([
    ['constructor', 'tag.constructor'],
    ['time', 'tag.time'],
  ]),
  values: new Map([
    ['constructor', 'value.constructor'],
    ['tag.time', 'value.tag.time'],
    ['count', 'value.count'],
    ['value.count', 'value.value.count'],
  ]),
};

/** What a line has for each column. */
function flat(line: Line, names: readonly string[]): unknown[] {
  const cells = new Map<string, unknown>(Object.entries(line));
  for (const part of ['tags', 'values'] as const)
    for (const [name, value] of Object.entries(line[part])) cells.set(marked[part].get(name) ?? name, value);
  return names.map((name) => cells.get(name));
}

/** A cell of NDJSON (numbers as read_tables.py gives them) as a reader of this type should give it. */
function typedCell(cell: unknown, type: string): string | null {
  if (cell === undefined) return null;
  const special = (cell as { number?: string }).number;
  if (type === 'double') return bitsOf(special === undefined ? numberIn(cell as string) : Number(special));
  if (type.startsWith('timestamp')) return `t${nanosOf(cell as string)}`;
  if (type === 'bool') return `b${cell as boolean}`;
  if (type === 'binary')
    return `x${Buffer.from((cell as { base64: string }).base64, 'base64').toString('hex')}`;
  if (type.startsWith('int') || type === 'uint64') return cell as string;
  if (type === 'string') return `s${cell as string}`;
  return `s${jsonText(cell)}`;
}

/** Of a column of JSON: texts stand in quotes; numbers come marked with their kind. */
function jsonText(cell: unknown): string {
  if (typeof cell !== 'string') return JSON.stringify(cell);
  if (/^i-?\d+$/.test(cell)) return cell.slice(1);
  return /^f[0-9a-f]{16}$/.test(cell) ? numberText(numberIn(cell)) : JSON.stringify(cell);
}

function csvText(cell: unknown): string | null {
  if (cell === undefined) return null;
  if (typeof cell === 'boolean') return `s${cell}`;
  if (typeof cell !== 'string') return `s${(cell as { number?: string }).number ?? JSON.stringify(cell)}`;
  if (/^i-?\d+$/.test(cell)) return `s${cell.slice(1)}`;
  return `s${/^f[0-9a-f]{16}$/.test(cell) ? numberText(numberIn(cell)) : cell}`;
}

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

function bitsOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (Number.isNaN(value)) return 'fnan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value as number);
  return `f${bytes.toString('hex')}`;
}

const textOf = (value: unknown): string | null => (value === undefined ? null : `s${value as string}`);
const integerOf = (value: unknown): string | null => (value === undefined ? null : `i${value as bigint}`);

/** Of `i…` or `f…`; 0 of nothing. */
function numberIn(cell: string | null): number {
  if (cell === null) return 0;
  if (cell.startsWith('i')) return cell === 'i-0' ? -0 : Number(cell.slice(1));
  return Buffer.from(cell.slice(1), 'hex').readDoubleBE();
}

function nanosOf(text: string): bigint {
  const [seconds, fraction] = text.replace('Z', '').split('.') as [string, string];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
