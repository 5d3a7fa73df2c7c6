import { assert } from '../../base/assert.ts';
import { seriesKey, type Batch, type Column, type Scalar, type Tags } from '../../reading/batch.ts';
import { atOnce, type Steps } from './steps.ts';

/**
 * One batch with the readings of all, in order. Equal tags become one series; a field whose kind differs from batch to batch becomes mixed,
 * each value keeping its own kind. The clock is `agent` when any batch's is: it is the weaker claim.
 */
export function concatBatches(batches: readonly Batch[]): Batch {
  return atOnce(concatenating(batches));
}

/** {@link concatBatches} in steps. */
export function* concatenating(batches: readonly Batch[]): Steps<Batch> {
  const first = batches[0];
  assert(first !== undefined, 'at least one batch');
  if (batches.length === 1 && first.series.length <= 1) return first;
  const length = batches.reduce((sum, batch) => sum + batch.length, 0);
  const timeMicros = new Float64Array(length);
  const timeNanos = batches.some((batch) => batch.timeNanos !== null) ? new Uint16Array(length) : null;
  const quality = new Uint8Array(length);
  const seriesIndex = new Uint32Array(length);
  const merge = seriesMerger();
  let at = 0;
  for (const batch of batches) {
    assert(batch.stream === first.stream, 'batches of one stream');
    timeMicros.set(batch.timeMicros, at);
    if (batch.timeNanos !== null) timeNanos?.set(batch.timeNanos, at);
    quality.set(batch.quality, at);
    merge.into(seriesIndex, at, batch);
    at += batch.length;
    yield batch.length;
  }
  const clock = batches.some((batch) => batch.clock === 'agent') ? 'agent' : 'device';
  const columns: Column[] = [];
  for (const [name, pieces] of piecesOf(batches)) {
    columns.push(joined(name, pieces, length));
    yield length;
  }
  return {
    stream: first.stream,
    length,
    timeMicros,
    timeNanos,
    clock,
    quality,
    series: merge.series,
    seriesIndex,
    columns,
  };
}

/** Gives series of several batches common numbers, and only those that occur. */
function seriesMerger(): { series: Tags[]; into(index: Uint32Array, at: number, batch: Batch): void } {
  const series: Tags[] = [];
  const byKey = new Map<string, number>();
  const numberOf = (tags: Tags): number => {
    const key = seriesKey(tags);
    let number = byKey.get(key);
    if (number === undefined) {
      number = series.push(tags) - 1;
      byKey.set(key, number);
    }
    return number;
  };
  return {
    series,
    into: (index, at, batch) => {
      const numbers = new Int32Array(batch.series.length).fill(-1);
      for (let i = 0; i < batch.length; i++) {
        const own = batch.seriesIndex[i]!;
        if (numbers[own] === -1) numbers[own] = numberOf(batch.series[own]!);
        index[at + i] = numbers[own]!;
      }
    },
  };
}

interface Piece {
  readonly at: number;
  readonly column: Column;
}

/** The parts of each column, in the order in which the columns appear. */
function piecesOf(batches: readonly Batch[]): Map<string, Piece[]> {
  const pieces = new Map<string, Piece[]>();
  let at = 0;
  for (const batch of batches) {
    for (const column of batch.columns) {
      const list = pieces.get(column.name);
      if (list === undefined) pieces.set(column.name, [{ at, column }]);
      else list.push({ at, column });
    }
    at += batch.length;
  }
  return pieces;
}

function joined(name: string, pieces: readonly Piece[], length: number): Column {
  if (pieces.length === 1 && pieces[0]!.column.values.length === length) return pieces[0]!.column;
  const present = presenceOf(pieces, length);
  const kind = pieces.every(({ column }) => column.kind === pieces[0]!.column.kind)
    ? pieces[0]!.column.kind
    : 'mixed';
  switch (kind) {
    case 'number':
      return { kind, name, present, values: copied(new Float64Array(length), pieces) };
    case 'bigint':
      return { kind, name, present, values: copied(new BigInt64Array(length), pieces) };
    case 'boolean':
      return { kind, name, present, values: copied(new Uint8Array(length), pieces) };
    case 'text':
    case 'bytes':
    case 'mixed':
      return { kind, name, present, values: listed(kind, pieces, length) } as Column;
  }
}

function presenceOf(pieces: readonly Piece[], length: number): Uint8Array | null {
  const covered = pieces.reduce((sum, { column }) => sum + column.values.length, 0);
  if (covered === length && pieces.every(({ column }) => column.present === null)) return null;
  const present = new Uint8Array(length);
  for (const { at, column } of pieces) {
    if (column.present === null) present.fill(1, at, at + column.values.length);
    else present.set(column.present, at);
  }
  return present;
}

function copied<T extends Float64Array | BigInt64Array | Uint8Array>(values: T, pieces: readonly Piece[]): T {
  for (const { at, column } of pieces) (values as Float64Array).set(column.values as Float64Array, at);
  return values;
}

function listed(kind: 'text' | 'bytes' | 'mixed', pieces: readonly Piece[], length: number): Scalar[] {
  const values: Scalar[] = [];
  while (values.length < length) values.push(blanks[kind]);
  for (const { at, column } of pieces) {
    for (let i = 0; i < column.values.length; i++) {
      if (column.present !== null && column.present[i] === 0) continue;
      values[at + i] = scalarAt(column, i);
    }
  }
  return values;
}

function scalarAt(column: Column, row: number): Scalar {
  return column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]!;
}

/** What stands in a slot whose value is absent. */
const blanks: Readonly<Record<'text' | 'bytes' | 'mixed', Scalar>> = {
  text: '',
  bytes: new Uint8Array(0),
  mixed: 0,
};
