import { assert } from '../../base/assert.ts';
import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { crc32c } from '../../base/crc32c.ts';
import { ok, type Result } from '../../base/result.ts';
import { assertBatch, type Batch, type ClockSource, type Column, type Tags } from '../../reading/batch.ts';
import { BlockReader, BlockWriter, InflateBudget, shrunk } from './block-bytes.ts';
import { codecError, parseBounded, type CodecError } from './codec-error.ts';
import { columnKinds, gathered, putColumn, scattered, takeColumn, type RowOrder } from './columns.ts';
import { concatBatches } from './concat.ts';
import { planIntegers, putIntegers, takeIntegers } from './integers.ts';
import {
  blockBytesMax,
  blockCellsJoined,
  blockCellsMax,
  blockInflatedBytesMax,
  blockReadingsMax,
  columnsMax,
} from './limits.ts';
import { bytesOf } from './row-writer.ts';
import { SectionOrders } from './section-orders.ts';
import { atOnce, type Steps } from './steps.ts';
import { readTags, writeTags } from './tags.ts';
import { readText } from './text-bytes.ts';
import { putNanos, putTimes, takeNanos, takeTimes } from './timestamps.ts';

/** What the first {@link headerBytes} of a block say. */
export interface BlockHeader {
  readonly readings: number;
  readonly columns: number;
  /** Event times; 0 and 0 when the block holds no reading. */
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
  /** Length of the whole block. */
  readonly bytes: number;
}

/** Readings one after the other whose batches had this clock. */
export interface ClockRun {
  readonly clock: ClockSource;
  readonly count: number;
}

export interface DecodedBlock {
  /** `batch.clock` is `agent` when any run's is. */
  readonly batch: Batch;
  readonly clocks: readonly ClockRun[];
}

export interface EncodeOptions {
  readonly quick?: boolean;
  readonly joined?: Batch;
  readonly orders?: SectionOrders;
}

export interface EncodedBlock {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly readings: number;
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
}

export const headerBytes = 48;
/** "sgbk" */
const magic = 0x6b62_6773;
const version = 1;
const commonShrunk = 1;
const crcAt = 44;

/**
 * A sealed block of batches of one stream; together they must fit ({@link blockPrefix}). `quick` writes many columns of few rows several times faster, a
 * tenth larger. `joined`: the batches as one, where the caller has it. `orders`: of the stream's blocks before; absent, both orders of
 * every section are tried.
 */
export function encodeBlock(batches: readonly Batch[], options: EncodeOptions = {}): EncodedBlock {
  return atOnce(encodingBlock(batches, options));
}

/** {@link encodeBlock} in steps of a column. */
export function* encodingBlock(batches: readonly Batch[], options: EncodeOptions = {}): Steps<EncodedBlock> {
  assert(blockPrefix(batches) === batches.length, 'the batches fit one block');
  const batch = options.joined ?? concatBatches(batches);
  assertBatch(batch);
  const body = new BlockWriter(options.quick);
  yield* writeBody(body, batch, clockRuns(batches), options.orders ?? new SectionOrders());
  const common = body.common.written();
  const small = shrunk(common);
  const kept = small ?? common;
  const tail = body.tail.written();
  const bytes = new Uint8Array(headerBytes + kept.length + tail.length);
  const range = timeRange(batch.timeMicros);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint8(4, version);
  view.setUint8(5, small === null ? 0 : commonShrunk);
  view.setUint32(8, batch.length, true);
  view.setUint32(12, batch.columns.length, true);
  view.setFloat64(16, range.min, true);
  view.setFloat64(24, range.max, true);
  view.setUint32(32, common.length, true);
  view.setUint32(36, kept.length, true);
  view.setUint32(40, tail.length, true);
  bytes.set(kept, headerBytes);
  bytes.set(tail, headerBytes + kept.length);
  view.setUint32(crcAt, checksum(bytes), true);
  assert(bytes.length <= blockBytesMax, 'a block holds at most blockBytesMax bytes');
  return { bytes, readings: batch.length, minTimeMicros: range.min, maxTimeMicros: range.max };
}

/**
 * The readings of a block, in arrays of their own. With `columns`, only those of these names. Never throws on bad bytes; allocates
 * at most `blockInflatedBytesMax` for parts and `blockCellsMax` slots for values, whatever the bytes say.
 */
