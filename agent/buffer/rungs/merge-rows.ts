import { concatBatches } from '../codec/concat.ts';
import type { Batch, Column } from '../../reading/batch.ts';
import { groupByWindow, partsOf, type Grouping, type Parting } from './grouping.ts';
import { isSketchLevel, segmentLevel, windowMicros, type Level } from './levels.ts';
import { NumberSums } from './number-sums.ts';
import { joinSketches, sketchColumns } from './part-sketches.ts';
import { holed, numbersIn, RowColumns } from './row-columns.ts';
import { firstRows, frameColumns } from './summarise.ts';
import { TextCounts } from './text-counts.ts';

/** The rows of one coarse block. */
export interface CoarseRows {
  readonly batch: Batch;
  readonly level: Level;
}

/**
 * The rows of neighbouring coarse blocks of one stream, in order of their offsets, as coarser rows. Rows meet when they are of one series,
 * quality, side of every cut, and window. @throws {MalformedBytes} when a batch does not hold rows.
 */
export function mergeRows(blocks: readonly CoarseRows[], cuts: readonly number[], level: Level): Batch {
  const batch = concatBatches(blocks.map((block) => block.batch));
  const inputs = new RowColumns(batch);
  // Lines stay the lines they are.
  if (level === segmentLevel) return batch;
  const parting = partsOf(batch, (row) => inputs.offset[row]!, cuts);
  const window = windowMicros(level);
  const whole = isSketchLevel(level) ? groupWhole(blocks, { inputs, parting, window }) : null;
  const grouping = whole?.grouping ?? groupByWindow(parting, batch.timeMicros, window);
  const firstRow = firstRows(grouping);
  const keyOf =
    whole === null
      ? (input: number) => firstRow[parting.partOf[input]!]!
      : (input: number) => (whole.keeps[input] === 1 ? grouping.rowOf[input]! : -1);
  const spans = spansOf(inputs, grouping);
  const columns = frameColumns(spans.frame);
  const seed = inputs.offset[0] ?? 0;
  for (const field of inputs.fields) {
    columns.push(...fieldColumns(inputs, field, grouping));
    const countOf = whole === null ? null : (row: number) => spans.frame.count[row]!;
    const sketches = joinSketches(inputs, field, { keyOf, countOf, seed });
    columns.push(...sketchColumns(field, sketches, grouping.rows));
  }
  const { stream, clock, series } = batch;
  const { timeMicros, quality, seriesIndex } = spans;
  const length = grouping.rows;
  return { stream, length, timeMicros, timeNanos: null, clock, quality, series, seriesIndex, columns };
}

function fieldColumns(inputs: RowColumns, field: string, grouping: Grouping): Column[] {
  const { timeMicros } = inputs.batch;
  const columns: Column[] = [];
  const numbers = NumberSums.of(inputs, field);
  const texts = TextCounts.of(inputs, field);
  const sums = numbers === null ? null : new NumberSums(grouping.rows);
  const counts = texts === null ? null : new TextCounts(grouping.rows, texts.alone && numbers === null);
  for (let i = 0; i < inputs.rows; i++) {
    const at = { row: i, timeMicros: timeMicros[i]!, endMicros: inputs.end[i]! };
    if (numbers !== null) sums?.addRow(grouping.rowOf[i]!, numbers, at);
    if (texts !== null) counts?.addRow(grouping.rowOf[i]!, texts, at);
  }
  if (sums !== null) columns.push(...sums.columns(field));
  if (counts !== null) columns.push(...counts.columns(field));
  const blobs = numbersIn(inputs, field, 'blobs');
  if (blobs === null) return columns;
  const values = new Float64Array(grouping.rows);
  for (let i = 0; i < blobs.length; i++) values[grouping.rowOf[i]!]! += blobs[i]!;
  columns.push({ kind: 'number', name: `${field}_blobs`, values, present: holed(values) });
  return columns;
}

/** Times, offsets, series and quality of the coarser rows. */
function spansOf(inputs: RowColumns, { rows, rowOf }: Grouping) {
  const { batch } = inputs;
  const frame = {
    offset: new Float64Array(rows),
    until: new Float64Array(rows),
    count: new Float64Array(rows),
    end: new Float64Array(rows).fill(-Infinity),
  };
  const timeMicros = new Float64Array(rows).fill(Infinity);
  const quality = new Uint8Array(rows);
  const seriesIndex = new Uint32Array(rows);
  for (let i = 0; i < inputs.rows; i++) {
    const row = rowOf[i]!;
    if (frame.count[row] === 0) frame.offset[row] = inputs.offset[i]!;
    frame.count[row]! += inputs.count[i]!;
    frame.until[row] = Math.max(frame.until[row]!, inputs.until[i]!);
    frame.end[row] = Math.max(frame.end[row]!, inputs.end[i]!);
    timeMicros[row] = Math.min(timeMicros[row]!, batch.timeMicros[i]!);
    quality[row] = batch.quality[i]!;
    seriesIndex[row] = batch.seriesIndex[i]!;
  }
  return { frame, timeMicros, quality, seriesIndex };
}

/**
 * By part and window; but what one block has of a part stays together when a sketch describes it and it is no longer than two windows: then the
 * row's sketch is of the row alone. `keeps` says by input whether its sketch may stay.
 */
function groupWhole(
  blocks: readonly CoarseRows[],
  of: { inputs: RowColumns; parting: Parting; window: number },
): { grouping: Grouping; keeps: Uint8Array } {
  const { inputs, parting, window } = of;
  const times = inputs.batch.timeMicros.slice();
  const keeps = new Uint8Array(inputs.rows);
  const sketched = rowsWithSketch(inputs);
  let at = 0;
  for (const { batch, level } of blocks) {
    const until = at + batch.length;
    if (isSketchLevel(level)) keeps.fill(1, at, until);
    else keepWhole({ inputs, parting, window, sketched, times, keeps }, at, until);
    at = until;
  }
  return { grouping: groupByWindow(parting, times, window), keeps };
}

function keepWhole(
  of: {
    inputs: RowColumns;
    parting: Parting;
    window: number;
    sketched: Uint8Array;
    times: Float64Array;
    keeps: Uint8Array;
  },
  from: number,
  until: number,
): void {
  const { inputs, parting, window, sketched, times, keeps } = of;
  const parts = new Map<number, { time: number; end: number; isSketched: boolean }>();
  for (let i = from; i < until; i++) {
    const part = parting.partOf[i]!;
    const known = parts.get(part) ?? { time: Infinity, end: -Infinity, isSketched: false };
    known.time = Math.min(known.time, times[i]!);
    known.end = Math.max(known.end, inputs.end[i]!);
    known.isSketched ||= sketched[i] === 1;
    parts.set(part, known);
  }
  for (let i = from; i < until; i++) {
    const { time, end, isSketched } = parts.get(parting.partOf[i]!)!;
    if (!isSketched || end - time > 2 * window) continue;
    times[i] = time;
    keeps[i] = 1;
  }
}

function rowsWithSketch(inputs: RowColumns): Uint8Array {
  const sketched = new Uint8Array(inputs.rows);
  for (const field of inputs.fields) {
    for (const ending of ['quantiles', 'distinct']) {
      const column = inputs.column(field, ending);
      if (column === undefined) continue;
      for (let i = 0; i < inputs.rows; i++) {
        if (column.present === null || column.present[i] === 1) sketched[i] = 1;
      }
    }
  }
  return sketched;
}
