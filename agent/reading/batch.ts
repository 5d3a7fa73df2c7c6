import { assert } from '../base/assert.ts';

/** What one named value may be. JSON null and a missing field are the same: absent. */
export type Scalar = number | bigint | boolean | string | Uint8Array;

/** Names of a series: topic parts and tag fields. Keys sorted, so that equal tags are equal text. */
export type Tags = Readonly<Record<string, string>>;

/** OPC UA's three grades. Bad never enters an average. */
export const Quality = { good: 0, uncertain: 1, bad: 2 } as const;
export type Quality = (typeof Quality)[keyof typeof Quality];
export const qualityNames = ['good', 'uncertain', 'bad'] as const;

/**
 * One named value over all readings of a batch. `values.length` is the batch's length; where `present` is not
 * null, `present[i] === 0` says that reading i has no such value (its slot then holds 0, false, '' or an empty array).
 * `mixed` is what a field becomes whose readings disagree about its kind.
 */
export type Column =
  | {
      readonly kind: 'number';
      readonly name: string;
      readonly values: Float64Array;
      readonly present: Presence;
    }
  | {
      readonly kind: 'bigint';
      readonly name: string;
      readonly values: BigInt64Array;
      readonly present: Presence;
    }
  | {
      readonly kind: 'boolean';
      readonly name: string;
      readonly values: Uint8Array;
      readonly present: Presence;
    }
  | {
      readonly kind: 'text';
      readonly name: string;
      readonly values: readonly string[];
      readonly present: Presence;
    }
  | {
      readonly kind: 'bytes';
      readonly name: string;
      readonly values: readonly Uint8Array[];
      readonly present: Presence;
    }
  | {
      readonly kind: 'mixed';
      readonly name: string;
      readonly values: readonly Scalar[];
      readonly present: Presence;
    };
export type ColumnKind = Column['kind'];

/** One byte a reading, 1 where the value is there; null means that it always is. */
export type Presence = Uint8Array | null;

/** Whose clock the event times of a batch come from. */
export type ClockSource = 'device' | 'agent';

/**
 * Readings of one stream moving together, in columns: the unit of flow, of credit, of commit and of
 * acknowledgement. A batch is immutable once it leaves the room that built it.
 */
export interface Batch {
  readonly stream: string;
  /** Number of readings, >= 0. Every array below has this length. */
  readonly length: number;
  /** Event time in microseconds since 1970, integers, in arrival order (not sorted). */
  readonly timeMicros: Float64Array;
  /** Nanoseconds 0 … 999 beyond the microsecond; null when all are 0. */
  readonly timeNanos: Uint16Array | null;
  readonly clock: ClockSource;
  /** {@link Quality} codes. */
  readonly quality: Uint8Array;
  /** Series that occur in the batch; `seriesIndex[i] < series.length`. */
  readonly series: readonly Tags[];
  readonly seriesIndex: Uint32Array;
  /** Distinct names, in order of first appearance. */
  readonly columns: readonly Column[];
}

/** Tags as one text that is equal exactly when the tags are: the key of per-series state. */
export function seriesKey(tags: Tags): string {
  const names = Object.keys(tags);
  if (names.length === 0) return '';
  if (names.length > 1) names.sort();
  let key = '';
  for (const name of names) key += `${JSON.stringify(name)}:${JSON.stringify(tags[name])},`;
  return key;
}

/** The value of one column at reading `row`, or undefined where it is absent. */
export function valueAt(column: Column, row: number): Scalar | undefined {
  if (column.present !== null && column.present[row] === 0) return undefined;
  if (column.kind === 'boolean') return column.values[row] === 1;
  return column.values[row];
}

