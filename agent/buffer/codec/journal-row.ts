import { assert } from '../../base/assert.ts';
import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { crc32c } from '../../base/crc32c.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Batch, Column, Presence, Tags } from '../../reading/batch.ts';
import { columnKinds } from './columns.ts';
import { codecError, parseBounded, type CodecError } from './codec-error.ts';
import { blockCellsMax, columnsMax, journalBytesMax, journalReadingsMax } from './limits.ts';
import { bytesOf, RowWriter, shortArray } from './row-writer.ts';
import { readBytes, readScalar, writeScalar } from './scalars.ts';
import { readTags, writeTags } from './tags.ts';
import { readText, readTexts } from './text-bytes.ts';

/**
 * A journal row is one batch as it was committed: uncompressed, cheap enough for the thread that takes readings in, and no larger
 * than it must be when the batch holds one reading. The stream is not in it: the row's place in the store names it.
 */
const magic = 0xa7;
const version = 1;
/** Magic, version, flags, one varint, CRC. */
const rowBytesMin = 8;

const flag = { agentClock: 1, nanos: 2, quality: 4, seriesIndex: 8, wideIndex: 16 } as const;
const presentFlag = 0x10;

/** Bytes in a buffer of their own, ready to be transferred. */
export function encodeJournalRow(batch: Batch): Uint8Array<ArrayBuffer> {
  assert(batch.length <= journalReadingsMax, 'a journal row holds at most journalReadingsMax readings');
  assert(batch.columns.length <= columnsMax, 'a journal row holds at most columnsMax columns');
  assert(
    batch.columns.length * batch.length <= blockCellsMax,
    'a journal row holds at most blockCellsMax cells',
  );
  const writer = new RowWriter(capacityFor(batch));
  const series = usedSeries(batch);
  const quality = batch.quality.some((code) => code !== 0);
  writer.uint8(magic);
  writer.uint8(version);
  writer.uint8(
    (batch.clock === 'agent' ? flag.agentClock : 0) |
      (batch.timeNanos === null ? 0 : flag.nanos) |
      (quality ? flag.quality : 0) |
      (series.tags.length > 1 ? flag.seriesIndex : 0) |
      (series.tags.length > 256 ? flag.wideIndex : 0),
  );
  writer.varint(batch.length);
  writer.float64s(batch.timeMicros);
  if (batch.timeNanos !== null) writer.uint16s(batch.timeNanos);
  if (quality) writer.raw(batch.quality);
  writer.varint(series.tags.length);
  for (const tags of series.tags) writeTags(writer, tags);
  if (series.tags.length > 256) writer.uint32s(series.index);
  else if (series.tags.length > 1) writer.raw(Uint8Array.from(series.index));
  writer.varint(batch.columns.length);
  for (const column of batch.columns) writeColumn(writer, column);
  writer.uint32(crc32c(writer.written()));
  assert(writer.length <= journalBytesMax, 'a journal row holds at most journalBytesMax bytes');
  return writer.finish();
}

/** The batch of a row, in arrays of its own. Never throws on bad bytes; allocates at most about sixteen
 * times their length (a hundred times for columns of tiny byte strings, whose cost is the object). */
export function decodeJournalRow(bytes: Uint8Array, of: { stream: string }): Result<Batch, CodecError> {
  if (bytes.length > journalBytesMax) return codecError('too_large', `journal row of ${bytes.length} bytes`);
  if (bytes.length < rowBytesMin) return codecError('truncated', `journal row of ${bytes.length} bytes`);
  if (bytes[0] !== magic) return codecError('magic', 'not a journal row');
  if (bytes[1] !== version) return codecError('version', `journal row of version ${bytes[1]}`);
  const end = bytes.length - 4;
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  if (crc32c(bytes.subarray(0, end)) !== stored) return codecError('checksum', 'journal row is damaged');
  return parseBounded(() => ok(readRow(new ByteReader(bytesOf(bytes).subarray(2, end)), of.stream)));
}

function readRow(reader: ByteReader, stream: string): Batch {
  const flags = reader.uint8();
  if (flags > 31) throw new MalformedBytes(`journal row with flags ${flags}`);
  const length = reader.count(journalReadingsMax, 'readings');
  const timeMicros = times(reader, length);
  const timeNanos = flags & flag.nanos ? nanos(reader, length) : null;
  const quality = flags & flag.quality ? reader.raw(length).slice() : new Uint8Array(length);
  if (quality.some((code) => code > 2)) throw new MalformedBytes('unknown quality');
  const series: Tags[] = [];
  for (let left = reader.count(Math.max(length, 1), 'series'); left > 0; left--)
    series.push(readTags(reader));
  const seriesIndex = flags & flag.seriesIndex ? indexes(reader, length, flags) : new Uint32Array(length);
  if (length > 0 && series.length === 0) throw new MalformedBytes('readings without series');
  if (seriesIndex.some((index) => index >= series.length)) throw new MalformedBytes('series out of range');
  const columns: Column[] = [];
  const names = new Set<string>();
  for (let left = reader.count(columnsMax, 'columns'); left > 0; left--) {
    const column = readColumn(reader, length);
    if (names.has(column.name)) throw new MalformedBytes(`two columns ${column.name}`);
    names.add(column.name);
    columns.push(column);
  }
  if (reader.remaining > 0) throw new MalformedBytes(`${reader.remaining} bytes left over`);
  const clock = flags & flag.agentClock ? 'agent' : 'device';
  return { stream, length, timeMicros, timeNanos, clock, quality, series, seriesIndex, columns };
}

