import { MalformedBytes } from '../../base/byte-reader.ts';
import { timeMicrosLimit } from '../../base/units.ts';
import type { Batch, Column } from '../../reading/batch.ts';

/** The rows of a coarse block, with what every row has; see README.md. */
export class RowColumns {
  readonly batch: Batch;
  readonly rows: number;
  readonly offset: Float64Array;
  readonly until: Float64Array;
  readonly count: Float64Array;
  readonly end: Float64Array;
  /** Names of the fields, in order of appearance. */
  readonly fields: readonly string[];
  readonly #columns = new Map<string, Column>();

  /** @throws {MalformedBytes} when the batch does not hold rows. */
  constructor(batch: Batch) {
    this.batch = batch;
    this.rows = batch.length;
    const fields = new Set<string>();
    for (const column of batch.columns) {
      this.#columns.set(column.name, column);
      const at = column.name.lastIndexOf('_');
      if (at >= 0) fields.add(column.name.slice(0, at));
    }
    this.fields = [...fields];
    this.offset = this.#required('offset');
    this.until = this.#required('until');
    this.count = this.#required('count');
    this.end = this.#required('end');
    for (let row = 0; row < this.rows; row++) {
      this.check(row === 0 || this.offset[row]! > this.offset[row - 1]!, 'offsets ascend');
      this.check(this.until[row]! - this.offset[row]! >= this.count[row]!, 'a row has room for its readings');
      this.check(this.count[row]! >= 1 && this.end[row]! >= batch.timeMicros[row]!, 'a row holds readings');
    }
  }

  column(field: string, ending: string): Column | undefined {
    return this.#columns.get(`${field}_${ending}`);
  }

  /** Inside a parser. */
  check(condition: boolean, what: string): asserts condition {
    if (!condition) throw new MalformedBytes(what);
  }

  #required(name: string): Float64Array {
    const column = this.#columns.get(name);
    this.check(column?.kind === 'number' && column.present === null, `rows without ${name}`);
    return column.values;
  }
}

/** A copy of the rows with every time moved. */
export function shiftedRows(batch: Batch, micros: number): Batch {
  if (micros === 0) return batch;
  const moved = (times: Float64Array): Float64Array =>
    times.map((time) => Math.min(timeMicrosLimit, Math.max(-timeMicrosLimit, time + micros)));
  const columns = batch.columns.map((column) =>
    column.name === 'end' && column.kind === 'number' ? { ...column, values: moved(column.values) } : column,
  );
  return { ...batch, timeMicros: moved(batch.timeMicros), columns };
}

/** Why these rows can not be those of a block with these offsets and so many readings; null when they can. */
export function rowsProblem(
  columns: RowColumns,
  block: { first: number; count: number; summaries: number },
): string | null {
  if (columns.rows !== block.summaries) return 'its summaries differ in number';
  let readings = 0;
  let covered = block.first;
  for (let row = 0; row < columns.rows; row++) {
    readings += columns.count[row]!;
    if (columns.offset[row]! > covered) return `no summary covers offset ${covered}`;
    covered = Math.max(covered, columns.until[row]!);
  }
  if (readings !== block.count) return 'its count differs';
  return covered === block.first + block.count && (columns.offset[0] ?? 0) === block.first
    ? null
    : 'its summaries cover other offsets';
}

/** Numbers with 0 where there is none; null when there is no such column. A field that was of two kinds has mixed ones. */
export function numbersIn(columns: RowColumns, field: string, ending: string): Float64Array | null {
  const column = columns.column(field, ending);
  if (column?.kind === 'mixed') {
    return Float64Array.from(column.values, (value) => (typeof value === 'number' ? value : 0));
  }
  return column?.kind === 'number' ? column.values : null;
}

/** Texts with '' where there is none; null when there is no such column. */
export function textsIn(columns: RowColumns, field: string, ending: string): readonly string[] | null {
  const column = columns.column(field, ending);
  if (column?.kind === 'mixed') return column.values.map((value) => (typeof value === 'string' ? value : ''));
  return column?.kind === 'text' ? column.values : null;
}

/** Byte strings, empty where there is none; null when there is no such column. */
export function bytesIn(columns: RowColumns, field: string, ending: string): readonly Uint8Array[] | null {
  const column = columns.column(field, ending);
  return column?.kind === 'bytes' ? column.values : null;
}

/** Presence of what is there where a count is above 0. */
export function holed(counts: Float64Array): Uint8Array | null {
  return counts.includes(0) ? Uint8Array.from(counts, (count) => (count > 0 ? 1 : 0)) : null;
}
