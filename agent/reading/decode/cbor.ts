import { cborObjectsLimit, depthLimit } from '../limits.ts';
import { beyondDouble, Undecodable } from './undecodable.ts';

/**
 * Parses one CBOR item (RFC 8949) into the tree JSON would give: maps as objects (numbers as keys become their text), 64-bit
 * integers beyond 2^53 - 1 and bignums up to 16 bytes as bigint, byte strings as copies. Tags are passed over, except
 * bignums (2, 3) and decimal fractions (4). Definite and indefinite lengths; no length is trusted before it is
 * compared with the bytes left.
 * @throws {Undecodable} with the position.
 */
export function parseCbor(bytes: Uint8Array): unknown {
  const reader = new CborReader(bytes);
  const value = reader.item(0);
  if (value === stop) reader.fail('a break outside of any item');
  if (reader.position !== bytes.length) reader.fail('more bytes after the item');
  return value;
}

/** What an indefinite-length item ends with. */
const stop = Symbol('break');
/** A string's or array's length when only a break ends it. */
const indefinite = -1;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position = 0;
  /** Arrays, maps and byte strings so far. */
  #objects = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(problem: string): never {
    throw new Undecodable('syntax', `CBOR: ${problem} at byte ${this.position}`);
  }

  item(depth: number): unknown {
    const initial = this.#byte();
    const major = initial >> 5;
    const minor = initial & 31;
    switch (major) {
      case 0:
        return this.#argument(minor);
      case 1: {
        const argument = this.#argument(minor);
        if (typeof argument === 'number' && argument < Number.MAX_SAFE_INTEGER) return -1 - argument;
        return -1n - BigInt(argument);
      }
      case 2:
        return this.#byteString(minor);
      case 3:
        return this.#textString(minor);
      case 4:
        return this.#array(minor, this.#deeper(depth));
      case 5:
        return this.#map(minor, this.#deeper(depth));
      case 6:
        return this.#tagged(minor, this.#deeper(depth));
      default:
        return this.#simple(minor);
    }
  }

  /** A definite item inside another one. */
  #inner(depth: number): unknown {
    const value = this.item(depth);
    if (value === stop) this.fail('a break where a value should be');
    return value;
  }

  #deeper(depth: number): number {
    this.#countObject();
    if (depth >= depthLimit)
      throw new Undecodable('limit', `the payload is nested deeper than ${depthLimit}`);
    return depth + 1;
  }

  #byte(): number {
    this.#need(1);
    return this.#bytes[this.position++]!;
  }

  #need(count: number): void {
    if (count > this.#bytes.length - this.position) this.fail(`${count} bytes wanted, the payload ends`);
  }

  #argument(minor: number): number | bigint {
    if (minor < 24) return minor;
    if (minor === 24) return this.#byte();
    const size = minor === 25 ? 2 : minor === 26 ? 4 : 8;
    if (minor > 27) this.fail('a malformed length');
    this.#need(size);
    const at = this.position;
    this.position += size;
    if (size === 2) return this.#view.getUint16(at);
    if (size === 4) return this.#view.getUint32(at);
    const long = this.#view.getBigUint64(at);
    return long <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(long) : long;
  }

  /** A count of things that take at least `each` bytes. */
  #length(minor: number, each: number): number {
    if (minor === 31) return indefinite;
    const length = this.#argument(minor);
    if (typeof length === 'bigint' || length * each > this.#bytes.length - this.position) {
      this.fail(`a length of ${length}, the payload ends`);
    }
    return length;
  }

  #byteString(minor: number): Uint8Array {
    const length = this.#length(minor, 1);
    if (length !== indefinite) return this.#copy(length);
    const chunks = this.#chunks(2, (size) => this.#copy(size));
    const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  #textString(minor: number): string {
    const length = this.#length(minor, 1);
    if (length === indefinite) return this.#chunks(3, (size) => this.#text(size)).join('');
    return this.#text(length);
  }

  /** Chunks of an indefinite string: definite ones of the same major type. */
  #chunks<T>(major: number, read: (size: number) => T): T[] {
    const chunks: T[] = [];
    for (;;) {
      const initial = this.#byte();
      if (initial === 0xff) return chunks;
      const size = initial >> 5 === major ? this.#length(initial & 31, 1) : indefinite;
      if (size === indefinite) this.fail('a malformed chunk');
      chunks.push(read(size));
    }
  }

  #countObject(): void {
    if (++this.#objects > cborObjectsLimit) {
      throw new Undecodable('limit', `more than ${cborObjectsLimit} arrays, maps and byte strings`);
    }
  }

  #copy(length: number): Uint8Array {
    this.#countObject();
    const copy = new Uint8Array(this.#bytes.subarray(this.position, this.position + length));
    this.position += length;
    return copy;
  }

  #text(length: number): string {
    const from = this.position;
    const to = from + length;
    this.position = to;
    if (length < 24) {
      let text = '';
      let i = from;
      for (; i < to && this.#bytes[i]! < 0x80; i++) text += String.fromCharCode(this.#bytes[i]!);
      if (i === to) return text;
    }
    try {
      return utf8.decode(this.#bytes.subarray(from, to));
    } catch {
      throw new Undecodable('encoding', `CBOR: the text at byte ${from} is not UTF-8`);
    }
  }

  #array(minor: number, depth: number): unknown[] {
    const length = this.#length(minor, 1);
    const items: unknown[] = [];
    if (length !== indefinite) {
      for (let i = 0; i < length; i++) items.push(this.#inner(depth));
      return items;
    }
    for (let value = this.item(depth); value !== stop; value = this.item(depth)) items.push(value);
    return items;
  }

  #map(minor: number, depth: number): Record<string, unknown> {
    const length = this.#length(minor, 2);
    const object: Record<string, unknown> = {};
    for (let i = 0; i !== length; i++) {
      const key = this.item(depth);
      if (key === stop) {
        if (length === indefinite) break;
        this.fail('a break where a key should be');
      }
      const name = typeof key === 'number' || typeof key === 'bigint' ? String(key) : key;
      if (typeof name !== 'string') this.fail('a key that is neither text nor integer');
      const value = this.#inner(depth);
      if (name === '__proto__') {
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      } else object[name] = value;
    }
    return object;
  }

  #tagged(minor: number, depth: number): unknown {
    const tag = this.#argument(minor);
    const content = this.#inner(depth);
    if (tag === 2 || tag === 3) return this.#bignum(content, tag === 3);
    if (tag === 4) return this.#decimalFraction(content);
    return content;
  }

  #bignum(content: unknown, negative: boolean): number | bigint {
    if (!(content instanceof Uint8Array)) this.fail('a bignum that is no byte string');
    if (content.length > 16)
      throw new Undecodable('limit', `a bignum of ${content.length} bytes, at most 16 are taken`);
    let value = 0n;
    for (const byte of content) value = (value << 8n) | BigInt(byte);
    if (negative) value = -1n - value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  #decimalFraction(content: unknown): number {
    const [exponent, mantissa] = Array.isArray(content) ? (content as unknown[]) : [];
    if (typeof exponent !== 'number' || (typeof mantissa !== 'number' && typeof mantissa !== 'bigint')) {
      this.fail('a malformed decimal fraction');
    }
    const value = Number(`${mantissa}e${exponent}`);
    if (!Number.isFinite(value)) throw beyondDouble(`the decimal fraction ${mantissa}e${exponent}`);
    return value;
  }

  #simple(minor: number): unknown {
    switch (minor) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return null;
      case 25:
        return this.#float(2);
      case 26:
        return this.#float(4);
      case 27:
        return this.#float(8);
      case 31:
        return stop;
      default:
        return this.fail(`an unknown simple value`);
    }
  }

  #float(size: 2 | 4 | 8): number {
    this.#need(size);
    const at = this.position;
    this.position += size;
    if (size === 8) return this.#view.getFloat64(at);
    if (size === 4) return this.#view.getFloat32(at);
    const bits = this.#view.getUint16(at);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const sign = bits >> 15 === 1 ? -1 : 1;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
}