/** A slice of a large batch keeps the whole table of series; a row keeps those that occur. */
function usedSeries(batch: Batch): { tags: readonly Tags[]; index: Uint32Array } {
  if (batch.series.length <= batch.length || batch.series.length <= 1) {
    return { tags: batch.series, index: batch.seriesIndex };
  }
  const places = new Map<number, number>();
  const tags: Tags[] = [];
  const index = batch.seriesIndex.map((old) => {
    let place = places.get(old);
    if (place === undefined) {
      place = tags.push(batch.series[old]!) - 1;
      places.set(old, place);
    }
    return place;
  });
  return { tags, index };
}

/** A little above what the row needs, so that the buffer rarely grows; text is guessed. */
function capacityFor(batch: Batch): number {
  let perReading = 8 + 1 + (batch.timeNanos === null ? 0 : 2) + (batch.series.length > 1 ? 4 : 0);
  let names = 32;
  for (const column of batch.columns) {
    names += column.name.length + 4;
    perReading += 9;
  }
  return names + perReading * batch.length + 32 * Math.min(batch.series.length, batch.length);
}

function writeColumn(writer: RowWriter, column: Column): void {
  writer.uint8(columnKinds.indexOf(column.kind) | (column.present === null ? 0 : presentFlag));
  writer.text(column.name);
  if (column.present !== null) writer.raw(column.present);
  switch (column.kind) {
    case 'number':
      return writer.float64s(column.values);
    case 'bigint':
      return writer.bigint64s(column.values);
    case 'boolean':
      return writer.raw(column.values);
    case 'text':
      return writer.texts(column.values);
    case 'bytes':
      for (const value of column.values) {
        writer.varint(value.length);
        writer.raw(value);
      }
      return;
    case 'mixed':
      for (const value of column.values) writeScalar(writer, value);
  }
}

function readColumn(reader: ByteReader, length: number): Column {
  const head = reader.uint8();
  const kind = columnKinds[head & 0x0f];
  if (kind === undefined || head > (presentFlag | 0x0f)) throw new MalformedBytes(`column of kind ${head}`);
  const name = readText(reader);
  const present: Presence = head & presentFlag ? bits(reader, length) : null;
  switch (kind) {
    case 'number':
      return { kind, name, values: float64s(reader, length), present };
    case 'bigint':
      return { kind, name, values: new BigInt64Array(copied(reader, 8 * length)), present };
    case 'boolean':
      return { kind, name, values: bits(reader, length), present };
    case 'text':
      return { kind, name, values: readTexts(reader, length), present };
    case 'bytes':
      return { kind, name, values: each(length, () => readBytes(reader)), present };
    case 'mixed':
      return { kind, name, values: each(length, () => readScalar(reader)), present };
  }
}

/** One byte an element, 0 or 1. */
function bits(reader: ByteReader, length: number): Uint8Array {
  const values = reader.raw(length).slice();
  if (values.some((value) => value > 1)) throw new MalformedBytes('a boolean is 0 or 1');
  return values;
}

function float64s(reader: ByteReader, length: number): Float64Array {
  if (length <= shortArray) {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = reader.float64();
    return values;
  }
  return new Float64Array(copied(reader, 8 * length));
}

/** What no block could hold must not be read: sealing it would fail for ever. */
function times(reader: ByteReader, length: number): Float64Array {
  const values = float64s(reader, length);
  for (let i = 0; i < length; i++)
    if (!Number.isSafeInteger(values[i])) throw new MalformedBytes(`${values[i]} is no event time`);
  return values;
}

function nanos(reader: ByteReader, length: number): Uint16Array {
  const values = new Uint16Array(copied(reader, 2 * length));
  if (values.some((value) => value > 999)) throw new MalformedBytes('nanoseconds beyond 999');
  return values;
}

function indexes(reader: ByteReader, length: number, flags: number): Uint32Array {
  if (flags & flag.wideIndex) return new Uint32Array(copied(reader, 4 * length));
  return Uint32Array.from(reader.raw(length));
}

/** The next bytes in a buffer of their own, aligned for any element. */
function copied(reader: ByteReader, length: number): ArrayBuffer {
  const view = reader.raw(length);
  const copy = new Uint8Array(view.length);
  copy.set(view);
  return copy.buffer;
}

function each<T>(length: number, read: () => T): T[] {
  const values: T[] = [];
  for (let i = 0; i < length; i++) values.push(read());
  return values;
}
