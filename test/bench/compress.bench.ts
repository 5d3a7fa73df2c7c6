import { gzipSync } from 'node:zlib';
import { micros } from '#agent/base/units.ts';
import { encodeBlock } from '#agent/buffer/codec/block.ts';
import { compilePipeline } from '#agent/pipeline/plan.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { sliceBatch } from '#agent/reading/batch.ts';
import type { Bench, BenchResult, BenchSkip } from './bench.ts';
import { batchOf, hasRecording, recorded, type Point } from './recorded.ts';

/**
 * What swinging door makes of real recordings: bytes per raw reading as stored, against the error of a line through what is kept;
 * beside the raw block, gzip'd JSON as a cloud gets it, and every n-th reading for as many. Prints the table that stands in the
 * README of the pipeline.
 */

const sources = [
  { name: 'NAB machine temperature', file: 'nab/machine_temperature_system_failure.csv', field: 'value' },
  { name: 'ETTh1 oil temperature', file: 'ett/ETTh1.csv', field: 'OT' },
  { name: 'SKAB thermocouple', file: 'skab/anomaly-free.csv', field: 'Thermocouple' },
  { name: 'SKAB accelerometer', file: 'skab/anomaly-free.csv', field: 'Accelerometer1RMS' },
] as const;
/** Of the range of the recording. */
const deviations = [0.005, 0.02, 0.05] as const;
const blockReadings = 4096;
/** What an uplink sends in one request by default. */
const requestReadings = 500;

/** As the buffer seals them. */
function blockBytes(batch: Batch): number {
  let bytes = 0;
  for (let from = 0; from < batch.length; from += blockReadings) {
    const slice = sliceBatch(batch, from, Math.min(batch.length, from + blockReadings));
    bytes += encodeBlock([slice]).bytes.length;
  }
  return bytes;
}

/** As an uplink sends them. */
function gzippedJsonBytes(points: readonly Point[]): number {
  let bytes = 0;
  for (let from = 0; from < points.length; from += requestReadings) {
    const lines = points
      .slice(from, from + requestReadings)
      .map(({ time, value }) =>
        JSON.stringify({ time: new Date(time / 1000).toISOString(), values: { v: value } }),
      );
    bytes += gzipSync(lines.join('\n')).length;
  }
  return bytes;
}

/** What the stage keeps; the last reading is given out by the silence after it. */
function compressed(points: readonly Point[], deviation: number, summary: boolean): readonly Batch[] {
  const compiled = compilePipeline({
    stream: 's',
    stages: [{ compress: { field: 'v', deviation, summary, max_hold: 1000 } }],
  });
  if (!compiled.ok) throw new Error(compiled.problems[0]!.message);
  const { pipeline } = compiled;
  const outputs = [pipeline.process(batchOf(points), micros(0)), pipeline.tick(micros(2_000_000))];
  return outputs.flatMap((output) => output.outputs.map(({ batch }) => batch));
}

function pointsOf(batches: readonly Batch[]): Point[] {
  return batches.flatMap((batch) => {
    const { values } = batch.columns.find(({ name }) => name === 'v')!;
    return Array.from({ length: batch.length }, (_, row) => ({
      time: batch.timeMicros[row]!,
      value: values[row] as number,
    }));
  });
}

/** Of a line through `kept` at every raw point, in percent of the range. */
function errors(raw: readonly Point[], kept: readonly Point[], range: number): { max: number; rms: number } {
  let max = 0;
  let squares = 0;
  let at = 0;
  for (const { time, value } of raw) {
    while (at + 2 < kept.length && kept[at + 1]!.time < time) at++;
    const [left, right] = [kept[at]!, kept[at + 1]!];
    const share = Math.min(1, Math.max(0, (time - left.time) / (right.time - left.time)));
    const off = Math.abs(left.value * (1 - share) + right.value * share - value);
    max = Math.max(max, off);
    squares += off * off;
  }
  return { max: (100 * max) / range, rms: (100 * Math.sqrt(squares / raw.length)) / range };
}

/** Every n-th reading, as many as `count`, the first and the last among them. */
function everyNth(points: readonly Point[], count: number): Point[] {
  const step = (points.length - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => points[Math.round(i * step)]!);
}

function compare({ name, file, field }: (typeof sources)[number], table: string[]): BenchResult[] {
  const raw = recorded(file, field);
  const values = raw.map(({ value }) => value);
  const range = Math.max(...values) - Math.min(...values);
  const json = gzippedJsonBytes(raw) / raw.length;
  const block = blockBytes(batchOf(raw)) / raw.length;
  return deviations.map((share): BenchResult => {
    const bare = compressed(raw, share * range, false);
    const kept = pointsOf(bare);
    const bytes = (batches: readonly Batch[]): number =>
      batches.reduce((sum, batch) => sum + blockBytes(batch), 0) / raw.length;
    const summed = bytes(compressed(raw, share * range, true));
    const door = bytes(bare);
    const thinned = everyNth(raw, kept.length);
    const [of, ofThinned] = [errors(raw, kept, range), errors(raw, thinned, range)];
    const error = ({ max, rms }: typeof of): string => `${max.toFixed(2)} / ${rms.toFixed(2)}`;
    table.push(
      `| ${name} | ${(100 * share).toFixed(1)} % | ${(raw.length / kept.length).toFixed(1)} | ${[json, block, door, summed].map((one) => one.toFixed(2)).join(' | ')} | ${error(of)} | ${(blockBytes(batchOf(thinned)) / raw.length).toFixed(2)} | ${error(ofThinned)} |`,
    );
    return {
      name: `compress ${name}, deviation ${(100 * share).toFixed(1)} % of the range`,
      figure: door,
      unit: 'bytes/raw reading',
      reference: json,
      referenceName: "the raw readings as gzip'd JSON",
      lowerIsBetter: true,
      note: `with summary ${summed.toFixed(2)}; raw block ${block.toFixed(2)}`,
    };
  });
}

export const benches: readonly Bench[] = [
  {
    name: 'compress recordings',
    run: (): readonly (BenchResult | BenchSkip)[] => {
      if (!sources.every(({ file }) => hasRecording(file)))
        return [{ name: 'compress recordings', skipped: 'the recordings are not beside the project' }];
      const table = [
        "| recording | deviation, of range | readings for one | gzip'd JSON | raw block | door | with `summary` | error max / rms, % | as many, evenly | error max / rms, % |",
        '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ];
      const results = sources.flatMap((source) => compare(source, table));
      console.log(table.join('\n'));
      return results;
    },
  },
];
