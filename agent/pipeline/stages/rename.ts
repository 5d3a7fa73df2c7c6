import type { Column, Scalar } from '../../reading/batch.ts';
import { kindOf } from '../../reading/batch-builder.ts';
import { valueAt } from '../../reading/batch.ts';
import type { Stage } from '../stage.ts';

/**
 * Renames fields, all at once, so that two names can be swapped. Where a reading already has the new name, both values
 * stay: the old one under its old name. Drops nothing.
 */
export function renameStage(rule: string, names: Readonly<Record<string, string>>): Stage {
  const renames = new Map(Object.entries(names));
  return {
    rule,
    process(batch) {
      if (!batch.columns.some((column) => renames.has(column.name))) return { main: batch };
      const taken = new Map<string, Column>();
      for (const column of batch.columns) if (!renames.has(column.name)) taken.set(column.name, column);
      const columns: Column[] = [];
      const leftovers: Column[] = [];
      for (const column of batch.columns) {
        const name = renames.get(column.name);
        if (name === undefined) continue;
        const present = taken.get(name);
        if (present === undefined) taken.set(name, { ...column, name });
        else {
          const joined = join(present, column);
          taken.set(name, joined.both);
          if (joined.rest !== null) leftovers.push(joined.rest);
        }
      }
      // Order of first appearance, as a builder would have met the new names.
      const placed = new Set<string>();
      for (const column of batch.columns) {
        const name = renames.get(column.name) ?? column.name;
        if (placed.has(name)) continue;
        placed.add(name);
        columns.push(taken.get(name)!);
      }
      return { main: { ...batch, columns: withLeftovers(columns, leftovers) } };
    },
  };
}

/** Values that found their new name taken go back to their old name; if that is in use by now, they join it where it is free. */
function withLeftovers(columns: Column[], leftovers: readonly Column[]): Column[] {
  for (const rest of leftovers) {
    const at = columns.findIndex((column) => column.name === rest.name);
    if (at < 0) columns.push(rest);
    else columns[at] = join(columns[at]!, rest).both;
  }
  return columns;
}

/** `first` where it has a value, else `second`; `rest` is what of `second` found its place taken. */
function join(first: Column, second: Column): { both: Column; rest: Column | null } {
  const length = first.values.length;
  const both: (Scalar | undefined)[] = [];
  const rest: (Scalar | undefined)[] = [];
  for (let row = 0; row < length; row++) {
    const ours = valueAt(first, row);
    const theirs = valueAt(second, row);
    both.push(ours ?? theirs);
    rest.push(ours === undefined ? undefined : theirs);
  }
  return {
    both: columnOf(first.name, both),
    rest: rest.some((value) => value !== undefined) ? columnOf(second.name, rest) : null,
  };
}

/** A column of the narrowest kind that holds the values. */
export function columnOf(name: string, values: readonly (Scalar | undefined)[]): Column {
  const kinds = new Set(values.filter((value) => value !== undefined).map(kindOf));
  const kind = kinds.size === 1 ? [...kinds][0]! : 'mixed';
  const present = values.includes(undefined)
    ? Uint8Array.from(values, (value) => (value === undefined ? 0 : 1))
    : null;
  const filled = <T extends Scalar>(blank: T): T[] => values.map((value) => (value ?? blank) as T);
  switch (kind) {
    case 'number':
      return { kind, name, present, values: Float64Array.from(filled<number>(0)) };
    case 'bigint':
      return { kind, name, present, values: BigInt64Array.from(filled<bigint>(0n)) };
    case 'boolean':
      return { kind, name, present, values: Uint8Array.from(filled<boolean>(false), Number) };
    case 'text':
      return { kind, name, present, values: filled<string>('') };
    case 'bytes':
      return { kind, name, present, values: filled<Uint8Array>(new Uint8Array(0)) };
    case 'mixed':
      return { kind, name, present, values: filled<Scalar>(0) };
  }
}