/** A copy of `batch` holding only the readings at `rows` (ascending indexes). */
export function selectRows(batch: Batch, rows: Uint32Array): Batch {
  if (rows.length === batch.length) return batch;
  const pick = <T extends Float64Array | Uint8Array | Uint16Array | Uint32Array | BigInt64Array>(
    from: T,
  ): T => {
    const to = new (from.constructor as new (length: number) => T)(rows.length);
    for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]!]!;
    return to;
  };
  const columns = batch.columns.map((column): Column => {
    const present = column.present === null ? null : pick(column.present);
    switch (column.kind) {
      case 'number':
        return { ...column, values: pick(column.values), present };
      case 'bigint':
        return { ...column, values: pick(column.values), present };
      case 'boolean':
        return { ...column, values: pick(column.values), present };
      case 'text':
        return { ...column, values: pickAny(column.values, rows), present };
      case 'bytes':
        return { ...column, values: pickAny(column.values, rows), present };
      case 'mixed':
        return { ...column, values: pickAny(column.values, rows), present };
    }
  });
  return {
    ...batch,
    length: rows.length,
    timeMicros: pick(batch.timeMicros),
    timeNanos: batch.timeNanos === null ? null : pick(batch.timeNanos),
    quality: pick(batch.quality),
    seriesIndex: pick(batch.seriesIndex),
    columns,
  };
}

/** A loop: `Array.from` with a function makes two objects for each row. */
function pickAny<T>(from: readonly T[], rows: Uint32Array): T[] {
  const to: T[] = [];
  for (let i = 0; i < rows.length; i++) to.push(from[rows[i]!]!);
  return to;
}

/** Readings `from` … `to - 1` of a batch; arrays are views of the original. */
export function sliceBatch(batch: Batch, from: number, to: number): Batch {
  assert(from >= 0 && from <= to && to <= batch.length, 'slice within the batch');
  if (from === 0 && to === batch.length) return batch;
  return {
    ...batch,
    length: to - from,
    timeMicros: batch.timeMicros.subarray(from, to),
    timeNanos: batch.timeNanos?.subarray(from, to) ?? null,
    quality: batch.quality.subarray(from, to),
    seriesIndex: batch.seriesIndex.subarray(from, to),
    columns: batch.columns.map(
      (column) =>
        ({
          ...column,
          values: Array.isArray(column.values)
            ? column.values.slice(from, to)
            : (column.values as Float64Array).subarray(from, to),
          present: column.present?.subarray(from, to) ?? null,
        }) as Column,
    ),
  };
}

/**
 * What readers of durable storage refuse must not get there: it would be acknowledged and then set aside as damaged.
 * @throws {Bug} when a batch breaks its own contract; called where batches enter durable storage.
 */
export function assertBatch(batch: Batch): void {
  const { length, timeMicros, timeNanos, quality, series, seriesIndex, columns } = batch;
  assert(timeMicros.length === length, 'timeMicros has the batch length');
  assert(timeNanos === null || timeNanos.length === length, 'timeNanos has the batch length');
  assert(quality.length === length, 'quality has the batch length');
  assert(seriesIndex.length === length, 'seriesIndex has the batch length');
  for (let i = 0; i < length; i++) {
    assert(Number.isSafeInteger(timeMicros[i]), 'an event time is an integer that a double holds exactly');
    assert(quality[i]! <= Quality.bad, 'quality is one of three grades');
    assert(seriesIndex[i]! < series.length, 'a reading is of a series of the batch');
  }
  if (timeNanos !== null) assert(isUpTo(999, timeNanos), 'nanoseconds are 0 … 999');
  const names = new Set<string>();
  for (const { kind, name, values, present } of columns) {
    assert(values.length === length, `column ${name} has the batch length`);
    assert(present === null || (present.length === length && isUpTo(1, present)), `presence of ${name}`);
    assert(kind !== 'boolean' || isUpTo(1, values), `booleans of ${name} are 0 or 1`);
    names.add(name);
  }
  assert(names.size === columns.length, 'names of columns are distinct');
}

function isUpTo(most: number, values: Uint8Array | Uint16Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! > most) return false;
  return true;
}
