import { nearest } from '../base/nearest.ts';
import type { Batch, Tags } from '../reading/batch.ts';
import { knownNamesMax, knownValuesMax } from './limits.ts';
import type { Query } from './query.ts';

/** Names of fields and tags that readings of the streams asked have, so that one that none has can be told of. */
export class Names {
  readonly #fields = new Set<string>();
  /** Values of each tag; null: too many to tell. */
  readonly #tags = new Map<string, Set<string> | null>();
  #any = false;
  /** There are more fields, tags than are remembered: of none can be said that it is missing. */
  #manyFields = false;
  #manyTags = false;

  field(name: string): void {
    this.#any = true;
    if (this.#fields.size < knownNamesMax) this.#fields.add(name);
    else if (!this.#fields.has(name)) this.#manyFields = true;
  }

  tags(tags: Tags): void {
    this.#any = true;
    for (const [name, value] of Object.entries(tags)) {
      const values = this.#tags.get(name);
      if (values === undefined) {
        if (this.#tags.size < knownNamesMax) this.#tags.set(name, new Set([value]));
        else this.#manyTags = true;
      } else if (values !== null && values.add(value).size > knownValuesMax) this.#tags.set(name, null);
    }
  }

  batch({ columns, series }: Batch): void {
    for (const { name } of columns) this.field(name);
    for (const tags of series) this.tags(tags);
  }

  /** A sentence for each name in the query that is none of these. Of fields and tags none while nothing is known. */
  notes({ aggregates, filters, keys }: Query): string[] {
    if (!this.#any) return [];
    const values = filters.flatMap(({ tag, not, values: asked }) => {
      const known = this.#tags.get(tag) ?? null;
      if (not || known === null) return [];
      return missing(asked, [...known]).map((words) => `no reading asked has ${tag} ${words}`);
    });
    const fields = this.#manyFields ? [] : aggregates.flatMap(({ field }) => field ?? []);
    const tags = this.#manyTags
      ? []
      : [...filters.map(({ tag }) => tag), ...keys.flatMap((key) => (key.kind === 'tag' ? key.tag : []))];
    return [
      ...missing(fields, [...this.#fields]).map((words) => `no reading asked has a field ${words}`),
      ...missing(tags, [...this.#tags.keys()]).map((words) => `no reading asked has a tag ${words}`),
      ...values,
    ];
  }
}

function missing(asked: readonly string[], known: readonly string[]): string[] {
  return [...new Set(asked)]
    .filter((name) => !known.includes(name))
    .map((name) => JSON.stringify(name) + didYouMean(name, known));
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}
