import { ownText } from '../own-text.ts';
import type { ReadingSink } from './reading-sink.ts';
import { Undecodable } from './undecodable.ts';

/**
 * The short way for what most sensors send: one flat JSON object, the same keys each time. It reads fields from the bytes,
 * comparing keys with those of the payload before, and builds no object. It takes a payload only if it is sure to give
 * what the long way gives (JSON.parse and a walk); whatever is unusual (nesting, escapes, letters beyond ASCII, exponents,
 * integers of 16 digits and more, doubled keys, any error) it leaves to that.
 */
export class JsonScan {
  readonly #sink: ReadingSink;
  /** Keys of the payload before, distinct. */
  readonly #keys: Key[] = [];
  /** Rises with each payload left to the long way; at the limit the short way rests for a while. */
  #strain = 0;
  #rest = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(sink: ReadingSink) {
    this.#sink = sink;
  }

  /** True when the payload was read into the sink; false when the sink is as it was opened. */
  read(payload: Uint8Array): boolean {
    if (this.#rest > 0) {
      this.#rest--;
      return false;
    }
    this.#bytes = payload;
    this.#at = 0;
    let taken = false;
    try {
      taken = this.#object();
    } catch (error) {
      // The long way finds it again, and says which trouble comes first.
      if (!(error instanceof Undecodable)) throw error;
    }
    this.#bytes = nothing;
    if (taken) {
      if (this.#strain > 0) this.#strain--;
      return true;
    }
    this.#strained();
    this.#sink.unshare();
    return false;
  }

  #strained(): void {
    this.#strain += strainOfMiss;
    if (this.#strain < strainLimit) return;
    this.#strain = 0;
    this.#rest = restPayloads;
  }

  #object(): boolean {
    if (this.#next() !== braceOpen) return false;
    for (let position = 0; position < keysLimit; position++) {
      if (this.#next() !== quote) return false;
      const name = this.#key(position);
      if (name === null || this.#next() !== colon) return false;
      if (!this.#value(position, name)) return false;
      const after = this.#next();
      if (after === comma) continue;
      return after === braceClose && this.#next() === end;
    }
    return false;
  }

  /** The next byte that is not white space, taken. */
  #next(): number {
    const bytes = this.#bytes;
    while (this.#at < bytes.length) {
      const byte = bytes[this.#at++]!;
      if (byte > 32) return byte;
      if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) return 0;
    }
    return end;
  }

  /** The key whose first byte is next, with its closing quote. */
  #key(position: number): string | null {
    const known = this.#keys[position];
    return known !== undefined && this.#equals(known.bytes) ? known.name : this.#learn(position);
  }

  /** A key that was not here before. Apart from {@link #key}, where the closure would cost an allocation a key. */
  #learn(position: number): string | null {
    const from = this.#at;
    const to = this.#plainEnd();
    if (to === -1 || to - from > keyBytesLimit) return null;
    this.#keys.length = Math.min(this.#keys.length, position);
    const name = ownText(ascii(this.#bytes, from, to));
    if (this.#keys.some((key) => key.name === name)) return null;
    this.#keys.push({
      name,
      bytes: Uint8Array.from(this.#bytes.subarray(from, to + 1)),
      text: '',
      textBytes: nothing,
      texts: Array.from({ length: textsOfKey }),
      misses: 0,
    });
    this.#at = to + 1;
    this.#strain += strainOfKey;
    return name;
  }

  #equals(wanted: Uint8Array): boolean {
    const bytes = this.#bytes;
    const from = this.#at;
    const { length } = wanted;
    // Beyond the end a byte is undefined and equals nothing.
    for (let i = 0; i < length; i++) if (bytes[from + i] !== wanted[i]) return false;
    this.#at = from + length;
    return length > 0;
  }

  /** Where the string that begins here has its closing quote; -1 when it holds anything but plain ASCII. */
  #plainEnd(): number {
    const bytes = this.#bytes;
    for (let i = this.#at; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (byte === quote) return i;
      if (byte < 32 || byte > 126 || byte === backslash) return -1;
    }
    return -1;
  }

  #value(position: number, name: string): boolean {
    const first = this.#next();
    switch (first) {
      case quote: {
        const text = this.#text(this.#keys[position]!);
        if (text === null) return false;
        this.#sink.field(name, text);
        return true;
      }
      case 116:
        this.#sink.field(name, true);
        return this.#equals(rue);
      case 102:
        this.#sink.field(name, false);
        return this.#equals(alse);
      case 110:
        return this.#equals(ull);
      default:
        return this.#number(name, first);
    }
  }

  /** Texts repeat too (states, lots, units): the short ones seen under a key are kept, the one seen last is looked for first. */
  #text(key: Key): string | null {
    const from = this.#at;
    const { textBytes } = key;
    // The quote is looked for first: texts of padding or with numbers at their end differ there.
    if (this.#bytes[from + textBytes.length - 1] === quote && this.#equals(textBytes)) return key.text;
    const to = this.#plainEnd();
    if (to === -1) return null;
    this.#at = to + 1;
    if (to - from > textBytesLimit) return ascii(this.#bytes, from, to);
    const place = placeOf(this.#bytes, from, to);
    const kept = key.texts[place];
    if (kept !== undefined && sameBytes(kept.bytes, this.#bytes, from)) {
      key.text = kept.text;
      key.textBytes = kept.bytes;
      return kept.text;
    }
    const text = ascii(this.#bytes, from, to);
    if (key.misses++ % missesToLearn === 0) {
      key.text = text;
      key.textBytes = Uint8Array.from(this.#bytes.subarray(from, to + 1));
      key.texts[place] = { text, bytes: key.textBytes };
    }
    return text;
  }

  /** RFC 8259 §6, without exponents (what follows must be a comma or brace). Up to 15 digits are exact as an integer, and one division by a power of ten rounds right. */
  #number(name: string, first: number): boolean {
    const bytes = this.#bytes;
    const from = this.#at - 1;
    let at = this.#at;
    let byte: number | undefined = first;
    if (byte === minus) byte = bytes[at++];
    if (byte === undefined || !isDigit(byte)) return false;
    let digits = 1;
    let mantissa = byte - 48;
    const leadingZero = mantissa === 0;
    for (byte = bytes[at]; byte !== undefined && isDigit(byte); byte = bytes[++at]) {
      mantissa = mantissa * 10 + (byte - 48);
      digits++;
    }
    if ((leadingZero && digits > 1) || digits > exactDigits) return false;
    let value = mantissa;
    if (byte === point) {
      const pointAt = at++;
      for (byte = bytes[at]; byte !== undefined && isDigit(byte); byte = bytes[++at]) {
        mantissa = mantissa * 10 + (byte - 48);
        digits++;
      }
      const decimals = at - pointAt - 1;
      if (decimals === 0 || digits > 400) return false;
      value = digits <= exactDigits ? mantissa / powers[decimals]! : Math.abs(Number(ascii(bytes, from, at)));
    }
    this.#at = at;
    this.#sink.field(name, first === minus ? -value : value);
    return true;
  }
}

interface Key {
  readonly name: string;
  /** With the closing quote. */
  readonly bytes: Uint8Array;
  /** The text seen last, with its closing quote. */
  text: string;
  textBytes: Uint8Array;
  /** By {@link placeOf}. */
  readonly texts: (KeptText | undefined)[];
  misses: number;
}

interface KeptText {
  readonly text: string;
  /** With the closing quote. */
  readonly bytes: Uint8Array;
}

/** Keys a payload may have to go the short way. */
const keysLimit = 64;
/** Bytes of a key. */
const keyBytesLimit = 64;
/** Bytes of a text worth remembering, and how many of them under a key: 64 keys keep at most 256 KiB. A power of two. */
const textBytesLimit = 128;
const textsOfKey = 32;
/** A text that changes each time is remembered seldom, as remembering costs more than reading. */
const missesToLearn = 16;
const strainOfKey = 1;
const strainOfMiss = 8;
const strainLimit = 64;
/** Payloads for which the short way rests: long enough that trying costs nothing, short enough to notice a change. */
const restPayloads = 1000;
/** Digits of which every integer is a double. */
const exactDigits = 15;
const powers = Array.from({ length: exactDigits + 1 }, (_, i) => 10 ** i);

const nothing = new Uint8Array(0);
const rue = Uint8Array.from('rue', (letter) => letter.charCodeAt(0));
const alse = Uint8Array.from('alse', (letter) => letter.charCodeAt(0));
const ull = Uint8Array.from('ull', (letter) => letter.charCodeAt(0));
const utf8 = new TextDecoder();

const end = -1;
const quote = 34;
const comma = 44;
const minus = 45;
const point = 46;
const colon = 58;
const backslash = 92;
const braceOpen = 123;
const braceClose = 125;

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** Where a text is kept, by its length and three of its bytes. */
function placeOf(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  const sum = length + 5 * bytes[from]! + 3 * bytes[from + (length >> 1)]! + bytes[Math.max(from, to - 1)]!;
  return sum & (textsOfKey - 1);
}

function sameBytes(wanted: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false;
  return true;
}

/** ASCII bytes as text; a loop beats a call of the decoder for short ones. */
function ascii(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > 24) return utf8.decode(bytes.subarray(from, to));
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
