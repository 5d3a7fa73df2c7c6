import { MalformedBytes, type ByteReader } from '../../base/byte-reader.ts';
import { digitsMax, planDecimals, powerOfTen } from '../codec/decimals.ts';
import type { RowWriter } from '../codec/row-writer.ts';
import { distances, nearby } from '../codec/words.ts';
import { riceCost, type RiceReader, type RiceWriter } from './rice.ts';

/**
 * Columns of whole numbers and of doubles as the differences from what other columns say: what {@link packRows} is made of. Exact for every
 * value, or refused.
 */

/** What a column may be predicted from, in this order in its first byte; `null`: the value before. */
export type Predictions = readonly (Float64Array | null)[];

/** How the doubles of a field are whole numbers: value × 10^digits, after rounding to a float32 where `single`. */
export interface Scale {
  readonly digits: number;
  readonly single: boolean;
}

/** Where no bits follow because every difference is 0. */
const nothing = 8;
/** What the nearest decimal lacks follows: in units in the last place, or in units of 2^-bits. */
const restByPlaces = 16;
const restByBits = 32;
/** Whole numbers and differences stay small enough for zigzag. */
const wholeMax = 2 ** 50;
const fractionBitsMax = 60;
const doublesApartMax = 2 ** 32;
const samplesMax = 192;

export function scaleOf(values: Float64Array): Scale | null {
  if (values.length === 0) return { digits: 0, single: false };
  const plan = planDecimals(values, false);
  if (plan !== null && plan.digits <= 5) return { digits: plan.digits, single: false };
  // Devices compute in float32; some print what they have with fifteen digits, which is a place or two off.
  const singles = values.map(Math.fround);
  const isSingle = values.every((value, i) => Math.abs(singles[i]! - value) <= Math.abs(value) * 2 ** -48);
  const short = isSingle ? planDecimals(singles, true) : null;
  const best = short !== null && (plan === null || short.digits < plan.digits) ? short : plan;
  return best === null ? null : { digits: best.digits, single: best === short };
}

export function writeScale(out: RowWriter, { digits, single }: Scale): void {
  out.uint8(2 * digits + (single ? 1 : 0));
}

/** @throws {MalformedBytes} */
export function readScale(from: ByteReader): Scale {
  const head = from.count(2 * digitsMax + 1, 'digits');
  return { digits: head >> 1, single: head % 2 === 1 };
}

/** False when some numbers lie too far apart. */
export function putWhole(out: Target, values: Float64Array, predictions: Predictions): boolean {
  const chosen = cheapest(values, predictions, null);
  if (chosen === null) return refused(out);
  out.head.uint8(chosen.code | (chosen.isNothing ? nothing : 0));
  if (!chosen.isNothing) out.bits.column(chosen.differences);
  return true;
}

/** Null where {@link putWhole} was refused. @throws {MalformedBytes} */
export function takeWhole(from: Source, length: number, predictions: Predictions): Float64Array | null {
  const head = from.head.uint8();
  if (head === refusal) return null;
  if ((head & ~(nothing | 3)) !== 0) throw new MalformedBytes(`whole numbers of kind ${head}`);
  return restored(from, { head, length, predictions, scale: null });
}

/** False when the values are no decimals of this scale, or lie too far apart. */
export function putDoubles(
  out: Target,
  values: Float64Array,
  by: { scale: Scale; predictions: Predictions },
): boolean {
  const { scale } = by;
  const wholes = wholesOf(values, scale);
  if (wholes === null) return refused(out);
  const chosen = cheapest(wholes, by.predictions, scale);
  const rest = restOf(values, decimalsOf(wholes, scale), wholes);
  if (chosen === null || rest === null) return refused(out);
  out.head.uint8(chosen.code | (chosen.isNothing ? nothing : 0) | rest.kind);
  if (!chosen.isNothing) out.bits.column(chosen.differences);
  if (rest.kind === 0) return true;
  if (rest.kind === restByBits) out.head.uint8(rest.bits);
  out.bits.column(rest.values);
  return true;
}

/** Null where {@link putDoubles} was refused. @throws {MalformedBytes} */
export function takeDoubles(
  from: Source,
  length: number,
  by: { scale: Scale; predictions: Predictions },
): Float64Array | null {
  const { scale } = by;
  const head = from.head.uint8();
  if (head === refusal) return null;
  const kind = head & ~(nothing | 3);
  if (kind !== 0 && kind !== restByBits && kind !== restByPlaces) {
    throw new MalformedBytes(`doubles of kind ${head}`);
  }
  const { predictions } = by;
  const values = decimalsOf(restored(from, { head, length, predictions, scale }), scale);
  if (kind === 0) return values;
  if (kind === restByBits) {
    const unit = 2 ** -from.head.count(fractionBitsMax, 'bits of a fraction');
    const rest = from.bits.column(length);
    for (let i = 0; i < length; i++) values[i] = (Math.round(values[i]! / unit) + unzigzag(rest[i]!)) * unit;
    return values;
  }
  const rest = from.bits.column(length);
  const halves = new Uint32Array(2 * length);
  for (let i = 0; i < length; i++) {
    halves[2 * i] = rest[i]! >>> 0;
    halves[2 * i + 1] = rest[i]! / 2 ** 32;
  }
  return new Float64Array(nearby(halves, halvesOf(values)).buffer);
}

/** Says that the values of a column are not here. */
export function refused(out: Target): false {
  out.head.uint8(refusal);
  return false;
}

/** In place of a column's first byte. */
const refusal = 255;

export interface Target {
  readonly head: RowWriter;
  readonly bits: RiceWriter;
}

export interface Source {
  readonly head: ByteReader;
  readonly bits: RiceReader;
}

