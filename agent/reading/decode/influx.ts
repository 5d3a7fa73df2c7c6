import type { Scalar } from '../batch.ts';
import { influxHeadLengthLimit, tagValueLengthLimit } from '../limits.ts';
import type { TagTable } from '../tag-table.ts';
import { numberOf } from './number-text.ts';
import type { ReadingSink } from './reading-sink.ts';
import { Undecodable } from './undecodable.ts';

/**
 * Reads InfluxDB line protocol: `measurement[,tag=value…] field=value[,…] [timestamp]`, one reading a line; empty lines and `#`
 * comments are passed over. Backslash escapes a comma, space or equals sign in names and tags, a quote or backslash in a
 * quoted string; before any other character it stands for itself. NaN and infinities are not part of the format.
 */
export class InfluxReader {
  readonly #sink: ReadingSink;
  readonly #tagTable: TagTable;
  readonly #measurementTag: string;
  #text = '';
  #at = 0;

  constructor(sink: ReadingSink, tagTable: TagTable, measurementTag: string) {
    this.#sink = sink;
    this.#tagTable = tagTable;
    this.#measurementTag = measurementTag;
  }

  read(text: string): void {
    this.#text = text;
    this.#at = 0;
    try {
      while (this.#at < text.length) this.#line();
    } finally {
      this.#text = '';
    }
  }

  #line(): void {
    this.#spaces();
    const first = this.#text.charCodeAt(this.#at);
    if (isLineEnd(first)) {
      this.#at++;
      return;
    }
    if (first === hash) {
      const end = this.#text.indexOf('\n', this.#at);
      this.#at = end === -1 ? this.#text.length : end + 1;
      return;
    }
    const head = this.#head();
    this.#sink.retag(this.#tagTable.derive(this.#sink.topicTags, head, () => this.#headTags(head)));
    this.#spaces();
    do this.#field();
    while (this.#take(comma));
    this.#timestamp();
    this.#sink.finish();
  }

  /** Measurement and tags, still escaped: up to the first bare space. */
  #head(): string {
    const from = this.#at;
    const end = this.#scan(space);
    if (this.#text.charCodeAt(end) !== space) this.#fail('a line without fields');
    if (end - from > influxHeadLengthLimit) {
      throw new Undecodable('limit', `measurement and tags of ${end - from} characters`);
    }
    this.#at = end;
    return this.#text.slice(from, end);
  }

  #headTags(head: string): readonly (readonly [string, string])[] {
    const [measurement = '', ...pairs] = splitBare(head, ',');
    if (measurement === '') this.#fail('a line without measurement');
    const tags: [string, string][] = [];
    if (this.#measurementTag !== '') tags.push([this.#measurementTag, unescape(measurement)]);
    for (const pair of pairs) {
      const [name, value, more] = splitBare(pair, '=');
      if (name === undefined || name === '' || value === undefined || value === '' || more !== undefined) {
        this.#fail(`tag ${JSON.stringify(pair)} is not name=value`);
      }
      const text = unescape(value);
      if (text.length > tagValueLengthLimit) {
        throw new Undecodable('limit', `tag ${unescape(name)} has ${text.length} characters`);
      }
      tags.push([unescape(name), text]);
    }
    return tags;
  }

  #field(): void {
    const from = this.#at;
    const end = this.#scan(equals);
    if (this.#text.charCodeAt(end) !== equals || end === from) this.#fail('a field is not name=value');
    const name = unescape(this.#text.slice(from, end));
    this.#at = end + 1;
    const quoted = this.#text.charCodeAt(this.#at) === quote;
    this.#sink.field(name, quoted ? this.#quoted() : this.#bare(name));
  }

  #quoted(): string {
    const from = ++this.#at;
    let escaped = false;
    for (let i = from; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === backslash) {
        escaped = true;
        i++;
      } else if (code === quote) {
        this.#at = i + 1;
        const raw = this.#text.slice(from, i);
        return escaped ? raw.replaceAll(/\\(["\\])/g, '$1') : raw;
      }
    }
    return this.#fail('a quoted string without end');
  }

  #bare(name: string): Scalar {
    const from = this.#at;
    let i = from;
    for (; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === comma || code === space || isLineEnd(code)) break;
    }
    this.#at = i;
    const text = this.#text.slice(from, i);
    return valueOf(text) ?? this.#fail(`field ${name}: ${JSON.stringify(text)} is no value`);
  }

  #timestamp(): void {
    this.#spaces();
    const from = this.#at;
    let i = from;
    while (i < this.#text.length && !isLineEnd(this.#text.charCodeAt(i))) i++;
    const text = this.#text.slice(from, i).trimEnd();
    if (text !== '') {
      if (!/^-?\d+$/.test(text)) this.#fail(`${JSON.stringify(text)} is no timestamp`);
      this.#sink.stamp(text);
    }
    this.#at = i + 1;
  }

  /** Position of the next `wanted` character that no backslash escapes, or of the line's end. */
  #scan(wanted: number): number {
    let i = this.#at;
    for (; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === wanted || isLineEnd(code)) return i;
      if (code === backslash && !isLineEnd(this.#text.charCodeAt(i + 1))) i++;
    }
    return this.#text.length;
  }

  #spaces(): void {
    while (this.#text.charCodeAt(this.#at) === space) this.#at++;
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #fail(problem: string): never {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    throw new Undecodable('syntax', `line ${line}: ${problem}`);
  }
}

const space = 32;
const quote = 34;
const hash = 35;
const comma = 44;
const equals = 61;
const backslash = 92;

function isLineEnd(code: number): boolean {
  return code === 10 || code === 13;
}

/** Parts between separators that no backslash escapes. */
function splitBare(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === separator) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unescape(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([,= ])/g, '$1') : text;
}

/** A field value without quotes: float, `i` and `u` integer, boolean; undefined when it is none. */
function valueOf(text: string): Scalar | undefined {
  const suffix = text.charCodeAt(text.length - 1);
  if (suffix === 105 || suffix === 117) return integerField(text, suffix === 117);
  const first = text.charCodeAt(0);
  if ((first >= 48 && first <= 57) || first === 43 || first === 45 || first === 46) {
    const value = numberOf(text);
    if (value === undefined || typeof value === 'bigint')
      return value === undefined ? undefined : Number(value);
    return Number.isFinite(value) ? value : undefined;
  }
  return booleans.get(text);
}

function integerField(text: string, unsigned: boolean): number | bigint | undefined {
  const digits = text.slice(0, -1);
  if (!/^-?\d{1,20}$/.test(digits)) return undefined;
  const value = Number(digits);
  if (Number.isSafeInteger(value)) return unsigned && value < 0 ? undefined : value;
  const long = BigInt(digits);
  return (unsigned ? BigInt.asUintN(64, long) : BigInt.asIntN(64, long)) === long ? long : undefined;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
