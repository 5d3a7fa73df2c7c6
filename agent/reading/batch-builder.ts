import { assert } from '../base/assert.ts';
import {
  selectRows,
  type Batch,
  type ClockSource,
  type Column,
  type ColumnKind,
  type Quality,
  type Scalar,
  type Tags,
} from './batch.ts';

type Growing =
  | { kind: 'number'; values: Float64Array }
  | { kind: 'bigint'; values: BigInt64Array }
  | { kind: 'boolean'; values: Uint8Array }
  | { kind: 'text'; values: string[] }
  | { kind: 'bytes'; values: Uint8Array[] }
  | { kind: 'mixed'; values: Scalar[] };

interface GrowingColumn {
  readonly name: string;
  data: Growing;
  /** Rows that have a value. Rows are filled in order, so `count < row` says there are holes. */
  present: Uint8Array | null;
  /** First row not yet decided: rows below it are present or marked absent. */
  filled: number;
}

/**
 * Collects the readings of one stream into columns. A reading is begun, its values are set, and the next one
 * begun; `abandon` takes the one under construction back. Columns appear as names do, at most `columnsLimit`.
 */
export class BatchBuilder {
  readonly stream: string;
  readonly clock: ClockSource;
  readonly columnsLimit: number;
  #capacity: number;
  /** Readings begun; the last one may still be under construction. */
  #length = 0;
  #time: Float64Array;
  #nanos: Uint16Array | null = null;
  #quality: Uint8Array;
  #seriesIndex: Uint32Array;
  /** 1 where a reading of a `device` builder took the time of its arrival; made when one does. */
  #arrived: Uint8Array | null = null;
  #arrivals = 0;
  readonly #series: Tags[] = [];
  readonly #seriesIds = new Map<Tags, number>();
  readonly #columns: GrowingColumn[] = [];
  readonly #byName = new Map<string, GrowingColumn>();
  /** Where the next name is expected: readings of a stream repeat the same names in the same order. */
  #hint = 0;

