import type { Batch, Column, Scalar } from '../../reading/batch.ts';
import { valueAt } from '../../reading/batch.ts';
import { columnOf } from './rename.ts';

/**
 * The batch with `values` written to the field of that name at the rows `chosen`. Elsewhere a reading keeps what it has there, unless
 * `clears`: then numbers go, for they are of another quantity, and what is no number stays. `values` and `chosen` are given away.
 */
export function writtenField(
  batch: Batch,
  name: string,
  values: Float64Array,
  chosen: Uint8Array,
  clears = false,
): Batch {
  const at = batch.columns.findIndex((column) => column.name === name);
  const column = at < 0 ? null : batch.columns[at]!;
  const written =
    column === null ? newColumn(name, values, chosen) : mergedColumn(column, values, chosen, clears);
  if (written === null)
    return column === null ? batch : { ...batch, columns: batch.columns.toSpliced(at, 1) };
  const columns = [...batch.columns];
  columns[at < 0 ? columns.length : at] = written;
  return { ...batch, columns };
}

/** Null when no reading has a value. Slots without one are blanked. */
function newColumn(name: string, values: Float64Array, present: Uint8Array): Column | null {
  let count = 0;
  for (let row = 0; row < present.length; row++) {
    if (present[row] === 1) count++;
    else values[row] = 0;
  }
  if (count === 0) return null;
  return { kind: 'number', name, values, present: count === present.length ? null : present };
}

function mergedColumn(
  column: Column,
  values: Float64Array,
  chosen: Uint8Array,
  clears: boolean,
): Column | null {
  if (column.kind !== 'number') return mergedSlowly(column, values, chosen, clears);
  if (clears) return newColumn(column.name, values, chosen);
  const { present } = column;
  for (let row = 0; row < chosen.length; row++) {
    if (chosen[row] === 1) continue;
    values[row] = column.values[row]!;
    if (present === null || present[row] === 1) chosen[row] = 1;
  }
  return newColumn(column.name, values, chosen);
}

function mergedSlowly(
  column: Column,
  values: Float64Array,
  chosen: Uint8Array,
  clears: boolean,
): Column | null {
  const merged = Array.from(chosen, (taken, row): Scalar | undefined => {
    if (taken === 1) return values[row]!;
    const value = valueAt(column, row);
    return clears && (typeof value === 'number' || typeof value === 'bigint') ? undefined : value;
  });
  return merged.every((value) => value === undefined) ? null : columnOf(column.name, merged);
}
