import type { ReadingJson } from '../../api/contract.ts';

type FixedKind = 'text' | 'time' | 'whole';

interface FixedColumn {
  readonly name: string;
  readonly kind: FixedKind;
  readonly value: (reading: ReadingJson) => string | number | null | undefined;
}

/**
 * What stands before tags and values in every table, whatever is exported, so that files of a stream that grew coarser fit those from before. `until`,
 * `count` and `end` are a summary's, and empty of a raw reading; `clock` is empty where the time can be trusted.
 */
export const fixedColumns: readonly FixedColumn[] = [
  { name: 'epoch', kind: 'text', value: ({ epoch }) => epoch },
  { name: 'offset', kind: 'whole', value: ({ offset }) => offset },
  { name: 'time', kind: 'time', value: ({ time }) => time },
  { name: 'quality', kind: 'text', value: ({ quality }) => quality },
  { name: 'fidelity', kind: 'text', value: ({ fidelity }) => fidelity },
  { name: 'until', kind: 'whole', value: ({ until }) => until },
  { name: 'count', kind: 'whole', value: ({ count }) => count },
  { name: 'end', kind: 'time', value: ({ end }) => end },
  { name: 'clock', kind: 'text', value: ({ clock }) => clock },
];
const fixedNames = fixedColumns.map(({ name }) => name);

/** Names of the columns of tags and of fields, in order of the names they come from. */
export interface ColumnNames {
  readonly tags: ReadonlyMap<string, string>;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * Each its own name; `tag.NAME` and `value.NAME` where both have it, or a column that is always there. No name stands twice: the mark is repeated where a
 * tag or field is called like that itself.
 */
export function columnNames(tags: ReadonlySet<string>, values: ReadonlySet<string>): ColumnNames {
  const taken = new Set(fixedNames);
  const named = (
    own: ReadonlySet<string>,
    { others, mark }: { others: ReadonlySet<string>; mark: string },
  ): Map<string, string> =>
    new Map(
      [...own].sort().map((name) => {
        let column = others.has(name) ? `${mark}${name}` : name;
        while (taken.has(column)) column = `${mark}${column}`;
        taken.add(column);
        return [name, column];
      }),
    );
  const ofTags = named(tags, { others: values, mark: 'tag.' });
  return { tags: ofTags, values: named(values, { others: tags, mark: 'value.' }) };
}

/** What a reading has of that name; names such as `constructor` are fields like any other. */
export function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The number behind `{"number":"NaN"}` and its like, as lines write what JSON has no number for; else null. */
export function nonFinite(value: unknown): number | null {
  if (typeof value !== 'object' || value === null || !('number' in value)) return null;
  return Number(value.number);
}
