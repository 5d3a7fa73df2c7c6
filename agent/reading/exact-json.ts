import { hasEscapedKey, readJson } from './escaped-keys.ts';

/** Newer than the compiler's library: the source text of a number (ECMA-262 `JSON.parse` with source, `JSON.rawJSON`). */
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON: (text: string) => RawNumber;
  isRawJSON: (value: unknown) => boolean;
};

/** A number as it is written: `JSON.stringify` writes it so again. */
export interface RawNumber {
  readonly rawJSON: string;
}

/**
 * JSON.parse for lines of readings: a number that a double would write differently (an integer beyond 2^53, minus zero) comes as {@link RawNumber}, and
 * keys with escapes come as they are (`escaped-keys.ts`). @throws {SyntaxError}
 */
export function parseExact(text: string): unknown {
  // In lines values stand between a colon and a comma or the end of the object; where a text looks so, nothing but time is lost.
  const mayBeInexact = /:(?:-?\d{16,}|-0)[,}]/.test(text);
  // Valid first: what reads escaped keys trusts the text.
  const tree: unknown = mayBeInexact ? JSON.parse(text, exactReviver as never) : JSON.parse(text);
  return hasEscapedKey(text) ? readJson(text, exactNumber) : tree;
}

export function isRawNumber(value: unknown): value is RawNumber {
  return isRawJSON(value);
}

const exactReviver: Reviver = (_key, value, { source }) =>
  typeof value === 'number' ? exactNumber(source ?? String(value)) : value;

function exactNumber(source: string): number | RawNumber {
  const value = Number(source);
  return /^-?\d+$/.test(source) && String(value) !== source ? rawJSON(source) : value;
}
