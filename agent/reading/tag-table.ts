import { seriesKey, type Tags } from './batch.ts';
import { tagSetsLimit, tagTextLimit } from './limits.ts';
import { ownText } from './own-text.ts';
import { RecentMap } from './recent-map.ts';

export const noTags: Tags = Object.freeze({});

/** A set of tags with its names sorted. Safe for any name: `__proto__` becomes an own key. */
export function tagsOf(pairs: Iterable<readonly [string, string]>): Tags {
  const tags: Record<string, string> = {};
  const sorted = [...new Map(pairs)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of sorted) {
    if (name === '__proto__') {
      Object.defineProperty(tags, name, { value, enumerable: true, configurable: true, writable: true });
    } else tags[name] = value;
  }
  return tags;
}

/** Makes equal tags one object, so that a batch can tell series apart by identity. Bounded: it forgets what was not used lately. */
export class TagTable {
  readonly #limit: number;
  #interned: RecentMap<string, Tags>;
  #internedText = 0;
  /** What was derived from which tags: for each base, key → tags. */
  #derived = new WeakMap<Tags, Map<string, Tags>>();
  #derivedCount = 0;
  #derivedText = 0;

  constructor(limit: number = tagSetsLimit) {
    this.#limit = limit;
    this.#interned = new RecentMap(limit);
  }

  intern(tags: Tags): Tags {
    const key = seriesKey(tags);
    if (key === '') return noTags;
    const known = this.#interned.get(key);
    if (known !== undefined) return known;
    this.#internedText += key.length;
    if (this.#internedText > tagTextLimit) {
      this.#interned = new RecentMap(this.#limit);
      this.#internedText = key.length;
    }
    this.#interned.set(key, tags);
    return tags;
  }

  /**
   * Tags that follow from `base` and `key` alone, built once: `build` gives the pairs to add. The key is what the
   * caller has at hand already, so that the way to known tags is two lookups.
   */
  derive(base: Tags, key: string, build: () => Iterable<readonly [string, string]>): Tags {
    const known = this.#derived.get(base)?.get(key);
    if (known !== undefined) return known;
    const added = Array.from(build(), ([name, value]) => [ownText(name), ownText(value)] as const);
    const tags = this.intern(tagsOf([...Object.entries(base), ...added]));
    if (this.#derivedCount >= this.#limit || this.#derivedText + key.length > tagTextLimit) {
      this.#derived = new WeakMap();
      this.#derivedCount = 0;
      this.#derivedText = 0;
    }
    let ofBase = this.#derived.get(base);
    if (ofBase === undefined) {
      ofBase = new Map();
      this.#derived.set(base, ofBase);
    }
    ofBase.set(ownText(key), tags);
    this.#derivedCount++;
    this.#derivedText += key.length;
    return tags;
  }
}
