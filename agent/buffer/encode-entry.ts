import type { Unstorable } from '../ports/store.ts';
import {
  assertBatch,
  seriesKey,
  sliceBatch,
  type Batch,
  type ColumnKind,
  type Scalar,
  type Tags,
} from '../reading/batch.ts';
import type { JournalEntry } from '../reading/journal-entry.ts';
import { encodeMarks } from '../reading/mark-bytes.ts';
import type { EntryToStore, RowToStore } from './append.ts';
import { encodeJournalRow } from './codec/journal-row.ts';
import { blockCellsMax, journalReadingsMax } from './codec/limits.ts';
import { readingBytesMax, rowBytesMax } from './limits.ts';

/** Readings of one entry that no row can hold: counted in the ledger as filtered, not stored. */
export interface Oversize {
  readonly stream: string;
  readonly count: number;
  /** What a reading may take, encoded. */
  readonly bytesMax: number;
  /** The largest of them: what it takes, and the text of its tags. */
  readonly bytes: number;
  readonly tags: string;
}

export const oversizeRule = 'oversize';

interface Making {
  readonly rows: RowToStore[];
  /** Encoded bytes of a row. */
  readonly bytesMax: number;
  oversize: Oversize | null;
}

/** @param bytesMax encoded bytes that one append may have. */
export function encodeEntry(
  entry: JournalEntry,
  bytesMax: number,
): { readonly entry: EntryToStore; readonly oversize: Oversize | null } {
  const { stream, received, marks, state, clockBase = null } = entry;
  const into: Making = { rows: [], bytesMax: Math.min(rowBytesMax, bytesMax), oversize: null };
  if (entry.batch !== null) {
    assertBatch(entry.batch);
    encodeRows(entry.batch, into);
  }
  const { rows, oversize } = into;
  const filtered =
    oversize === null ? entry.filtered : [...entry.filtered, { rule: oversizeRule, count: oversize.count }];
  const stored = { stream, received, filtered, marks: encodeMarks(marks), rows, clockBase };
  return { entry: state === undefined ? stored : { ...stored, state }, oversize };
}

/** The first reading of a batch that {@link encodeEntry} would leave out; null: none. */
export function unstorableIn(batch: Batch, bytesMax: number): Unstorable | null {
  const most = Math.min(readingBytesMax, rowBytesMax, bytesMax);
  const fixed = fixedBytesMost(batch);
  const flexible = batch.columns.filter(
    ({ kind }) => kind === 'text' || kind === 'bytes' || kind === 'mixed',
  );
  for (let index = 0; index < batch.length; index++) {
    let bytes = fixed + tagsBytesMost(batch.series[batch.seriesIndex[index]!] ?? {});
    for (const { values } of flexible) bytes += valueBytesMost(values[index]!);
    if (bytes <= most) continue;
    const { length } = encodeJournalRow(sliceBatch(batch, index, index + 1));
    if (length > most) return { index, bytes: length, bytesMax: most };
  }
  return null;
}

/** What a row takes beside values and tags: see `codec/journal-row.ts`. */
const rowHeadBytesMost = 64;
/** Kind, presence, the length of the name and a number. */
const columnBytesMost = 16;
/** UTF-8 of a UTF-16 unit. */
const textUnitBytesMost = 3;
/** Lengths and kinds of a key and of a value, and an integer of 128 bits. */
const lengthBytesMost = 32;

function fixedBytesMost({ columns }: Batch): number {
  let bytes = rowHeadBytesMost;
  for (const { name } of columns) bytes += columnBytesMost + textUnitBytesMost * name.length;
  return bytes;
}

function tagsBytesMost(tags: Tags): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(tags))
    bytes += lengthBytesMost + textUnitBytesMost * (key.length + value.length);
  return bytes;
}

function valueBytesMost(value: Scalar): number {
  if (typeof value === 'string') return lengthBytesMost + textUnitBytesMost * value.length;
  return lengthBytesMost + (value instanceof Uint8Array ? value.length : 0);
}

/** Halves what is too big for one row; a single reading that is too big is counted, not kept. */
function encodeRows(batch: Batch, into: Making): void {
  if (batch.length === 0) return;
  if (!mayFitRow(batch, into.bytesMax)) {
    encodeHalves(batch, into);
    return;
  }
  const bytes = encodeJournalRow(batch);
  // One reading may take as much as a row.
  if (bytes.length <= Math.min(readingBytesMax, into.bytesMax))
    into.rows.push({ bytes, count: batch.length });
  else if (batch.length > 1) encodeHalves(batch, into);
  else into.oversize = withOversize(batch, bytes.length, into);
}

function withOversize(reading: Batch, bytes: number, { bytesMax, oversize }: Making): Oversize {
  const count = (oversize?.count ?? 0) + 1;
  if (oversize !== null && oversize.bytes >= bytes) return { ...oversize, count };
  const tags = seriesKey(reading.series[reading.seriesIndex[0] ?? 0] ?? {});
  return { stream: reading.stream, count, bytesMax: Math.min(readingBytesMax, bytesMax), bytes, tags };
}

/**
 * As far as can be told before it is encoded. A group may hold more: many small readings, or one long NDJSON message. What is many times too large
 * (wide streams are: columns are dense) would otherwise be encoded once for each halving.
 */
function mayFitRow(batch: Batch, bytesMax: number): boolean {
  const { length, columns } = batch;
  if (length > journalReadingsMax || length * columns.length > blockCellsMax) return false;
  return length === 1 || rowBytesLeast(batch) <= Math.min(readingBytesMax, bytesMax);
}

/** See `codec/journal-row.ts`: times, presence, and values of columns that take the same for each reading. */
function rowBytesLeast({ length, columns }: Batch): number {
  let bytes = timeBytes * length;
  for (const { kind, present } of columns)
    bytes += length * (valueBytesLeast[kind] + (present === null ? 0 : 1));
  return bytes;
}

const timeBytes = 8;
const valueBytesLeast: Readonly<Record<ColumnKind, number>> = {
  number: 8,
  bigint: 8,
  boolean: 1,
  text: 1,
  bytes: 1,
  mixed: 1,
};

function encodeHalves(batch: Batch, into: Making): void {
  const middle = batch.length >> 1;
  encodeRows(sliceBatch(batch, 0, middle), into);
  encodeRows(sliceBatch(batch, middle, batch.length), into);
}
