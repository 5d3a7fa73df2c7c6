/**
 * The engine's JSON.parse (V8 up to 14.6 at least, nodejs/node#63785) can give a key that is written with an escape the name of another one:
 * where an object of the same beginning once went on with the key `\`, the key `"\u00b0"` comes back as `\`, because the
 * characters as written are compared with the key expected. Names of fields must not depend on what was parsed before, so
 * texts with such keys are read here. They are rare: a key with a quote, a backslash, or a letter some writer escapes.
 */

/** Whether a key is written with an escape. `text` is JSON, known to be valid. */
export function hasEscapedKey(text: string): boolean {
  if (!text.includes('\\')) return false;
  for (let i = text.indexOf('"'); i !== -1; i = text.indexOf('"', i)) {
    let escaped = false;
    for (i++; text.charCodeAt(i) !== quote; i++) {
      if (text.charCodeAt(i) !== backslash) continue;
      escaped = true;
      i++;
    }
    i++;
    if (escaped && text.charCodeAt(afterSpace(text, i)) === colon) return true;
  }
  return false;
}

/**
 * What JSON.parse should give for `text`, which is JSON known to be valid. `numberOf` reads a number as it is written.
 * @throws {RangeError} when it is nested too deep for the stack.
 */
export function readJson(text: string, numberOf: (source: string) => unknown): unknown {
  return new JsonReader(text, numberOf).value();
}

class JsonReader {
  readonly #text: string;
  readonly #numberOf: (source: string) => unknown;
  #at = 0;

  constructor(text: string, numberOf: (source: string) => unknown) {
    this.#text = text;
    this.#numberOf = numberOf;
  }

  value(): unknown {
    switch (this.#peek()) {
      case braceOpen:
        return this.#object();
      case bracketOpen:
        return this.#array();
      case quote:
        return this.#string();
      default:
        return this.#word();
    }
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at++;
    while (this.#peek() !== braceClose) {
      const key = this.#string();
      this.#peek();
      this.#at++;
      const value = this.value();
      if (key === '__proto__') {
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      } else object[key] = value;
      if (this.#peek() === comma) this.#at++;
    }
    this.#at++;
    return object;
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    while (this.#peek() !== bracketClose) {
      items.push(this.value());
      if (this.#peek() === comma) this.#at++;
    }
    this.#at++;
    return items;
  }

  /** A text alone has no key, and comes back right. */
  #string(): string {
    this.#peek();
    const from = this.#at++;
    for (; this.#text.charCodeAt(this.#at) !== quote; this.#at++) {
      if (this.#text.charCodeAt(this.#at) === backslash) this.#at++;
    }
    this.#at++;
    return JSON.parse(this.#text.slice(from, this.#at)) as string;
  }

  #word(): unknown {
    const from = this.#at;
    while (this.#at < this.#text.length && !endsWord(this.#text.charCodeAt(this.#at))) this.#at++;
    const word = this.#text.slice(from, this.#at);
    if (word === 'null') return null;
    return word === 'true' ? true : word === 'false' ? false : this.#numberOf(word);
  }

  /** The next character that is not white space, not taken. */
  #peek(): number {
    this.#at = afterSpace(this.#text, this.#at);
    return this.#text.charCodeAt(this.#at);
  }
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 32) at++;
  return at;
}

function endsWord(unit: number): boolean {
  return unit <= 32 || unit === comma || unit === braceClose || unit === bracketClose;
}

const quote = 34;
const comma = 44;
const colon = 58;
const bracketOpen = 91;
const backslash = 92;
const bracketClose = 93;
const braceOpen = 123;
const braceClose = 125;
