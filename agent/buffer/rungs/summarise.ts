import type { Batch, Column } from '../../reading/batch.ts';
import { fieldsOf, type Field } from './fields.ts';
import {
  groupBySegment,
  groupByWindow,
  partsOf,
  type Bounds,
  type Grouping,
  type Parting,
} from './grouping.ts';
import { isSketchLevel, segmentLevel, windowMicros, type Level } from './levels.ts';
import { NumberSums } from './number-sums.ts';
import { distinctOf, quantilesOf, sketchColumns } from './part-sketches.ts';
import { holed } from './row-columns.ts';
import { TextCounts } from './text-counts.ts';

/** Raw readings of one block. */
export interface RawReadings {
  readonly batch: Batch;
  /** Offset of its reading 0. */
  readonly first: number;
  /** Offsets no row may reach over, ascending. */
  readonly cuts: readonly number[];
}

export interface Summarising {
  readonly level: Level;
  readonly rowsMax: number;
  /** Where lines are too short: whose values ended most of them, null where it was time that did not go on. */
  readonly onShortLines?: (field: string | null) => void;
}

/** The rows that stand for raw readings at a level, as a batch (see README.md); null when there would be more than `rowsMax`. */
export function summarise({ batch, first, cuts }: RawReadings, by: Summarising): Batch | null {
  const { level, rowsMax } = by;
  const fields = fieldsOf(batch);
  const between = partsOf(batch, (row) => first + row, cuts);
  const found = grouped(batch, { parting: between, fields, by });
  if (found === null || found.grouping.rows > rowsMax) return null;
  const { grouping, bounds } = found;
  // A sketch describes a part; in rows that stand alone, each row.
  const parting = isSketchLevel(level) ? { parts: grouping.rows, partOf: grouping.rowOf } : between;
  const firstRow = isSketchLevel(level)
    ? Int32Array.from({ length: grouping.rows }, (_, row) => row)
    : firstRows(grouping);
  const columns = frame(grouping, batch, first);
  for (const field of fields) {
    columns.push(...fieldColumns(field, { batch, grouping, parting, bounds, firstRow, seed: first }));
  }
  return rowsBatch(batch, grouping, columns);
}

function grouped(
  { timeMicros }: Batch,
  { parting, fields, by }: { parting: Parting; fields: readonly Field[]; by: Summarising },
): { grouping: Grouping; bounds: Bounds } | null {
  const { level, rowsMax, onShortLines = () => {} } = by;
  if (level === segmentLevel) return groupBySegment(parting, { timeMicros, fields, rowsMax, onShortLines });
  return { grouping: groupByWindow(parting, timeMicros, windowMicros(level)), bounds: new Map() };
}

/** By part. Rows are numbered as they come, so the first one with a part is its first. */
export function firstRows({ rows, partOf, parts }: Grouping): Int32Array {
  const first = new Int32Array(parts).fill(-1);
  for (let row = rows - 1; row >= 0; row--) first[partOf[row]!] = row;
  return first;
}

function fieldColumns(
  field: Field,
  of: {
    batch: Batch;
    grouping: Grouping;
    parting: Parting;
    bounds: Bounds;
    firstRow: Int32Array;
    seed: number;
  },
): Column[] {
  const { name, numbers, texts, blobs } = field;
  const { batch, grouping, parting, bounds, firstRow, seed } = of;
  const columns: Column[] = [];
  const onFirst = <T>(byPart: ReadonlyMap<number, T>): Map<number, T> =>
    new Map(Array.from(byPart, ([part, sketch]) => [firstRow[part]!, sketch]));
  if (numbers !== null) {
    const sums = new NumberSums(grouping.rows);
    sums.addRaw(numbers, grouping, batch.timeMicros);
    columns.push(...sums.columns(name));
    const allowed = bounds.get(name);
    if (allowed !== undefined && !numbers.isBoolean) {
      const values = Float64Array.from(grouping.partOf, (part) => allowed[part]!);
      columns.push({ kind: 'number', name: `${name}_bound`, values, present: holed(sums.count) });
    }
    const quantiles = numbers.isBoolean ? new Map() : onFirst(quantilesOf(numbers, parting, seed));
    columns.push(...sketchColumns(name, { quantiles, distinct: new Map() }, grouping.rows));
  }
  if (texts !== null) {
    const counts = new TextCounts(grouping.rows, texts.alone);
    counts.addRaw(texts, grouping, batch.timeMicros);
    columns.push(...counts.columns(name));
    const isAlone = parting.partOf === grouping.rowOf;
    const uncounted = new Set<number>();
    for (let row = 0; row < grouping.rows; row++) {
      if (counts.other[row]! > 0) uncounted.add(isAlone ? row : grouping.partOf[row]!);
    }
    const distinct = onFirst(distinctOf(texts, parting, (part) => uncounted.has(part)));
    columns.push(...sketchColumns(name, { quantiles: new Map(), distinct }, grouping.rows));
  }
  if (blobs !== null) columns.push(blobColumn(name, blobs, grouping));
  return columns;
}

function blobColumn(field: string, blobs: Uint8Array, { rows, rowOf }: Grouping): Column {
  const values = new Float64Array(rows);
  for (let i = 0; i < blobs.length; i++) values[rowOf[i]!]! += blobs[i]!;
  return { kind: 'number', name: `${field}_blobs`, values, present: holed(values) };
}

/** Times and offsets of the rows. */
function frame({ rows, rowOf }: Grouping, { timeMicros }: Batch, first: number): Column[] {
  const offset = new Float64Array(rows).fill(Infinity);
  const until = new Float64Array(rows);
  const count = new Float64Array(rows);
  const end = new Float64Array(rows).fill(-Infinity);
  for (let i = 0; i < rowOf.length; i++) {
    const row = rowOf[i]!;
    if (count[row]!++ === 0) offset[row] = first + i;
    until[row] = first + i + 1;
    if (timeMicros[i]! > end[row]!) end[row] = timeMicros[i]!;
  }
  return frameColumns({ offset, until, count, end });
}

export function frameColumns(of: Record<'offset' | 'until' | 'count' | 'end', Float64Array>): Column[] {
  return Object.entries(of).map(([name, values]) => ({ kind: 'number', name, values, present: null }));
}

/** Series and quality of each row are those of its first input, since all its inputs share them. */
function rowsBatch(batch: Batch, { rows, rowOf }: Grouping, columns: readonly Column[]): Batch {
  const timeMicros = new Float64Array(rows).fill(Infinity);
  const quality = new Uint8Array(rows);
  const seriesIndex = new Uint32Array(rows);
  for (let i = 0; i < rowOf.length; i++) {
    const row = rowOf[i]!;
    if (batch.timeMicros[i]! < timeMicros[row]!) timeMicros[row] = batch.timeMicros[i]!;
    quality[row] = batch.quality[i]!;
    seriesIndex[row] = batch.seriesIndex[i]!;
  }
  const { stream, clock, series } = batch;
  return { stream, length: rows, timeMicros, timeNanos: null, clock, quality, series, seriesIndex, columns };
}
