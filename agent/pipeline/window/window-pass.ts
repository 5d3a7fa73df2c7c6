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
  readonly table: { readonly dirtySlices: { add(slice: Slice): void } };
}

export interface WatchedColumn {
  readonly field: number;
  readonly column: Column;
  /** What of it counts as numbers; null: nothing. */
  readonly values: Float64Array | null;
  /** Texts and booleans count, as what they are called. */
  readonly hasTexts: boolean;
}

/** Places in `order` where the rows of each slice end; they begin where those of the one before end. */
interface RowsBySlice {
  readonly order: Uint32Array;
  readonly ends: Uint32Array;
}

/** A {@link Run} that is used again and again. */
interface Gathered extends Run {
  count: number;
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
  #run: Gathered | null = null;

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
    const count = row - this.#taken;
    // A few rows among many slices, as when each of them is late: not worth an order.
    const rows = count < 2 || count * 4 < this.#slices.length ? null : this.#inOrder(row);
    for (const column of this.#columns) {
      const { values } = column;
      if (values !== null && rows === null) this.#takeSingly(column, values, row);
      else if (values !== null) this.#takeNumbers(column, values, rows!);
      if (column.hasTexts) this.#takeTexts(column, row);
    }
    this.#taken = row;
    close();
  }

  /** The rows that were not taken yet, by slice; those of one slice stay as they came. */
  #inOrder(to: number): RowsBySlice {
    const places = this.#places;
    // Of each place: first how many rows it has, then where they begin, and in the end where they end.
    const ends = new Uint32Array(this.#slices.length);
    for (let row = this.#taken; row < to; row++) if (places[row]! >= 0) ends[places[row]!]!++;
    let sum = 0;
    for (let place = 0; place < ends.length; place++) {
      const count = ends[place]!;
      ends[place] = sum;
      sum += count;
    }
    const order = new Uint32Array(sum);
    for (let row = this.#taken; row < to; row++) if (places[row]! >= 0) order[ends[places[row]!]!++] = row;
    return { order, ends };
  }

  end(): void {
    for (const slice of this.#slices) slice.touched = -1;
  }

  /** Slice by slice, so that each one's sums and sketches are looked up once, and are at hand for all its values. */
  #takeNumbers({ field, column }: WatchedColumn, values: Float64Array, { order, ends }: RowsBySlice): void {
    const { timeMicros } = this.#batch;
    const { present } = column;
    const run = (this.#run ??= newRun(timeMicros.length));
    let at = 0;
    for (let place = 0; place < ends.length; place++) {
      const end = ends[place]!;
      let count = 0;
      for (; at < end; at++) {
        const row = order[at]!;
        if (present !== null && present[row] === 0) continue;
        const value = values[row]!;
        // 0 for finite numbers only.
        if (value - value !== 0) continue;
        run.values[count] = value;
        run.times[count++] = timeMicros[row]!;
      }
      // A field that has shown no value is none of the window's, however its rows are cut into batches.
      if (count === 0) continue;
      const sums = this.#core.accumulatorOf(this.#slices[place]!, field);
      run.count = count;
      sums.updateRun(run);
    }
  }

  #takeSingly({ field, column }: WatchedColumn, values: Float64Array, to: number): void {
    const { present } = column;
    for (let row = this.#taken; row < to; row++) {
      const place = this.#places[row]!;
      if (place < 0 || (present !== null && present[row] === 0)) continue;
      const value = values[row]!;
      if (value - value !== 0) continue;
      this.#core.accumulatorOf(this.#slices[place]!, field).update(value, this.#batch.timeMicros[row]!);
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

function newRun(rows: number): Gathered {
  return { values: new Float64Array(rows), times: new Float64Array(rows), count: 0 };
}
