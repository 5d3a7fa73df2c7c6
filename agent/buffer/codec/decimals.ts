/**
 * Doubles that are decimal fractions: most sensors print a few digits, and a gateway reads them back as doubles. `integer / 10^digits`
 * must give the same double bit for bit; what does not is an exception and kept beside (the idea of ALP, Afroozeh and Boncz 2023).
 * With `single`, the quotient is rounded to a float32 first: devices compute in float32 and send 21.299999237060547 for 21.3.
 */
export interface DecimalPlan {
  readonly digits: number;
  readonly single: boolean;
  /** At an exception stands the nearest integer, or the one before where there is none. */
  readonly integers: Float64Array;
  /** Positions whose value the integers do not give, ascending. */
  readonly exceptions: Float64Array;
}

/** Every power up to 10^22 is a double. */
export const digitsMax = 15;
const singleDigitsMax = 9;
/** Integers stay small enough that two differences and a zigzag fit 2^53. */
const integersMax = 2 ** 50;
const samplesMax = 128;
/** What an exception costs at worst, in bits: its eight bytes and its position. */
export const exceptionBits = 80;
const bitsPerDigit = Math.log2(10);

/** Null when more than a quarter of the values would be exceptions. */
export function planDecimals(values: Float64Array, single: boolean): DecimalPlan | null {
  const digits = likelyDigits(values, single);
  if (digits === null) return null;
  const scale = powerOfTen(digits);
  const integers = new Float64Array(values.length);
  const exceptions: number[] = [];
  let before = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const integer = Math.round(value * scale);
    // Adding zero turns a rounded -0 into 0.
    if (Math.abs(integer) <= integersMax) before = integer + 0;
    if (!fits(value, integer, scale, single)) {
      exceptions.push(i);
      if (exceptions.length * 4 > values.length) return null;
    }
    integers[i] = before;
  }
  return { digits, single, integers, exceptions: Float64Array.from(exceptions) };
}

/** Undoes {@link planDecimals} in place, but for the exceptions. */
export function fromDecimals(integers: Float64Array, digits: number, single: boolean): void {
  const scale = powerOfTen(digits);
  if (single) for (let i = 0; i < integers.length; i++) integers[i] = Math.fround(integers[i]! / scale);
  else if (digits > 0) for (let i = 0; i < integers.length; i++) integers[i] = integers[i]! / scale;
}

function fits(value: number, integer: number, scale: number, single: boolean): boolean {
  const back = single ? Math.fround(integer / scale) : integer / scale;
  if (back !== value || Math.abs(integer) > integersMax) return false;
  return value !== 0 || !Object.is(value, -0);
}

/** The number of digits for which digits and exceptions of a sample cost least. */
function likelyDigits(values: Float64Array, single: boolean): number | null {
  const most = single ? singleDigitsMax : digitsMax;
  const needing = new Uint32Array(most + 1);
  const step = Math.max(1, Math.floor(values.length / samplesMax));
  let samples = 0;
  for (let i = 0; i < values.length; i += step) {
    samples++;
    const digits = digitsOf(values[i]!, most, single);
    if (digits !== null) needing[digits]!++;
  }
  let best: { digits: number; cost: number } | null = null;
  let covered = 0;
  for (let digits = 0; digits <= most; digits++) {
    if (needing[digits] === 0) continue;
    covered += needing[digits]!;
    const cost = samples * digits * bitsPerDigit + (samples - covered) * exceptionBits;
    if (covered * 2 >= samples && (best === null || cost < best.cost)) best = { digits, cost };
  }
  return best === null ? null : best.digits;
}

function digitsOf(value: number, most: number, single: boolean): number | null {
  for (let digits = 0; digits <= most; digits++) {
    const scale = powerOfTen(digits);
    if (fits(value, Math.round(value * scale), scale, single)) return digits;
  }
  return null;
}

/** Exact, for `digits` up to {@link digitsMax}. */
export function powerOfTen(digits: number): number {
  return powers[digits]!;
}

const powers: readonly number[] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];
