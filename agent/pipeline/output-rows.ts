import type { Batch, Column, Scalar } from '../reading/batch.ts';
import { selectRows, valueAt } from '../reading/batch.ts';
import type { HeldReading } from './held-reading.ts';
import { heldValue } from './held-reading.ts';
import { columnOf } from './stages/rename.ts';

/**
 * What a stage gives out of a batch, in the order it says: rows of the batch, and readings held from earlier ones. Columns are
 * copied only where something is left out, held or moved.
 */
export class OutputRows {
  readonly #batch: Batch;
  /** Row of the batch, or ~index of a held reading. */
  readonly #order: number[] = [];
  readonly #held: HeldReading[] = [];
  readonly #heldSeries: number[] = [];
  /** Rows so far are 0, 1, 2 …: the batch itself, if nothing more comes of it. */
  #isPrefix = true;

  constructor(batch: Batch) {
    this.#batch = batch;
  }

  /** Readings given out so far. */
  get length(): number {
    return this.#order.length;
  }

  row(row: number): void {
    if (row !== this.#order.length) this.#isPrefix = false;
    this.#order.push(row);
  }

  /** `seriesIndex` is the place of the reading's series in the batch. */
  held(held: HeldReading, seriesIndex: number): void {
    this.#isPrefix = false;
    this.#order.push(~this.#held.length);
    this.#held.push(held);
    this.#heldSeries.push(seriesIndex);
  }

  /** Null when nothing was given out. */
  finish(): Batch | null {
    const batch = this.#batch;
    const order = this.#order;
    if (order.length === 0) return null;
    if (this.#isPrefix && order.length === batch.length) return batch;
    if (this.#held.length === 0 && order.length < batch.length)
      return selectRows(batch, Uint32Array.from(order));
    const length = order.length;
    const timeMicros = new Float64Array(length);
    const quality = new Uint8Array(length);
    const seriesIndex = new Uint32Array(length);
    const timeNanos = this.#needsNanos() ? new Uint16Array(length) : null;
    for (let i = 0; i < length; i++) {
      const row = order[i]!;
      const held = row < 0 ? this.#held[~row]! : null;
      timeMicros[i] = held === null ? batch.timeMicros[row]! : held.timeMicros;
      quality[i] = held === null ? batch.quality[row]! : held.quality;
      seriesIndex[i] = held === null ? batch.seriesIndex[row]! : this.#heldSeries[~row]!;
      if (timeNanos !== null) timeNanos[i] = held === null ? (batch.timeNanos?.[row] ?? 0) : held.timeNanos;
    }
    return { ...batch, length, timeMicros, timeNanos, quality, seriesIndex, columns: this.#columns() };
  }

  #needsNanos(): boolean {
    return this.#batch.timeNanos !== null || this.#held.some((held) => held.timeNanos !== 0);
  }

  #columns(): Column[] {
    const columns: Column[] = [];
    const names = new Set<string>();
    for (const column of this.#batch.columns) {
      names.add(column.name);
      const gathered = this.#numbers(column) ?? this.#booleans(column) ?? this.#gathered(column.name, column);
      if (gathered !== null) columns.push(gathered);
    }
    for (const held of this.#held) {
      for (const name of held.names) {
        if (names.has(name)) continue;
        names.add(name);
        const gathered = this.#gathered(name, null);
        if (gathered !== null) columns.push(gathered);
      }
    }
    return columns;
  }

  /** The usual case, numbers in every reading that has the field; null: another one. */
  #numbers(column: Column): Column | null {
    if (column.kind !== 'number' || column.present !== null) return null;
    const { name } = column;
    const values = new Float64Array(this.#order.length);
    for (let i = 0; i < values.length; i++) {
      const row = this.#order[i]!;
      const value = row >= 0 ? column.values[row]! : heldValue(this.#held[~row]!, name);
      if (typeof value !== 'number') return null;
      values[i] = value;
    }
    return { kind: 'number', name, values, present: null };
  }

  /** The same for flags. */
  #booleans(column: Column): Column | null {
    if (column.kind !== 'boolean' || column.present !== null) return null;
    const { name } = column;
    const values = new Uint8Array(this.#order.length);
    for (let i = 0; i < values.length; i++) {
      const row = this.#order[i]!;
      const held = row >= 0 ? column.values[row] === 1 : heldValue(this.#held[~row]!, name);
      if (typeof held !== 'boolean') return null;
      values[i] = held ? 1 : 0;
    }
    return { kind: 'boolean', name, values, present: null };
  }

  #gathered(name: string, column: Column | null): Column | null {
    const values = this.#order.map((row): Scalar | undefined =>
      row < 0 ? heldValue(this.#held[~row]!, name) : column === null ? undefined : valueAt(column, row),
    );
    return values.every((value) => value === undefined) ? null : columnOf(name, values);
  }
}

/** The account of a stage that gives out `main` for `received` readings: what is missing is filtered, what is more is derived. */
export function netAccount(
  main: Batch | null,
  received: number,
  rule: string,
): {
  readonly filtered?: readonly { readonly rule: string; readonly count: number }[];
  readonly derived?: number;
} {
  const missing = received - (main?.length ?? 0);
  if (missing === 0) return {};
  return missing > 0 ? { filtered: [{ rule, count: missing }] } : { derived: -missing };
}
