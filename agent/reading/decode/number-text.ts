import { integerDigitsLimit } from '../limits.ts';

/**
 * The number a text writes, or undefined. Integers beyond 2^53 - 1 come as bigint, exact; with more than
 * `integerDigitsLimit` digits the text is no number. `nan`, `inf` and `infinity` in any case are numbers: sensors print them. Digits beyond the
 * range of a double are none: infinity would be another value.
 */
export function numberOf(text: string): number | bigint | undefined {
  if (text.length > 400) return undefined;
  if (decimal.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) return undefined;
    return Number.isSafeInteger(value) || !integer.test(text) ? value : integerOf(text);
  }
  return text.length <= 9 ? notFinite(text.toLowerCase()) : undefined;
}

/** Whether a text is none to {@link numberOf} only because it is too large. */
export function isBeyondDouble(text: string): boolean {
  return text.length <= 400 && decimal.test(text) && !Number.isFinite(Number(text));
}

/** An integer as number when a double holds it exactly, else as bigint; undefined when it has too many digits or is none. */
export function integerOf(text: string): number | bigint | undefined {
  if (!integer.test(text)) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  if (text.length > integerDigitsLimit + 1) return undefined;
  return BigInt(text.startsWith('+') ? text.slice(1) : text);
}

function notFinite(word: string): number | undefined {
  switch (word) {
    case 'nan':
      return Number.NaN;
    case 'inf':
    case '+inf':
    case 'infinity':
    case '+infinity':
      return Infinity;
    case '-inf':
    case '-infinity':
      return -Infinity;
    default:
      return undefined;
  }
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const integer = /^[+-]?\d+$/;
