import type { Batch, Column } from '../../reading/batch.ts';
import type { Accumulator, Run } from './accumulator.ts';
import type { Group, Slice } from './groups.ts';

/** Windows of a group to be given out up to a watermark. */
export interface Due {
  readonly group: Group;
  readonly until: number;
}

/** Where the sums of a slice are had. */
interface Sums {
  accumulatorOf(slice: Slice, field: number): Accumulator;
  readonly table: { readonly dirtySlices: Set<Slice> };
}

export interface WatchedColumn {
  readonly field: number;
  readonly column: Column;
  /** What of it counts as numbers; null: nothing. */
  readonly values: Float64Array | null;
  /** Texts and booleans count, as what they are called. */
  readonly hasTexts: boolean;
}

/** One batch on its way through: which slice each row goes to, and how far values were taken in. */
export class WindowPass {
  readonly due: Due[] = [];
  readonly #core: Sums;
  readonly #batch: Batch;
  readonly #columns: readonly WatchedColumn[];
  readonly #slices: Slice[] = [];
  /** By row: place in `#slices`; -1: in none. */
  readonly #places: Int32Array;
  #taken = 0;

  constructor(core: Sums, batch: Batch, columns: readonly WatchedColumn[]) {
    this.#core = core;
    this.#batch = batch;
    this.#columns = columns;
    this.#places = new Int32Array(batch.length).fill(-1);
  }

  put(row: number, slice: Slice, quality: number): void {
    if (slice.touched < 0) {
      slice.touched = this.#slices.length;
      this.#slices.push(slice);
      if (!slice.isDirty) {
        slice.isDirty = true;
        this.#core.table.dirtySlices.add(slice);
      }
    }
    if (quality > slice.quality) slice.quality = quality;
    this.#places[row] = slice.touched;
  }

  /** Takes the values of all rows below `row` in, then lets windows close. */
  settle(row: number, close: () => void): void {
    for (const column of this.#columns) {
      if (column.values !== null) this.#takeNumbers(column, column.values, row);
      if (column.hasTexts) this.#takeTexts(column, row);
    }
    this.#taken = row;
    close();
  }

  end(): void {
    for (const slice of this.#slices) slice.touched = -1;
  }

  #takeNumbers({ field, column }: WatchedColumn, values: Float64Array, to: number): void {
    const { timeMicros } = this.#batch;
    const { present } = column;
    const places = this.#places;
    let row = this.#taken;
    while (row < to) {
      const place = places[row]!;
      const from = row++;
      while (row < to && places[row] === place) row++;
      if (place < 0) continue;
      const slice = this.#slices[place]!;
      if (row - from === 1) {
        const value = values[from]!;
        if (value - value === 0 && (present === null || present[from] === 1))
          this.#core.accumulatorOf(slice, field).update(value, timeMicros[from]!);
        continue;
      }
      const run = { present, times: timeMicros, from, to: row };
      // A field that has shown no value is none of the window's, however its rows are cut into batches.
      if (slice.fields[field] === undefined && !hasFinite(values, run)) continue;
      this.#core.accumulatorOf(slice, field).updateRun(values, run);
    }
  }

  #takeTexts({ field, column }: WatchedColumn, to: number): void {
    for (let row = this.#taken; row < to; row++) {
      const place = this.#places[row]!;
      if (place < 0 || (column.present !== null && column.present[row] === 0)) continue;
      const text = textOf(column, row);
      if (text !== null) this.#core.accumulatorOf(this.#slices[place]!, field).updateText(text);
    }
  }
}

/** Of a row that has a value; null: it is neither a text nor a boolean. */
function textOf(column: Column, row: number): string | null {
  const value = column.values[row]!;
  if (column.kind === 'boolean' || typeof value === 'boolean') return value ? 'true' : 'false';
  return typeof value === 'string' ? value : null;
}

function hasFinite(values: Float64Array, { present, from, to }: Run): boolean {
  for (let row = from; row < to; row++)
    if (Number.isFinite(values[row]) && (present === null || present[row] === 1)) return true;
  return false;
}