export function decodeBlock(
  stored: Uint8Array,
  options: { columns?: readonly string[] } = {},
): Result<DecodedBlock, CodecError> {
  const bytes = bytesOf(stored);
  const header = blockHeader(bytes);
  if (!header.ok) return header;
  if (header.value.bytes > bytes.length) {
    return codecError('truncated', `block of ${header.value.bytes} bytes, ${bytes.length} are there`);
  }
  if (header.value.bytes < bytes.length) return codecError('malformed', 'bytes after the block');
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (checksum(bytes) !== view.getUint32(crcAt, true)) return codecError('checksum', 'block is damaged');
  return parseBounded(() => {
    const wanted = options.columns === undefined ? null : new Set(options.columns);
    return ok(readBody(openBody(bytes, view), header.value, wanted));
  });
}

/** Counts and times of a block, from its first bytes alone. Its checksum is not looked at. */
export function blockHeader(bytes: Uint8Array): Result<BlockHeader, CodecError> {
  if (bytes.length < headerBytes) return codecError('truncated', `block of ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  if (view.getUint32(0, true) !== magic) return codecError('magic', 'not a block');
  if (view.getUint8(4) !== version) return codecError('version', `block of version ${view.getUint8(4)}`);
  const readings = view.getUint32(8, true);
  const columns = view.getUint32(12, true);
  const total = headerBytes + view.getUint32(36, true) + view.getUint32(40, true);
  if (view.getUint8(5) > commonShrunk || view.getUint16(6) !== 0)
    return codecError('malformed', 'unknown flags');
  if (readings > blockReadingsMax || columns > columnsMax || readings * columns > blockCellsMax) {
    return codecError('too_large', `block of ${readings} readings and ${columns} columns`);
  }
  if (total > blockBytesMax) return codecError('too_large', `block of ${total} bytes`);
  return ok({
    readings,
    columns,
    minTimeMicros: view.getFloat64(16, true),
    maxTimeMicros: view.getFloat64(24, true),
    bytes: total,
  });
}

/** How many of the first batches fit one block together; at least 1 for batches that journal rows can hold. */
export function blockPrefix(batches: readonly Batch[]): number {
  const names = new Set<string>();
  let readings = 0;
  for (const [i, batch] of batches.entries()) {
    readings += batch.length;
    for (const column of batch.columns) names.add(column.name);
    const cellsMax = i === 0 ? blockCellsMax : blockCellsJoined;
    if (readings > blockReadingsMax || names.size > columnsMax || readings * names.size > cellsMax) return i;
  }
  return batches.length;
}

function* writeBody(
  out: BlockWriter,
  batch: Batch,
  clocks: readonly ClockRun[],
  orders: SectionOrders,
): Steps<void> {
  out.common.text(batch.stream);
  out.common.varint(clocks.length);
  for (const run of clocks) out.common.varint(run.count * 2 + (run.clock === 'agent' ? 1 : 0));
  putSmall(out, Float64Array.from(batch.quality));
  out.common.varint(batch.series.length);
  for (const tags of batch.series) writeTags(out.common, tags);
  putSmall(out, Float64Array.from(batch.seriesIndex));
  const order = seriesOrder(batch.seriesIndex, batch.series.length);
  orders.open(1 + batch.columns.length);
  let section = 0;
  const put = (write: (into: BlockWriter, rows: RowOrder) => void): void => {
    const grouped = smallest(out, { order, grouped: orders.isGrouped(section), put: write });
    if (order !== null) orders.learn(section, grouped);
    section++;
  };
  put((into, rows) => putTimes(into, rows === null ? batch.timeMicros : gathered(batch.timeMicros, rows)));
  out.common.uint8(batch.timeNanos === null ? 0 : 1);
  if (batch.timeNanos !== null) putNanos(out, batch.timeNanos);
  const cells = batch.length * (order === null ? 1 : 2);
  yield cells;
  for (const column of batch.columns) {
    out.common.uint8(columnKinds.indexOf(column.kind));
    out.common.text(column.name);
    put((into, rows) => putColumn(into, column, rows));
    yield cells;
  }
}

function readBody(from: BlockReader, header: BlockHeader, wanted: ReadonlySet<string> | null): DecodedBlock {
  const length = header.readings;
  const stream = readText(from.common);
  const clocks = readClocks(from.common, length);
  const quality = Uint8Array.from(bounded(takeIntegers(from, length), 3, 'quality'));
  const series: Tags[] = [];
  for (let left = from.common.count(Math.max(length, 1), 'series'); left > 0; left--)
    series.push(readTags(from.common));
  const seriesIndex = Uint32Array.from(bounded(takeIntegers(from, length), series.length, 'series'));
  const order = seriesOrder(seriesIndex, series.length);
  const times = takeSection(from, order);
  const timeMicros = scattered(takeTimes(times.section, length), times.order);
  times.section.end();
  const timeNanos = from.common.uint8() === 0 ? null : takeNanos(from, length);
  const columns: Column[] = [];
  const names = new Set<string>();
  for (let left = header.columns; left > 0; left--) {
    const kind = columnKinds[from.common.uint8()];
    const name = readText(from.common);
    if (kind === undefined || names.has(name))
      throw new MalformedBytes(`column ${name} of no kind, or twice`);
    names.add(name);
    const { section, order: rows } = takeSection(from, order);
    if (wanted !== null && !wanted.has(name)) continue;
    columns.push(takeColumn(section, { name, kind, length }, rows));
    section.end();
  }
  from.end();
  const clock = clocks.some((run) => run.clock === 'agent') ? 'agent' : 'device';
  return {
    batch: { stream, length, timeMicros, timeNanos, clock, quality, series, seriesIndex, columns },
    clocks,
  };
}

/**
 * Both orders are tried, where there are two and it is not known which is smaller, and the smaller result kept. The byte before the section
 * says which, as does the answer.
 */
function smallest(
  out: BlockWriter,
  section: {
    readonly order: RowOrder;
    readonly grouped: boolean | null;
    readonly put: (into: BlockWriter, rows: RowOrder) => void;
  },
): boolean {
  const { order, put } = section;
  let grouped = order !== null && section.grouped === true;
  let best = out.another();
  put(best, grouped ? order : null);
  if (order !== null && section.grouped === null) {
    const other = out.another();
    put(other, order);
    grouped = other.size < best.size;
    if (grouped) best = other;
  }
  out.common.uint8(grouped ? 1 : 0);
  out.section(best);
  return grouped;
}

function takeSection(from: BlockReader, order: RowOrder): { section: BlockReader; order: RowOrder } {
  const grouped = from.common.uint8();
  if (grouped > (order === null ? 0 : 1)) throw new MalformedBytes(`section of order ${grouped}`);
  return { section: from.section(), order: grouped === 1 ? order : null };
}

/** Rows by series, each series' rows as they arrived; null when there is one series only. */
function seriesOrder(seriesIndex: Uint32Array, count: number): RowOrder {
  if (count < 2) return null;
  const next = new Uint32Array(count + 1);
  for (let i = 0; i < seriesIndex.length; i++) next[seriesIndex[i]! + 1]!++;
  for (let s = 0; s < count; s++) next[s + 1]! += next[s]!;
  const order = new Uint32Array(seriesIndex.length);
  for (let i = 0; i < seriesIndex.length; i++) order[next[seriesIndex[i]!]!++] = i;
  return order;
}

function openBody(bytes: Uint8Array, view: DataView): BlockReader {
  const length = view.getUint32(32, true);
  const tailAt = headerBytes + view.getUint32(36, true);
  const stored = bytes.subarray(headerBytes, tailAt);
  const budget = new InflateBudget();
  if (length > blockInflatedBytesMax) throw new MalformedBytes(`body of ${length} bytes`);
  if (view.getUint8(5) !== commonShrunk && length !== stored.length)
    throw new MalformedBytes('body of another length');
  const common = view.getUint8(5) === commonShrunk ? budget.inflate(stored, length) : stored;
  return new BlockReader(common, bytes.subarray(tailAt), budget);
}

function clockRuns(batches: readonly Batch[]): ClockRun[] {
  const runs: { clock: ClockSource; count: number }[] = [];
  for (const { clock, length } of batches) {
    if (length === 0) continue;
    const last = runs.at(-1);
    if (last?.clock === clock) last.count += length;
    else runs.push({ clock, count: length });
  }
  return runs;
}

function readClocks(from: ByteReader, length: number): ClockRun[] {
  const runs: ClockRun[] = [];
  let total = 0;
  for (let left = from.count(length, 'clock runs'); left > 0; left--) {
    const head = from.varint();
    const count = Math.floor(head / 2);
    total += count;
    runs.push({ clock: head % 2 === 1 ? 'agent' : 'device', count });
  }
  if (total !== length) throw new MalformedBytes('clock runs of another length');
  return runs;
}

function timeRange(times: Float64Array): { min: number; max: number } {
  if (times.length === 0) return { min: 0, max: 0 };
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < times.length; i++) {
    const time = times[i]!;
    if (time < min) min = time;
    if (time > max) max = time;
  }
  return { min: min + 0, max: max + 0 };
}

function putSmall(out: BlockWriter, values: Float64Array): void {
  const plan = planIntegers(values);
  assert(plan !== null, 'codes and indexes lie close together');
  putIntegers(out, plan);
}

function bounded(values: Float64Array, below: number, what: string): Float64Array {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < 0 || value >= below) throw new MalformedBytes(`${what} out of range`);
  }
  return values;
}

/** Over everything but the checksum itself. */
function checksum(bytes: Uint8Array): number {
  return crc32c(bytes.subarray(headerBytes), crc32c(bytes.subarray(0, crcAt)));
}
