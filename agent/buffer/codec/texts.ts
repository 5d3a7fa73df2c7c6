import { assert } from '../../base/assert.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { planIntegers, putIntegers, takeIntegers } from './integers.ts';
import { putUtf16, utf16, utf8 } from './text-bytes.ts';

/**
 * Texts: the distinct ones in order of first appearance, joined, with their lengths in UTF-16 units; and, unless all are distinct, each
 * text's place among them. Joined as UTF-8; as UTF-16LE when a text holds half a surrogate pair, which UTF-8 cannot carry.
 */
export function putTexts(out: BlockWriter, texts: readonly string[]): void {
  const places = new Map<string, number>();
  const place = new Float64Array(texts.length);
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i]!;
    let at = places.get(text);
    if (at === undefined) places.set(text, (at = places.size));
    place[i] = at;
  }
  const distinct = [...places.keys()];
  const wellFormed = distinct.every((text) => text.isWellFormed());
  const joined = distinct.join('');
  out.common.varint(distinct.length);
  out.common.uint8((wellFormed ? 0 : 1) | (distinct.length < texts.length ? 2 : 0));
  putLengths(out, distinct);
  if (wellFormed) out.part(encoder.encode(joined));
  else {
    const bytes = new Uint8Array(joined.length * 2);
    putUtf16(joined, bytes, 0);
    out.part(bytes);
  }
  if (distinct.length < texts.length) putSmall(out, place);
}

/** @throws {MalformedBytes} */
export function takeTexts(from: BlockReader, length: number): string[] {
  const distinct: string[] = [];
  const count = from.common.count(length, 'texts');
  const flags = from.common.uint8();
  if (flags > 3) throw new MalformedBytes(`texts kept in way ${flags}`);
  const lengths = takeLengths(from, count);
  const bytes = from.part();
  const joined = flags & 1 ? utf16(bytes) : utf8(bytes);
  if (lengths.total !== joined.length) throw new MalformedBytes('texts of another length');
  let at = 0;
  for (const long of lengths.each) distinct.push(joined.slice(at, (at += long)));
  if ((flags & 2) === 0) {
    if (count !== length) throw new MalformedBytes('too few texts');
    return distinct;
  }
  const places = takeIntegers(from, length);
  const texts: string[] = [];
  for (let i = 0; i < length; i++) {
    const text = distinct[places[i]!];
    if (text === undefined) throw new MalformedBytes('place beyond the texts');
    texts.push(text);
  }
  return texts;
}

/** Byte strings: their lengths, then all of them joined. */
export function putByteStrings(out: BlockWriter, strings: readonly Uint8Array[]): void {
  putLengths(out, strings);
  let total = 0;
  for (const string of strings) total += string.length;
  const joined = new Uint8Array(total);
  let at = 0;
  for (const string of strings) {
    joined.set(string, at);
    at += string.length;
  }
  out.part(joined);
}

/** Copies, so that one value does not keep its block alive. @throws {MalformedBytes} */
export function takeByteStrings(from: BlockReader, length: number): Uint8Array[] {
  const lengths = takeLengths(from, length);
  const joined = from.part();
  if (lengths.total !== joined.length) throw new MalformedBytes('byte strings of another length');
  const strings: Uint8Array[] = [];
  let at = 0;
  for (const long of lengths.each) strings.push(joined.slice(at, (at += long)));
  return strings;
}

function putLengths(out: BlockWriter, of: readonly { readonly length: number }[]): void {
  putSmall(
    out,
    Float64Array.from(of, (one) => one.length),
  );
}

function takeLengths(from: BlockReader, count: number): { each: Float64Array; total: number } {
  const each = takeIntegers(from, count);
  let total = 0;
  for (const length of each) {
    if (length < 0) throw new MalformedBytes('negative length');
    total += length;
  }
  return { each, total };
}

function putSmall(out: BlockWriter, values: Float64Array): void {
  const plan = planIntegers(values);
  assert(plan !== null, 'lengths and places lie close together');
  putIntegers(out, plan);
}

const encoder = new TextEncoder();
