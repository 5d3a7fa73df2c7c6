import { base64Of } from '../base64.ts';
import { hasEscapedKey, readJson } from '../escaped-keys.ts';
import { integerDigitsLimit } from '../limits.ts';
import { beyondDouble, Undecodable } from './undecodable.ts';

/** Newer than the compiler's library: the source text of a number (ECMA-262 `JSON.parse` with source, `JSON.rawJSON`). */
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws {Undecodable} when the bytes are not UTF-8. A byte order mark is left out. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Undecodable('encoding', `the payload is not UTF-8 (byte ${firstBadByte(bytes)})`);
  }
}

/**
 * JSON.parse, but integers beyond 2^53 - 1 come as bigint. `mayHoldLong` says whether the text may hold one: only
 * then numbers are looked at again.
 * @throws {Undecodable}
 */
export function parseJson(text: string, mayHoldLong: boolean): unknown {
  try {
    // Valid first: what reads escaped keys trusts the text.
    const tree: unknown = mayHoldLong ? JSON.parse(text, exactIntegers as never) : JSON.parse(text);
    return hasEscapedKey(text) ? readJson(text, exactNumber) : tree;
  } catch (error) {
    if (error instanceof Undecodable) throw error;
    if (error instanceof RangeError) throw new Undecodable('limit', 'the payload is nested too deep');
    throw new Undecodable('syntax', (error as Error).message);
  }
}

const exactIntegers: Reviver = (_key, value, context) =>
  typeof value === 'number' ? exactNumber(context.source ?? '', value) : value;

function exactNumber(source: string, value = Number(source)): number | bigint {
  if (Number.isSafeInteger(value)) return value;
  if (!/^-?\d+$/.test(source)) return value;
  if (source.length > integerDigitsLimit + 1) {
    throw new Undecodable(
      'limit',
      `an integer of ${source.length} digits, at most ${integerDigitsLimit} are taken`,
    );
  }
  return BigInt(source);
}

/**
 * Whether 16 digits stand in a row, as in any integer beyond 2^53; those of a fraction do not count. A run of 16 covers a
 * position that is 15 modulo 16, so only these are looked at.
 */
export function mayHoldLongInteger(bytes: Uint8Array): boolean {
  for (let i = 15; i < bytes.length; i += 16) {
    if (!isDigit(bytes[i]!)) continue;
    let from = i;
    let to = i + 1;
    while (from > 0 && isDigit(bytes[from - 1]!)) from--;
    while (to < bytes.length && isDigit(bytes[to]!)) to++;
    if (to - from >= 16 && bytes[from - 1] !== point) return true;
  }
  return false;
}

const point = 46;

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/**
 * A tree as JSON: bigints as digits, bytes as `{"base64": …}`, NaN and the infinities as `{"number": "NaN"}`, or refused where
 * all numbers must be `finite`. `name` is for the refusal.
 */
export function jsonText(value: unknown, name: string, finite: boolean): string {
  try {
    return JSON.stringify(value, (_key, item: unknown) => {
      if (typeof item === 'bigint') return rawJSON(String(item));
      if (typeof item === 'number' && !Number.isFinite(item)) {
        if (finite) throw beyondDouble(name);
        return { number: String(item) };
      }
      if (item instanceof Uint8Array) return { base64: base64Of(item) };
      return item;
    });
  } catch (error) {
    if (error instanceof RangeError) throw new Undecodable('limit', 'the payload is nested too deep');
    throw error;
  }
}

function firstBadByte(bytes: Uint8Array): number {
  // The longest prefix that decodes as a stream ends where the trouble starts; found by halving.
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (decodes(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
