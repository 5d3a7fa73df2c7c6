import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { ok, type Result } from '../../base/result.ts';
import type { Batch, Column } from '../../reading/batch.ts';
import { decodeBlock, encodeBlock, type DecodedBlock } from '../codec/block.ts';
import { concatBatches } from '../codec/concat.ts';
import { parseBounded, type CodecError } from '../codec/codec-error.ts';
import { blockCellsMax } from '../codec/limits.ts';
import { RowWriter } from '../codec/row-writer.ts';
import { putField, takeField } from './field-figures.ts';
import { putFrame, takeFrame } from './frame-figures.ts';
import { RiceReader, RiceWriter } from './rice.ts';

/**
 * A block of rows. Figures of a row say much about each other, so they are kept as what the others do not say, in one column of bytes; what is
 * no figure stays a column of the block. See README.md, "As it is stored".
 */
export function encodeRows(batch: Batch): ReturnType<typeof encodeBlock> {
  // Numbers series as the block will, since rows are packed in their order.
  return encodeBlock([packRows(concatBatches([batch]))], { quick: true });
}

/** The rows of a block; what it holds is checked as far as the rows go, not what they say. */
export function decodeRows(bytes: Uint8Array): Result<DecodedBlock, CodecError> {
  const block = decodeBlock(bytes);
  if (!block.ok) return block;
  return parseBounded(() => ok({ ...block.value, batch: unpackRows(block.value.batch) }));
}

/** Name of the column of figures: no field's column is called so, for want of a `_`. */
const figures = 'figures';
const version = 1;

export function packRows(batch: Batch): Batch {
  if (batch.length === 0) return batch;
  const order = seriesOrder(batch);
  const out = { head: new RowWriter(256), bits: new RiceWriter() };
  out.head.uint8(version);
  const rowCount = putFrame(out, batch, order);
  if (rowCount === null) return batch;
  const packed = new Set<string>(['offset', 'until', 'count', 'end']);
  for (const name of fieldNames(batch)) {
    for (const ending of putField(out, batch, { name, order, rowCount })) packed.add(`${name}_${ending}`);
  }
  out.head.uint8(0);
  const bits = out.bits.finish();
  const bytes = new ByteWriter(out.head.length + bits.length + 8);
  bytes.bytes(out.head.written());
  bytes.raw(bits);
  const values = [bytes.finish()];
  while (values.length < batch.length) values.push(none);
  const present = new Uint8Array(batch.length);
  present[0] = 1;
  const column: Column = { kind: 'bytes', name: figures, values, present };
  let least = Infinity;
  for (let i = 0; i < batch.length; i++) least = Math.min(least, batch.timeMicros[i]!);
  return {
    ...batch,
    timeMicros: new Float64Array(batch.length).fill(least),
    columns: [column, ...batch.columns.filter(({ name }) => !packed.has(name))],
  };
}

/** Undoes {@link packRows}. @throws {MalformedBytes} */
export function unpackRows(batch: Batch): Batch {
  const column = batch.columns.find(({ name }) => name === figures);
  if (column === undefined) return batch;
  const bytes = column.kind === 'bytes' ? column.values[0] : undefined;
  if (bytes === undefined) throw new MalformedBytes('figures of no kind');
  const from = new ByteReader(bytes);
  const head = new ByteReader(from.raw(from.count(from.remaining, 'head')));
  const source = { head, bits: new RiceReader(from.raw(from.remaining)) };
  if (head.uint8() !== version) throw new MalformedBytes('figures of another version');
  const order = seriesOrder(batch);
  const { timeMicros, columns, count } = takeFrame(source, batch, order);
  const plain = new Map(batch.columns.map((one) => [one.name, one]));
  plain.delete(figures);
  for (let fields = 0; head.count(1, 'field') === 1; fields++) {
    if (fields >= fieldsMax(batch.length)) throw new MalformedBytes('too many fields');
    const field = takeField(source, { plain, order, rowCount: count });
    columns.push(...field.columns);
    for (const [name, left] of plain) {
      if (name.slice(0, Math.max(0, name.lastIndexOf('_'))) !== field.name) continue;
      columns.push(left);
      plain.delete(name);
    }
  }
  source.bits.end();
  columns.push(...plain.values());
  return { ...batch, timeMicros, columns };
}

/** Eight columns each. */
function fieldsMax(rows: number): number {
  return blockCellsMax / rows / 8;
}

/** Rows by series, each series' rows as they come: a row's neighbour is the row of the same series before. */
function seriesOrder({ length, series, seriesIndex }: Batch): Uint32Array {
  const next = new Uint32Array(series.length + 1);
  for (let i = 0; i < length; i++) next[seriesIndex[i]! + 1]!++;
  for (let s = 0; s < series.length; s++) next[s + 1]! += next[s]!;
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[next[seriesIndex[i]!]!++] = i;
  return order;
}

function fieldNames(batch: Batch): string[] {
  return batch.columns
    .filter(({ name }) => name.endsWith('_count'))
    .map(({ name }) => name.slice(0, -'_count'.length));
}

const none = new Uint8Array(0);