  constructor(options: { stream: string; clock: ClockSource; capacity?: number; columnsLimit?: number }) {
    this.stream = options.stream;
    this.clock = options.clock;
    this.columnsLimit = options.columnsLimit ?? 1024;
    this.#capacity = options.capacity ?? 64;
    this.#time = new Float64Array(this.#capacity);
    this.#quality = new Uint8Array(this.#capacity);
    this.#seriesIndex = new Uint32Array(this.#capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Slots in use, absent values too: what the batch costs in memory, times eight bytes. */
  get cells(): number {
    return this.#length * this.#columns.length;
  }

  /** `tags` is compared by identity: intern equal tags to one object, or the series table grows. */
  begin(reading: {
    tags: Tags;
    timeMicros: number;
    timeNanos?: number;
    quality?: Quality;
    /** It brought no time of its own although the builder's clock is the device's. */
    arrived?: boolean;
  }): void {
    if (this.#length === this.#capacity) this.#grow();
    const row = this.#length++;
    this.#time[row] = reading.timeMicros;
    if (reading.timeNanos !== undefined && reading.timeNanos !== 0) {
      this.#nanos ??= new Uint16Array(this.#capacity);
      this.#nanos[row] = reading.timeNanos;
    }
    this.#quality[row] = reading.quality ?? 0;
    if (reading.arrived === true && this.clock === 'device') this.#markArrived(row);
    let id = this.#seriesIds.get(reading.tags);
    if (id === undefined) {
      id = this.#series.length;
      this.#series.push(reading.tags);
      this.#seriesIds.set(reading.tags, id);
    }
    this.#seriesIndex[row] = id;
    this.#hint = 0;
  }

  /** Sets a value of the reading begun last. False when the name would be one column too many. A second value of one name wins. */
  set(name: string, value: Scalar): boolean {
    let column = this.#columns[this.#hint];
    if (column === undefined || column.name !== name) {
      column = this.#byName.get(name) ?? this.#addColumn(name, value);
      if (column === undefined) return false;
    }
    this.#hint++;
    const row = this.#length - 1;
    if (column.filled < row) markAbsent(column, row, this.#capacity);
    if (column.present !== null) column.present[row] = 1;
    column.filled = row + 1;
    this.#write(column, row, value);
    return true;
  }

  /** Takes the reading begun last back, with its values. */
  abandon(): void {
    assert(this.#length > 0, 'a reading was begun');
    const row = --this.#length;
    if (this.#nanos !== null) this.#nanos[row] = 0;
    if (this.#arrived?.[row] === 1) {
      this.#arrived[row] = 0;
      this.#arrivals--;
    }
    for (const column of this.#columns) {
      if (column.filled <= row) continue;
      column.filled = row;
      if (column.present !== null) column.present[row] = 0;
      if (Array.isArray(column.data.values)) column.data.values.length = row;
    }
  }

  /** The batch of everything begun so far; the builder must not be used afterwards. */
  finish(): Batch {
    const length = this.#length;
    const columns: Column[] = [];
    for (const column of this.#columns) {
      if (column.filled === 0 || (column.present !== null && !column.present.includes(1))) continue;
      if (column.filled < length) markAbsent(column, length, this.#capacity);
      const present = column.present?.slice(0, length) ?? null;
      const values = Array.isArray(column.data.values)
        ? padded(column.data.kind, column.data.values, length)
        : column.data.values.slice(0, length);
      columns.push({ kind: column.data.kind, name: column.name, values, present } as Column);
    }
    return {
      stream: this.stream,
      length,
      timeMicros: this.#time.slice(0, length),
      timeNanos: this.#nanos?.slice(0, length) ?? null,
      clock: this.clock,
      quality: this.#quality.slice(0, length),
      series: this.#series,
      seriesIndex: this.#seriesIndex.slice(0, length),
      columns,
    };
  }

  /**
   * What {@link finish} gives, by whose clock it is: one batch, or where some readings of a device's stream brought no time, two. None is
   * empty, unless nothing was begun.
   */
  finishByClock(): readonly Batch[] {
    const batch = this.finish();
    const arrived = this.#arrived;
    if (arrived === null || this.#arrivals === 0) return [batch];
    if (this.#arrivals === batch.length) return [{ ...batch, clock: 'agent' }];
    const rows = Uint32Array.from(batch.timeMicros.keys());
    return [
      selectRows(
        batch,
        rows.filter((row) => arrived[row] !== 1),
      ),
      {
        ...selectRows(
          batch,
          rows.filter((row) => arrived[row] === 1),
        ),
        clock: 'agent',
      },
    ];
  }

  #markArrived(row: number): void {
    if (this.#arrived === null || this.#arrived.length < this.#capacity) {
      const wider = new Uint8Array(this.#capacity);
      if (this.#arrived !== null) wider.set(this.#arrived);
      this.#arrived = wider;
    }
    this.#arrived[row] = 1;
    this.#arrivals++;
  }

  #addColumn(name: string, value: Scalar): GrowingColumn | undefined {
    if (this.#columns.length >= this.columnsLimit) return undefined;
    const column: GrowingColumn = {
      name,
      data: growing(kindOf(value), this.#capacity),
      present: null,
      filled: 0,
    };
    this.#columns.push(column);
    this.#byName.set(name, column);
    return column;
  }

  #write(column: GrowingColumn, row: number, value: Scalar): void {
    const data = column.data;
    switch (data.kind) {
      case 'number':
        if (typeof value === 'number') {
          data.values[row] = value;
          return;
        }
        break;
      case 'boolean':
        if (typeof value === 'boolean') {
          data.values[row] = value ? 1 : 0;
          return;
        }
        break;
      case 'bigint':
        if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) {
          data.values[row] = value;
          return;
        }
        break;
      case 'text':
        if (typeof value === 'string') {
          data.values[row] = value;
          return;
        }
        break;
      case 'bytes':
        if (value instanceof Uint8Array) {
          data.values[row] = value;
          return;
        }
        break;
      case 'mixed':
        data.values[row] = value;
        return;
    }
    const mixed = toMixed(data, row);
    mixed.values[row] = value;
    column.data = mixed;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    this.#time = enlarged(this.#time, capacity);
    this.#quality = enlarged(this.#quality, capacity);
    this.#seriesIndex = enlarged(this.#seriesIndex, capacity);
    if (this.#nanos !== null) this.#nanos = enlarged(this.#nanos, capacity);
    for (const column of this.#columns) {
      if (column.present !== null) column.present = enlarged(column.present, capacity);
      const data = column.data;
      if (data.kind === 'number') data.values = enlarged(data.values, capacity);
      else if (data.kind === 'boolean') data.values = enlarged(data.values, capacity);
      else if (data.kind === 'bigint') data.values = enlarged(data.values, capacity);
    }
    this.#capacity = capacity;
  }
}

/** The kind a lone value gives its column. */
export function kindOf(value: Scalar): ColumnKind {
  if (typeof value === 'number') return 'number';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value ? 'bigint' : 'mixed';
  return 'bytes';
}

/** What stands in a slot whose value is absent. */
const blanks = { text: '', bytes: new Uint8Array(0), mixed: 0 } as const;

function growing(kind: ColumnKind, capacity: number): Growing {
  switch (kind) {
    case 'number':
      return { kind, values: new Float64Array(capacity) };
    case 'bigint':
      return { kind, values: new BigInt64Array(capacity) };
    case 'boolean':
      return { kind, values: new Uint8Array(capacity) };
    case 'text':
      return { kind, values: [] };
    case 'bytes':
      return { kind, values: [] };
    case 'mixed':
      return { kind, values: [] };
  }
}

/** Rows `column.filled` … `row - 1` have no value. */
function markAbsent(column: GrowingColumn, row: number, capacity: number): void {
  if (column.present === null) {
    column.present = new Uint8Array(capacity);
    column.present.fill(1, 0, column.filled);
  }
  const data = column.data;
  for (let i = column.filled; i < row; i++) {
    column.present[i] = 0;
    if (data.kind === 'number' || data.kind === 'boolean') data.values[i] = 0;
    else if (data.kind === 'bigint') data.values[i] = 0n;
    else data.values[i] = blanks[data.kind] as never;
  }
  column.filled = row;
}

function toMixed(data: Growing, rows: number): { kind: 'mixed'; values: Scalar[] } {
  const values: Scalar[] = [];
  for (let i = 0; i < rows; i++)
    values.push(data.kind === 'boolean' ? data.values[i] === 1 : data.values[i]!);
  return { kind: 'mixed', values };
}

function padded(kind: ColumnKind, values: unknown[], length: number): unknown[] {
  while (values.length < length) values.push(blanks[kind as keyof typeof blanks]);
  return values;
}

function enlarged<T extends Float64Array | Uint8Array | Uint16Array | Uint32Array | BigInt64Array>(
  from: T,
  capacity: number,
): T {
  const to = new (from.constructor as new (length: number) => T)(capacity);
  (to as Uint8Array).set(from as Uint8Array);
  return to;
}
