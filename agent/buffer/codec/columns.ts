import { assert } from '../../base/assert.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { Column, ColumnKind, Scalar } from '../../reading/batch.ts';
import { putBits, takeBits } from './bits.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { putFloats, takeFloats } from './floats.ts';
import { planIntegers, putIntegers, takeIntegers } from './integers.ts';
import { putByteStrings, putTexts, takeByteStrings, takeTexts } from './texts.ts';
import { wideFromHex } from './wide.ts';
import { planWords, putWords, takeWords } from './words.ts';

export const columnKinds = [
  'number',
  'bigint',
  'boolean',
  'text',
  'bytes',
  'mixed',
] as const satisfies readonly ColumnKind[];

/**
 * The order in which a column's values are kept: position to row. Null is the order of arrival; the other one puts the readings
 * of each series together, so that a value's neighbour is the same sensor's value before.
 */
export type RowOrder = Uint32Array | null;

/** Presence, then the values that are there. */
export function putColumn(out: BlockWriter, column: Column, order: RowOrder): void {
  const rows = presentRows(out, column, order);
  switch (column.kind) {
    case 'number':
      return putFloats(out, rows === null ? column.values : gathered(column.values, rows));
    case 'bigint':
      return putBigints(out, rows === null ? column.values : gathered(column.values, rows));
    case 'boolean':
      return putBits(out, rows === null ? column.values : gathered(column.values, rows));
    case 'text':
      return putTexts(out, listed(column.values, rows));
    case 'bytes':
      return putByteStrings(out, listed(column.values, rows));
    case 'mixed':
      return putMixed(out, listed(column.values, rows));
  }
}

/** @throws {MalformedBytes} */
export function takeColumn(
  from: BlockReader,
  of: { name: string; kind: ColumnKind; length: number },
  order: RowOrder,
): Column {
  const { name, kind, length } = of;
  const ordered = takeBits(from, length);
  const present = ordered.includes(0) ? scattered(ordered, order) : null;
  let count = 0;
  for (let i = 0; i < length; i++) count += ordered[i]!;
  const place = <T extends Numbers>(values: T): T =>
    present === null ? scattered(values, order) : spread(values, ordered, order);
  const list = <T>(values: readonly T[], blank: T): T[] => spreadList(values, { ordered, order, blank });
  switch (kind) {
    case 'number':
      return { kind, name, present, values: place(takeFloats(from, count)) };
    case 'bigint':
      return { kind, name, present, values: place(takeBigints(from, count)) };
    case 'boolean':
      return { kind, name, present, values: place(takeBits(from, count)) };
    case 'text':
      return { kind, name, present, values: list(takeTexts(from, count), '') };
    case 'bytes':
      return { kind, name, present, values: list(takeByteStrings(from, count), emptyBytes) };
    case 'mixed':
      return { kind, name, present, values: list<Scalar>(takeMixed(from, count), 0) };
  }
}

/** Writes the presence bits; gives the rows to keep in their order, or null for all in order of arrival. */
function presentRows(out: BlockWriter, column: Column, order: RowOrder): Uint32Array | null {
  const { present } = column;
  const length = column.values.length;
  if (present === null) {
    putBits(out, new Uint8Array(length).fill(1));
    return order;
  }
  putBits(out, order === null ? present : gathered(present, order));
  const rows = new Uint32Array(length);
  let count = 0;
  for (let i = 0; i < length; i++) {
    const row = order === null ? i : order[i]!;
    if (present[row] === 1) rows[count++] = row;
  }
  return rows.subarray(0, count);
}

type Numbers = Float64Array | BigInt64Array | Uint8Array | Uint16Array | Uint32Array;

/** `values[rows[0]], values[rows[1]] …` */
export function gathered<T extends Numbers>(values: T, rows: Uint32Array): T {
  const result = new (values.constructor as new (length: number) => T)(rows.length);
  for (let i = 0; i < rows.length; i++) result[i] = values[rows[i]!]!;
  return result;
}

/** Undoes {@link gathered} by an order of all rows. */
export function scattered<T extends Numbers>(values: T, order: RowOrder): T {
  if (order === null) return values;
  const result = new (values.constructor as new (length: number) => T)(values.length);
  for (let i = 0; i < order.length; i++) result[order[i]!] = values[i]!;
  return result;
}