interface Chosen {
  readonly code: number;
  readonly differences: Float64Array;
  readonly isNothing: boolean;
}

/** By a stretch in the middle, where there are many. */
function cheapest(wholes: Float64Array, predictions: Predictions, scale: Scale | null): Chosen | null {
  const samples = Math.min(wholes.length, samplesMax);
  const from = (wholes.length - samples) >> 1;
  const sampled = wholes.subarray(from, from + samples);
  let best = { code: 0, cost: Infinity };
  for (let code = 0; code < predictions.length && predictions.length > 1 && best.cost > 0; code++) {
    const near = predictions[code]?.subarray(from, from + samples) ?? null;
    const differences = differencesOf(sampled, near && predictedWholes(near, scale));
    if (differences === null) continue;
    // What comes before a stretch is unknown.
    if (from > 0) differences[0] = 0;
    const cost = riceCost(differences);
    if (cost < best.cost) best = { code, cost };
  }
  const { code } = best;
  const prediction = predictions[code]!;
  const differences = differencesOf(wholes, prediction && predictedWholes(prediction, scale));
  return differences && { code, differences, isNothing: riceCost(differences) === 0 };
}

/** In zigzag order: 0, -1, 1, -2 … Null when one is too large. */
function differencesOf(wholes: Float64Array, prediction: Float64Array | null): Float64Array | null {
  const result = new Float64Array(wholes.length);
  let before = 0;
  for (let i = 0; i < wholes.length; i++) {
    const value = wholes[i]!;
    const difference = value - (prediction === null ? before : prediction[i]!);
    before = value;
    if (!(difference <= wholeMax && difference >= -wholeMax)) return null;
    result[i] = difference >= 0 ? 2 * difference : -2 * difference - 1;
  }
  return result;
}

function restored(
  from: Source,
  of: { head: number; length: number; predictions: Predictions; scale: Scale | null },
): Float64Array {
  const { head, length, scale } = of;
  const chosen = of.predictions[head & 3];
  const prediction = chosen && predictedWholes(chosen, scale);
  if (prediction === undefined) throw new MalformedBytes(`predicted in way ${head & 3}`);
  const values = (head & nothing) === 0 ? from.bits.column(length) : new Float64Array(length);
  let before = 0;
  for (let i = 0; i < length; i++) {
    before = unzigzag(values[i]!) + (prediction === null ? before : prediction[i]!);
    if (!Number.isSafeInteger(before)) throw new MalformedBytes('whole number beyond 2^53 - 1');
    values[i] = before;
  }
  return values;
}

function unzigzag(value: number): number {
  if (value < 2 ** 31) return (value >>> 1) ^ -(value & 1);
  const half = Math.floor(value / 2);
  return value === 2 * half ? half : -half - 1;
}

/** Null when one is too large. */
function wholesOf(values: Float64Array, { digits }: Scale): Float64Array | null {
  const scale = powerOfTen(digits);
  const wholes = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const whole = Math.round(values[i]! * scale);
    if (!(whole <= wholeMax && whole >= -wholeMax)) return null;
    wholes[i] = whole + 0;
  }
  return wholes;
}

function predictedWholes(values: Float64Array, by: Scale | null): Float64Array {
  if (by === null) return values;
  const scale = powerOfTen(by.digits);
  const wholes = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const whole = Math.round(values[i]! * scale);
    wholes[i] = whole <= wholeMax && whole >= -wholeMax ? whole + 0 : 0;
  }
  return wholes;
}

function decimalsOf(wholes: Float64Array, { digits, single }: Scale): Float64Array {
  const scale = powerOfTen(digits);
  const values = new Float64Array(wholes.length);
  for (let i = 0; i < wholes.length; i++) {
    const value = wholes[i]! / scale;
    values[i] = single ? Math.fround(value) : value;
  }
  return values;
}

type Rest =
  | { readonly kind: 0 }
  | { readonly kind: typeof restByPlaces; readonly values: Float64Array }
  | { readonly kind: typeof restByBits; readonly values: Float64Array; readonly bits: number };

/** What the values are beyond the decimals near them; null when they are not near. */
function restOf(values: Float64Array, near: Float64Array, wholes: Float64Array): Rest | null {
  let i = 0;
  while (i < values.length && Object.is(values[i], near[i])) i++;
  if (i === values.length) return { kind: 0 };
  const halves = distances(halvesOf(values), halvesOf(near));
  const places = new Float64Array(wholes.length);
  let most = 0;
  for (let row = 0; row < wholes.length; row++) {
    places[row] = halves[2 * row]! + halves[2 * row + 1]! * 2 ** 32;
    most = Math.max(most, places[row]!);
  }
  // Sums of float32 are whole in a binary unit that is far coarser than their last place.
  const byBits = most > 64 ? restInBits(values, near) : null;
  if (byBits !== null && riceCost(byBits.values) < riceCost(places)) return byBits;
  return most < doublesApartMax ? { kind: restByPlaces, values: places } : null;
}

function restInBits(values: Float64Array, near: Float64Array): (Rest & { kind: typeof restByBits }) | null {
  let bits = 0;
  for (let i = 0; i < values.length; i++) {
    while (bits <= fractionBitsMax && !Number.isInteger(values[i]! * 2 ** bits)) bits++;
    if (bits > fractionBitsMax || Math.abs(values[i]! * 2 ** bits) > wholeMax || Object.is(values[i], -0))
      return null;
  }
  const unit = 2 ** -bits;
  const rest = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const apart = values[i]! / unit - Math.round(near[i]! / unit);
    if (!(Math.abs(apart) <= wholeMax)) return null;
    rest[i] = apart >= 0 ? 2 * apart : -2 * apart - 1;
  }
  return { kind: restByBits, values: rest, bits };
}

function halvesOf(values: Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}
