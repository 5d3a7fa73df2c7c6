import { nearest } from '../base/nearest.ts';
import type { Batch, Tags } from '../reading/batch.ts';
import { knownNamesMax } from './limits.ts';
import type { Query } from './query.ts';

/** Names of fields and tags that readings of the streams asked have, so that one that none has can be told of. */
export class Names {
  readonly #fields = new Set<string>();
  readonly #tags = new Set<string>();
  #any = false;

  field(name: string): void {
    this.#any = true;
    if (this.#fields.size < knownNamesMax) this.#fields.add(name);
  }

  tags(tags: Tags): void {
    this.#any = true;
    if (this.#tags.size >= knownNamesMax) return;
    for (const name of Object.keys(tags)) this.#tags.add(name);
  }

  batch({ columns, series }: Batch): void {
    for (const { name } of columns) this.field(name);
    for (const tags of series) this.tags(tags);
  }

  /** A sentence for each name in the query that is none of these. None while nothing is known. */
  notes({ aggregates, filters, keys }: Query): string[] {
    if (!this.#any) return [];
    const fields = aggregates.flatMap(({ field }) => (field === null ? [] : [field]));
    const tags = [
      ...filters.map(({ tag }) => tag),
      ...keys.flatMap((key) => (key.kind === 'tag' ? [key.tag] : [])),
    ];
    return [
      ...missing(fields, this.#fields).map((words) => `no reading asked has a field ${words}`),
      ...missing(tags, this.#tags).map((words) => `no reading asked has a tag ${words}`),
    ];
  }
}

function missing(asked: readonly string[], known: ReadonlySet<string>): string[] {
  return [...new Set(asked)]
    .filter((name) => !known.has(name))
    .map((name) => JSON.stringify(name) + didYouMean(name, [...known]));
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