/** Puts each value on the row it was taken from; rows without one stay 0. */
function spread<T extends Numbers>(values: T, ordered: Uint8Array, order: RowOrder): T {
  const result = new (values.constructor as new (length: number) => T)(ordered.length);
  for (let i = 0, at = 0; i < ordered.length; i++) {
    if (ordered[i] === 1) result[order === null ? i : order[i]!] = values[at++]!;
  }
  return result;
}

function spreadList<T>(values: readonly T[], by: { ordered: Uint8Array; order: RowOrder; blank: T }): T[] {
  const { ordered, order, blank } = by;
  const result: T[] = [];
  while (result.length < ordered.length) result.push(blank);
  for (let i = 0, at = 0; i < ordered.length; i++) {
    if (ordered[i] === 1) result[order === null ? i : order[i]!] = values[at++]!;
  }
  return result;
}

function listed<T>(values: readonly T[], rows: Uint32Array | null): readonly T[] {
  if (rows === null) return values;
  const result: T[] = [];
  for (let i = 0; i < rows.length; i++) result.push(values[rows[i]!]!);
  return result;
}

/** One byte says 0 integers within 2^53 - 1, 1 words. */
function putBigints(out: BlockWriter, values: BigInt64Array): void {
  const numbers = Float64Array.from(values, Number);
  const plan = numbers.every((value) => Number.isSafeInteger(value)) ? planIntegers(numbers) : null;
  out.common.uint8(plan === null ? 1 : 0);
  if (plan !== null) putIntegers(out, plan);
  else putWords(out, planWords(new Uint32Array(values.buffer, values.byteOffset, values.length * 2)));
}

function takeBigints(from: BlockReader, length: number): BigInt64Array {
  const way = from.common.uint8();
  if (way === 1) return new BigInt64Array(takeWords(from, length));
  if (way !== 0) throw new MalformedBytes(`bigints kept in way ${way}`);
  return BigInt64Array.from(takeIntegers(from, length), BigInt);
}

/** Each value's kind, then the values of each kind as a column of their own; a bigint beyond 64 bits is hexadecimal text. */
const mixedKinds = ['number', 'boolean', 'text', 'bytes', 'bigint', 'wide'] as const;

function putMixed(out: BlockWriter, values: readonly Scalar[]): void {
  const kinds = Float64Array.from(values, mixedKind);
  const plan = planIntegers(kinds);
  assert(plan !== null, 'kinds lie close together');
  putIntegers(out, plan);
  const of = <T>(kind: number): T[] => values.filter((_, i) => kinds[i] === kind) as T[];
  putFloats(out, Float64Array.from(of<number>(0)));
  putBits(out, Uint8Array.from(of<boolean>(1), Number));
  putTexts(out, of<string>(2));
  putByteStrings(out, of<Uint8Array>(3));
  putBigints(out, BigInt64Array.from(of<bigint>(4)));
  putTexts(
    out,
    of<bigint>(5).map((value) => value.toString(16)),
  );
}

function takeMixed(from: BlockReader, length: number): Scalar[] {
  const kinds = takeIntegers(from, length);
  const counts = mixedKinds.map((_, kind) => kinds.reduce((sum, k) => (k === kind ? sum + 1 : sum), 0));
  if (counts.reduce((sum, count) => sum + count, 0) !== length)
    throw new MalformedBytes('value of unknown kind');
  const pools: readonly (readonly Scalar[])[] = [
    Array.from(takeFloats(from, counts[0]!)),
    Array.from(takeBits(from, counts[1]!), (bit) => bit === 1),
    takeTexts(from, counts[2]!),
    takeByteStrings(from, counts[3]!),
    Array.from(takeBigints(from, counts[4]!)),
    takeTexts(from, counts[5]!).map(wideFromHex),
  ];
  const at = mixedKinds.map(() => 0);
  return Array.from(kinds, (kind) => pools[kind]![at[kind]!++]!);
}

function mixedKind(value: Scalar): number {
  switch (typeof value) {
    case 'number':
      return 0;
    case 'boolean':
      return 1;
    case 'string':
      return 2;
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? 4 : 5;
    default:
      return 3;
  }
}

const emptyBytes = new Uint8Array(0);
