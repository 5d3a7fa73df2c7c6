import { MalformedBytes, type ByteReader } from '../../base/byte-reader.ts';

/**
 * Text in bytes. JSON can carry half a surrogate pair (`"\ud800"`), which UTF-8 cannot; such text is kept as UTF-16LE. The varint
 * before the bytes is `2 × byte length + (1 when UTF-16)`, so every JavaScript string survives.
 */

/** Bytes of `text` in UTF-8, or -1 when it holds half a surrogate pair. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) length += 1;
    else if (code < 0xd800 || code > 0xdfff) length += 2;
    else {
      const low = text.charCodeAt(i + 1);
      if (code > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return -1;
      length += 2;
      i++;
    }
  }
  return length;
}

/** Writes `text` as UTF-8; `length` is what {@link utf8Length} said. */
export function putUtf8(text: string, bytes: Uint8Array, at: number, length: number): void {
  if (length !== text.length || length > shortText) {
    encoder.encodeInto(text, bytes.subarray(at, at + length));
    return;
  }
  for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
}

export function putUtf16(text: string, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[at + 2 * i] = code & 0xff;
    bytes[at + 2 * i + 1] = code >>> 8;
  }
}

/** @throws {MalformedBytes} */
export function readText(reader: ByteReader): string {
  const head = reader.varint();
  const bytes = reader.raw(Math.floor(head / 2));
  return head % 2 === 1 ? utf16(bytes) : utf8(bytes);
}

/**
 * `length` texts, as {@link readText} gives them. A column repeats its texts (states, lots, units): one that was read before is found by its
 * bytes and not made again. @throws {MalformedBytes}
 */
export function readTexts(reader: ByteReader, length: number): string[] {
  const texts: string[] = [];
  if (length < repeatedTextsMin) {
    while (texts.length < length) texts.push(readText(reader));
    return texts;
  }
  const { source } = reader;
  // By place: the text, and where its bytes begin.
  const known: string[] = Array.from({ length: knownTexts }, () => '');
  const starts = new Int32Array(knownTexts);
  let misses = 0;
  while (texts.length < length) {
    if (misses >= missesMax) {
      texts.push(readText(reader));
      continue;
    }
    const before = reader.position;
    const head = reader.varint();
    const bytes = Math.floor(head / 2);
    if (head % 2 === 1 || bytes > knownTextBytes || bytes === 0) {
      const view = reader.raw(bytes);
      texts.push(head % 2 === 1 ? utf16(view) : utf8(view));
      continue;
    }
    const from = reader.skip(bytes);
    const place = placeOf(source, from, bytes);
    // With the length in front, so that equal bytes are equal texts.
    const repeats = starts[place] !== 0 && sameBytes(source, starts[place]!, before, from + bytes - before);
    if (repeats) misses = Math.max(0, misses - 1);
    else {
      misses += missWeight;
      starts[place] = before;
      known[place] = utf8(source.subarray(from, from + bytes));
    }
    texts.push(known[place]!);
  }
  return texts;
}

function placeOf(source: Uint8Array, from: number, length: number): number {
  const sum = length + 5 * source[from]! + 3 * source[from + (length >> 1)]! + source[from + length - 1]!;
  return sum & (knownTexts - 1);
}

function sameBytes(source: Uint8Array, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (source[one + i] !== source[other + i]) return false;
  return true;
}

/** @throws {MalformedBytes} when the bytes are not UTF-8. */
export function utf8(bytes: Uint8Array): string {
  if (bytes.length <= shortText) {
    let text = '';
    let i = 0;
    for (; i < bytes.length && bytes[i]! < 0x80; i++) text += String.fromCharCode(bytes[i]!);
    if (i === bytes.length) return text;
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new MalformedBytes('text is not UTF-8');
  }
}

/** @throws {MalformedBytes} when the length is odd. */
export function utf16(bytes: Uint8Array): string {
  if (bytes.length % 2 === 1) throw new MalformedBytes('UTF-16 text of odd length');
  let text = '';
  for (let i = 0; i < bytes.length; i += 2) text += String.fromCharCode(bytes[i]! | (bytes[i + 1]! << 8));
  return text;
}

/** In shorter columns looking for what repeats costs more than it saves. */
const repeatedTextsMin = 8;
/** Texts of a column that are remembered, a power of two. */
const knownTexts = 32;
/** Columns whose texts are new more often than one in so many are read without looking. */
const missWeight = 3;
const missesMax = 48;
/** Comparing longer ones costs as much as making them. */
const knownTextBytes = 64;

/** Up to this many characters a loop beats a call into the encoder. */
const shortText = 24;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
