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
const taken = new Set(fixedColumns.map(({ name }) => name));

interface Names {
  has(name: string): boolean;
}

/** Its own name, or `tag.NAME` where a field or a column that is always there has it. */
export function tagColumn(tag: string, values: Names): string {
  return taken.has(tag) || values.has(tag) ? `tag.${tag}` : tag;
}

/** Its own name, or `value.NAME` where a tag or a column that is always there has it. */
export function valueColumn(field: string, tags: Names): string {
  return taken.has(field) || tags.has(field) ? `value.${field}` : field;
}
