import { knownRolesLimit, nameLengthLimit } from '../limits.ts';
import { ownText } from '../own-text.ts';
import { RecentMap } from '../recent-map.ts';
import { namedPaths, type DecodeOptions } from './options.ts';
import { checkText, Undecodable } from './undecodable.ts';

/** What becomes of a field: `name` is the column of a value, `index` the place of a tag. */
export interface Role {
  readonly kind: 'value' | 'skip' | 'time' | 'tag' | 'quality';
  /** The field's flattened name. */
  readonly path: string;
  readonly name: string;
  readonly index: number;
}

/** From flattened field names to roles, as the options say. */
export class Roles {
  /** Names of tags, by index. */
  readonly tagNames: readonly string[];
  readonly timeName: string | null;
  readonly #fixed = new Map<string, Role>();
  /** Null takes every field; else path → column name. */
  readonly #selected: ReadonlyMap<string, string> | null;
  /** Length of the longest selected path. */
  readonly #longest: number;
  readonly #known = new RecentMap<string, Role>(knownRolesLimit);

  constructor(options: DecodeOptions) {
    const tags = namedPaths(options.tags);
    this.tagNames = tags.map(([name]) => name);
    this.timeName = options.time ?? null;
    for (const [index, [name, path]] of tags.entries()) {
      this.#fixed.set(path, { kind: 'tag', path, name, index });
    }
    if (options.quality !== undefined) {
      const path = options.quality;
      this.#fixed.set(path, { kind: 'quality', path, name: path, index: 0 });
    }
    if (options.time !== undefined) {
      const path = options.time;
      this.#fixed.set(path, { kind: 'time', path, name: path, index: 0 });
    }
    this.#selected =
      options.fields === undefined
        ? null
        : new Map(namedPaths(options.fields).map(([name, path]) => [path, name]));
    this.#longest = Math.max(0, ...(this.#selected?.keys() ?? []).map((path) => path.length));
  }

  /** The role's texts are the decoder's own, so that it may be remembered. */
  roleOf(name: string): Role {
    const known = this.#fixed.get(name) ?? this.#known.get(name);
    if (known !== undefined) return known;
    if (name.length > nameLengthLimit) return this.#oversized(name);
    checkText(name, 'a field name');
    const path = ownText(name);
    const column = this.#columnOf(path);
    const role: Role =
      column === null
        ? { kind: 'skip', path, name: '', index: 0 }
        : { kind: 'value', path, name: column, index: 0 };
    this.#known.set(path, role);
    return role;
  }

  #oversized(name: string): Role {
    if (this.#columnOf(name) === null) return { kind: 'skip', path: '', name: '', index: 0 };
    throw new Undecodable(
      'limit',
      `a field name of ${name.length} characters, at most ${nameLengthLimit} are taken`,
    );
  }

  /** A selected path takes all that is nested below it: `motor` takes `motor.temp` too. */
  #columnOf(name: string): string | null {
    if (this.#selected === null) return name;
    // No prefix longer than the longest path can be one of them: a key of a thousand dots costs no more.
    let end = name.length > this.#longest ? name.lastIndexOf('.', this.#longest) : name.length;
    for (; end > 0; end = name.lastIndexOf('.', end - 1)) {
      const column = this.#selected.get(name.slice(0, end));
      if (column !== undefined) return ownText(column + name.slice(end));
    }
    return null;
  }
}
