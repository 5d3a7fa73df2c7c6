import { MalformedBytes } from '../../base/byte-reader.ts';
import type { Batch, Column } from '../../reading/batch.ts';
import { gathered, scattered } from '../codec/columns.ts';
import { putWhole, takeWhole, type Source, type Target } from './figure-codes.ts';

/**
 * Where rows begin and end. A series that is sampled evenly has rows that follow on each other in offsets and, a period apart, in time: then nothing
 * is kept but the counts.
 */

/** The counts, in order; null when the batch has no frame, or one that is not kept in this way. */
export function putFrame(out: Target, batch: Batch, order: Uint32Array): Float64Array | null {
  const frame = ['offset', 'until', 'count', 'end'].map((name) => wholesIn(batch, name));
  const [offset, until, count, end] = frame.map((values) => values && gathered(values, order));
  if (!offset || !until || !count || !end || batch.length === 0) return null;
  const time = gathered(batch.timeMicros, order);
  const follows = followsOn(batch, order);
  const period = periodOf({ time, end }, follows);
  const origin = { offset: offset[0]!, time: time[0]! };
  const [offsets, excess, times, ends] = [0, 1, 2, 3].map(() => new Float64Array(batch.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < batch.length; i++) {
    const isNext = follows[i] === 1;
    offsets[i] = offset[i]! - (isNext ? until[i - 1]! : origin.offset);
    excess[i] = until[i]! - offset[i]! - count[i]!;
    times[i] = time[i]! - (isNext ? end[i - 1]! + period : origin.time);
    ends[i] = end[i]! - time[i]! - (count[i]! - 1) * period;
  }
  const unit = commonUnit(times, ends);
  for (const values of [times, ends]) for (let i = 0; i < values.length; i++) values[i]! /= unit;
  if (![origin.offset, Math.abs(origin.time), period].every(Number.isSafeInteger)) return null;
  out.head.varint(origin.offset);
  out.head.uint8(origin.time < 0 ? 1 : 0);
  out.head.varint(Math.abs(origin.time));
  out.head.varint(period);
  out.head.varint(unit);
  const before = [null];
  const zero = [new Float64Array(batch.length)];
  const written =
    putWhole(out, count, [...zero, null]) &&
    putWhole(out, offsets, [...zero, null]) &&
    putWhole(out, excess, [...zero, null]) &&
    putWhole(out, times, zero) &&
    putWhole(out, ends, [...zero, ...before]);
  return written ? count : null;
}

/** @throws {MalformedBytes} */
export function takeFrame(
  from: Source,
  batch: Batch,
  order: Uint32Array,
): { timeMicros: Float64Array; columns: Column[]; count: Float64Array } {
  const { length } = batch;
  const offsetOrigin = from.head.varint();
  const sign = from.head.count(1, 'sign') === 1 ? -1 : 1;
  const timeOrigin = sign * from.head.varint();
  const period = from.head.varint();
  const unit = from.head.varint();
  const zero = new Float64Array(length);
  const count = required(takeWhole(from, length, [zero, null]));
  const offset = required(takeWhole(from, length, [zero, null]));
  const until = required(takeWhole(from, length, [zero, null]));
  const time = required(takeWhole(from, length, [zero]));
  const end = required(takeWhole(from, length, [zero, null]));
  const follows = followsOn(batch, order);
  for (let i = 0; i < length; i++) {
    const isNext = follows[i] === 1;
    offset[i]! += isNext ? until[i - 1]! : offsetOrigin;
    until[i]! += offset[i]! + count[i]!;
    time[i] = time[i]! * unit + (isNext ? end[i - 1]! + period : timeOrigin);
    end[i] = end[i]! * unit + time[i]! + (count[i]! - 1) * period;
    const fine = [offset[i]!, until[i]!, time[i]!, end[i]!].every(Number.isSafeInteger);
    if (!fine) throw new MalformedBytes('a row beyond 2^53 - 1');
  }
  const columns = Object.entries({ offset, until, count, end }).map(([name, values]): Column => ({
    kind: 'number',
    name,
    values: scattered(values, order),
    present: null,
  }));
  return { timeMicros: scattered(time, order), columns, count };
}

function required(values: Float64Array | null): Float64Array {
  if (values === null) throw new MalformedBytes('rows without a frame');
  return values;
}

function wholesIn(batch: Batch, name: string): Float64Array | null {
  const column = batch.columns.find((one) => one.name === name);
  if (column?.kind !== 'number' || column.present !== null) return null;
  return column.values.every(Number.isSafeInteger) ? column.values : null;
}

/** 1 where the row before, in order, is of the same series. */
function followsOn({ length, seriesIndex }: Batch, order: Uint32Array): Uint8Array {
  const follows = new Uint8Array(length);
  for (let i = 1; i < length; i++) follows[i] = seriesIndex[order[i]!] === seriesIndex[order[i - 1]!] ? 1 : 0;
  return follows;
}

/** From the last reading of a row to the first of the next, as most of a sample of rows have it. */
function periodOf({ time, end }: Record<'time' | 'end', Float64Array>, follows: Uint8Array): number {
  const step = Math.max(1, Math.floor(time.length / samplesMax));
  const periods: number[] = [];
  for (let i = 1; i < time.length; i += step) if (follows[i] === 1) periods.push(time[i]! - end[i - 1]!);
  periods.sort((a, b) => a - b);
  return Math.max(0, periods[periods.length >> 1] ?? 0);
}

/** Greatest common divisor; 1 where all are 0. */
function commonUnit(...columns: readonly Float64Array[]): number {
  let unit = 0;
  for (const values of columns) {
    for (let i = 0; i < values.length && unit !== 1; i++) {
      let [a, b] = [Math.abs(values[i]!), unit];
      while (b !== 0) [a, b] = [b, a % b];
      unit = a;
    }
  }
  return unit === 0 ? 1 : unit;
}

const samplesMax = 63;
