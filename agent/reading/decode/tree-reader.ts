import type { Scalar } from '../batch.ts';
import { arrayItemsLimit, depthLimit, joinedNamesLimit, nameLengthLimit } from '../limits.ts';
import { jsonText } from './json-text.ts';
import type { ReadingSink } from './reading-sink.ts';
import { beyondDouble, Undecodable } from './undecodable.ts';

/**
 * Turns a parsed tree of objects, arrays and scalars into readings. Nested fields get the names of their path, `a.b.c`; null
 * and undefined are absent; of two fields with one name the later wins. A top-level array holds one reading an item. Where the
 * format has no infinities (JSON), one is a number too large for a double, and refused: it would be another value.
 */
export class TreeReader {
  readonly #sink: ReadingSink;
  readonly #readingsPath: string | null;
  readonly #finite: boolean;
  readonly #joined = new Map<string, Map<string, string>>();
  #joinedCount = 0;
  /** The path not to flatten but to remember; null while inside the readings. */
  #apart: string | null = null;
  #found: unknown;

  constructor(
    sink: ReadingSink,
    options: { readonly readings: string | null; readonly infinities: 'numbers' | 'refused' },
  ) {
    this.#sink = sink;
    this.#readingsPath = options.readings;
    this.#finite = options.infinities === 'refused';
  }

  read(root: unknown): void {
    if (this.#readingsPath !== null) this.#shared(root, this.#readingsPath);
    else if (Array.isArray(root)) for (const item of root) this.#reading(item);
    else this.#reading(root);
  }

  #shared(root: unknown, path: string): void {
    if (!isObject(root))
      throw new Undecodable('structure', `readings: ${path} is not there, the payload is no object`);
    this.#apart = path;
    this.#found = undefined;
    this.#object(root, null, 1);
    this.#apart = null;
    const items = this.#found;
    this.#found = undefined;
    if (!Array.isArray(items)) {
      throw new Undecodable(
        'structure',
        `readings: ${path} is ${items === undefined ? 'not there' : 'no array'}`,
      );
    }
    this.#sink.share();
    for (const item of items) this.#reading(item);
    this.#sink.unshare();
  }

  #reading(item: unknown): void {
    if (isObject(item)) this.#object(item, null, 1);
    else if (Array.isArray(item)) this.#array(item, null, 1);
    else if (item === null || item === undefined) {
      throw new Undecodable('structure', 'null is no reading');
    } else this.#scalar('value', item as Scalar);
    this.#sink.finish();
  }

  #object(object: Record<string, unknown>, prefix: string | null, depth: number): void {
    for (const key of Object.keys(object)) {
      const value = object[key];
      const name = prefix === null ? key : this.#join(prefix, key);
      if (name === this.#apart) this.#found = value;
      else if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') {
        this.#scalar(name, value);
      } else this.#rest(value, name, depth);
    }
  }

  #rest(value: unknown, name: string, depth: number): void {
    if (value === null || value === undefined) return;
    if (depth >= depthLimit && (isObject(value) || Array.isArray(value))) {
      throw new Undecodable('limit', `${name} is nested deeper than ${depthLimit}`);
    }
    if (Array.isArray(value)) {
      if (value.length > arrayItemsLimit) this.#sink.field(name, jsonText(value, name, this.#finite));
      else this.#array(value, name, depth + 1);
    } else if (isObject(value)) this.#object(value, name, depth + 1);
    else this.#scalar(name, value as Scalar);
  }

  #scalar(name: string, value: Scalar): void {
    if (this.#finite && (value === Infinity || value === -Infinity)) throw beyondDouble(name);
    this.#sink.field(name, value);
  }

  #array(items: readonly unknown[], prefix: string | null, depth: number): void {
    for (const [i, item] of items.entries()) {
      this.#rest(item, prefix === null ? String(i) : this.#join(prefix, String(i)), depth);
    }
  }

  /** `prefix.key`, the same string each time. */
  #join(prefix: string, key: string): string {
    let ofPrefix = this.#joined.get(prefix);
    const known = ofPrefix?.get(key);
    if (known !== undefined) return known;
    const name = `${prefix}.${key}`;
    if (name.length > nameLengthLimit) return name;
    if (this.#joinedCount >= joinedNamesLimit) {
      this.#joined.clear();
      this.#joinedCount = 0;
      ofPrefix = undefined;
    }
    if (ofPrefix === undefined) this.#joined.set(prefix, (ofPrefix = new Map()));
    ofPrefix.set(key, name);
    this.#joinedCount++;
    return name;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
