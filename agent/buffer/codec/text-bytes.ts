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

/** Up to this many characters a loop beats a call into the encoder. */
const shortText = 24;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
