import { gzipSync } from 'node:zlib';
import { encodeBlock } from '#agent/buffer/codec/block.ts';
import { encodeRows } from '#agent/buffer/rungs/packed-rows.ts';
import { lineBytes, lineFieldBytes } from '#agent/buffer/rungs/limits.ts';
import { mergeRows, type CoarseRows } from '#agent/buffer/rungs/merge-rows.ts';
import { summarise } from '#agent/buffer/rungs/summarise.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { summaryFrame } from '#agent/reading/summary.ts';
import type { Bench, BenchResult, BenchSkip } from './bench.ts';
import { batchOf, hasRecording, recorded, type Point } from './recorded.ts';

/**
 * What each level of the ladder makes of real recordings: bytes a raw reading as stored, and the error (root of the mean square, in parts of the
 * recording's range) of the line of a segment, or of the mean of a window; beside them gzip'd JSON and every n-th reading alone.
 * Prints the table that stands in `agent/buffer/rungs/README.md` and the README of the project.
 */

const sources = [
  {
    name: 'NAB machine temperature, 5 min',
    file: 'nab/machine_temperature_system_failure.csv',
    field: 'value',
  },
  { name: 'ETTh1 oil temperature, 1 h', file: 'ett/ETTh1.csv', field: 'OT' },
  { name: 'SKAB thermocouple, 1 s', file: 'skab/anomaly-free.csv', field: 'Thermocouple' },
  { name: 'SKAB accelerometer, 1 s', file: 'skab/anomaly-free.csv', field: 'Accelerometer1RMS' },
] as const;
const levels = [1, 2, 3, 4, 5, 6] as const;
const blockReadings = 4_096;

export const benches: Bench[] = [{ name: 'ladder on recordings', run: table }];

function table(): (BenchResult | BenchSkip)[] {
  return sources.map((source) => {
    if (!hasRecording(source.file)) return { name: source.name, skipped: 'the recordings are not here' };
    const points = recorded(source.file, source.field);
    const raw = rawBytes(points) / points.length;
    const cells = [
      `${jsonBytes(points).toFixed(2)} B`,
      `${raw.toFixed(2)} B`,
      thinned(points, 2),
      thinned(points, 12),
    ];
    for (const level of levels) cells.push(cell(points, level));
    console.log(`| ${source.name} | ${cells.join(' | ')} |`);
    return { name: source.name, figure: rawBytes(points) / points.length, unit: 'bytes/reading raw' };
  });
}

function cell(points: readonly Point[], level: number): string {
  const blocks: CoarseRows[] = [];
  let covered = 0;
  for (let from = 0; from < points.length; from += blockReadings) {
    const batch = batchOf(points.slice(from, from + blockReadings));
    // As the store asks for it: lines only where they pay.
    const rowsMax =
      level === 1 ? (0.7 * encodeBlock([batch]).bytes.length) / (lineBytes + lineFieldBytes) : batch.length;
    const rows = summarise({ batch, first: from, cuts: [] }, { level, rowsMax });
    if (rows === null) continue;
    blocks.push({ batch: rows, level });
    covered += batch.length;
  }
  if (covered === 0) return 'passed over';
  const rows = mergeRows(blocks, [], level);
  const { bytes } = encodeRows(rows);
  const error = rootMeanSquare(points, rows, { level, covered });
  const part = covered === points.length ? '' : ` (${Math.round((100 * covered) / points.length)} % of it)`;
  return `${(bytes.length / covered).toFixed(2)} B, ${(100 * error).toFixed(2)} %${part}`;
}

/** A reading, gzip'd by 500 as an uplink sends it. */
function jsonBytes(points: readonly Point[]): number {
  let bytes = 0;
  for (let from = 0; from < points.length; from += 500) {
    const lines = points
      .slice(from, from + 500)
      .map(({ time, value }) => `{"time":"${new Date(time / 1_000).toISOString()}","v":${value}}\n`);
    bytes += gzipSync(lines.join('')).length;
  }
  return bytes / points.length;
}

/** Every n-th reading alone, and the error of lines between them. */
function thinned(points: readonly Point[], nth: number): string {
  const kept = points.filter((_, i) => i % nth === 0 || i === points.length - 1);
  const values = points.map(({ value }) => value);
  const range = values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));
  let [squares, at] = [0, 0];
  for (const { time, value } of points) {
    while (at + 2 < kept.length && kept[at + 1]!.time < time) at++;
    const [begin, end] = [kept[at]!, kept[at + 1]!];
    const told = begin.value + ((end.value - begin.value) * (time - begin.time)) / (end.time - begin.time);
    squares += (told - value) ** 2;
  }
  const error = Math.sqrt(squares / points.length) / range;
  return `${(rawBytes(kept) / points.length).toFixed(2)} B, ${(100 * error).toFixed(2)} %`;
}

function rootMeanSquare(
  points: readonly Point[],
  rows: Batch,
  { level, covered }: { level: number; covered: number },
): number {
  const { offset, count, end } = summaryFrame(rows);
  const of = (name: string): Float64Array =>
    rows.columns.find((one) => one.name === name)!.values as Float64Array;
  const range = Math.max(...of('v_max')) - Math.min(...of('v_min'));
  let squares = 0;
  for (let row = 0; row < rows.length; row++) {
    for (let i = offset[row]!; i < offset[row]! + count[row]!; i++) {
      const { time, value } = points[i]!;
      const part = (time - rows.timeMicros[row]!) / Math.max(1, end[row]! - rows.timeMicros[row]!);
      const line = of('v_first')[row]! * (1 - part) + of('v_last')[row]! * part;
      const told = level === 1 ? line : of('v_sum')[row]! / of('v_count')[row]!;
      squares += (told - value) ** 2;
    }
  }
  return Math.sqrt(squares / covered) / range;
}

function rawBytes(points: readonly Point[]): number {
  let bytes = 0;
  for (let from = 0; from < points.length; from += blockReadings) {
    bytes += encodeBlock([batchOf(points.slice(from, from + blockReadings))]).bytes.length;
  }
  return bytes;
}
