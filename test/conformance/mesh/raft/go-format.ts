/** How Go's fmt prints what the scripts hold. */
const escapes = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [34, '\\"'],
  [92, '\\\\'],
]);

const hexByte = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;

/** %q of a byte string. */
export function quote(data: Uint8Array): string {
  let text = '"';
  for (let at = 0; at < data.length;) {
    const length = runeLength(data, at);
    if (length === 0) {
      text += hexByte(data[at++]!);
      continue;
    }
    const rune = new TextDecoder().decode(data.subarray(at, at + length));
    at += length;
    text += quoteRune(rune);
  }
  return `${text}"`;
}

function quoteRune(rune: string): string {
  const code = rune.codePointAt(0)!;
  const escape = escapes.get(code);
  if (escape !== undefined) return escape;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune)) return rune;
  if (code < 32 || code === 127) return hexByte(code);
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Bytes of the valid UTF-8 sequence at `at`; 0 when there is none. */
function runeLength(data: Uint8Array, at: number): number {
  const first = data[at]!;
  const length =
    first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length <= 1) return length;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}

/** %x of an id. */
export const hex = (id: number): string => id.toString(16);

/** %v of a list of numbers. */
export const list = (ids: readonly number[]): string => `[${ids.join(' ')}]`;

/** strconv.ParseBool; undefined for what it refuses. */
export function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}
