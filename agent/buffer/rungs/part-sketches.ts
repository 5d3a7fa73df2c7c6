import { Prng } from '../../base/prng.ts';
import type { Column } from '../../reading/batch.ts';
import { HyperLogLog } from '../../sketch/hyperloglog.ts';
import { Kll } from '../../sketch/kll.ts';
import type { Numbers, Texts } from './fields.ts';
import type { Parting } from './grouping.ts';
import { distinctLgK, quantilesK, sketchValuesMin } from './limits.ts';
import { bytesIn, type RowColumns } from './row-columns.ts';

/** Sketches of one field, by the row they stand on. */
export interface FieldSketches {
  readonly quantiles: ReadonlyMap<number, Kll>;
  readonly distinct: ReadonlyMap<number, HyperLogLog>;
}

/** KLL of the values of each part that has enough. Seeded by where the block begins, so that a step done again gives the same bytes. */
export function quantilesOf(numbers: Numbers, { parts, partOf }: Parting, seed: number): Map<number, Kll> {
  const { values, present } = numbers;
  const counts = new Uint32Array(parts);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if ((present === null || present[i] === 1) && value - value === 0) counts[partOf[i]!]!++;
  }
  const taken = Array.from(counts, (count) => (count >= sketchValuesMin ? new Float64Array(count) : null));
  if (counts[0] === values.length) taken[0]?.set(values);
  else {
    counts.fill(0);
    for (let i = 0; i < values.length; i++) {
      const part = partOf[i]!;
      const own = taken[part]!;
      if (own === null || (present !== null && present[i] === 0) || values[i]! - values[i]! !== 0) continue;
      own[counts[part]!++] = values[i]!;
    }
  }
  const sketches = new Map<number, Kll>();
  for (const [part, own] of taken.entries()) {
    if (own === null) continue;
    sketches.set(part, Kll.of(own, new Prng(seed + part), { k: quantilesK, precision: 'float' }));
  }
  return sketches;
}

/** HyperLogLog of the texts of each part in which `counted` says that some are not counted by value. */
export function distinctOf(
  { values, present }: Texts,
  { parts, partOf }: Parting,
  uncounted: (part: number) => boolean,
): Map<number, HyperLogLog> {
  const sketches = Array.from({ length: parts }, (_, part) =>
    uncounted(part) ? new HyperLogLog({ lgK: distinctLgK }) : null,
  );
  for (let i = 0; i < values.length; i++) {
    if (present === null || present[i] === 1) sketches[partOf[i]!]?.updateText(values[i]!);
  }
  return found(sketches);
}

/**
 * Joins the sketches of finer rows; `keyOf` says on which row each goes, -1 for none. With `countOf`, quantiles of more values than their row has go:
 * they describe more than the row. @throws {MalformedBytes}
 */
export function joinSketches(
  columns: RowColumns,
  field: string,
  by: {
    keyOf: (input: number) => number;
    countOf: ((row: number) => number) | null;
    seed: number;
  },
): FieldSketches {
  const quantiles = new Map<number, Kll>();
  const distinct = new Map<number, HyperLogLog>();
  const quantileBytes = bytesIn(columns, field, 'quantiles');
  const distinctBytes = bytesIn(columns, field, 'distinct');
  for (let row = 0; row < columns.rows; row++) {
    const key = by.keyOf(row);
    if (key < 0) continue;
    const kll = quantileBytes?.[row];
    if (kll !== undefined && kll.length > 0) {
      const parsed = Kll.parse(kll, { chance: new Prng(by.seed + key), precision: 'float' });
      columns.check(parsed.ok && parsed.value.k === quantilesK, 'quantiles are no sketch');
      const known = quantiles.get(key);
      if (known === undefined) quantiles.set(key, parsed.value);
      else known.merge(parsed.value);
    }
    const hll = distinctBytes?.[row];
    if (hll !== undefined && hll.length > 0) {
      const parsed = HyperLogLog.parse(hll);
      columns.check(parsed.ok && parsed.value.lgK === distinctLgK, 'distinct is no sketch');
      const known = distinct.get(key);
      if (known === undefined) distinct.set(key, parsed.value);
      else known.merge(parsed.value);
    }
  }
  if (by.countOf !== null) {
    for (const [row, sketch] of quantiles) if (sketch.n > by.countOf(row)) quantiles.delete(row);
  }
  return { quantiles, distinct };
}

export function sketchColumns(field: string, { quantiles, distinct }: FieldSketches, rows: number): Column[] {
  const columns: Column[] = [];
  if (quantiles.size > 0) columns.push(bytesColumn(`${field}_quantiles`, quantiles, rows));
  if (distinct.size > 0) columns.push(bytesColumn(`${field}_distinct`, distinct, rows));
  return columns;
}

function bytesColumn(name: string, sketches: ReadonlyMap<number, Kll | HyperLogLog>, rows: number): Column {
  const values: Uint8Array[] = [];
  while (values.length < rows) values.push(none);
  const present = new Uint8Array(rows);
  for (const [row, sketch] of sketches) {
    values[row] = sketch.toBytes();
    present[row] = 1;
  }
  return { kind: 'bytes', name, values, present };
}

function found<T>(sketches: readonly (T | null)[]): Map<number, T> {
  const map = new Map<number, T>();
  for (const [part, sketch] of sketches.entries()) if (sketch !== null) map.set(part, sketch);
  return map;
}

const none = new Uint8Array(0);
