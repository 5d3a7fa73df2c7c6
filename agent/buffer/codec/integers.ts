import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { planesCost, putPlanes, takePlanes } from './planes.ts';

/**
 * Integers |v| <= 2^53 - 1. Their greatest common divisor is taken out (timestamps in whole seconds, counters in tens), then the
 * cheapest of three residuals is kept as byte planes: 0 the distance from the smallest, 1 the difference from the one before,
 * 2 the difference of differences; 1 and 2 in zigzag order (0, -1, 1, -2 …).
 */
export interface IntegerPlan {
  readonly order: 0 | 1 | 2;
  readonly first: number;
  readonly divisor: number;
  readonly residuals: Float64Array;
  /** Bits it will take about. */
  readonly cost: number;
}

/** Ranges beyond it are kept by order 0: differences of differences in zigzag order are four times as large. */
const differencesMax = 2 ** 50;

/** Null when the values lie further apart than 2^53 - 1; then they are not kept as integers. */
export function planIntegers(values: Float64Array): IntegerPlan | null {
  if (values.length === 0) return { order: 0, first: 0, divisor: 1, residuals: values, cost: 0 };
  let min = values[0]!;
  let max = min;
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  if (max - min > Number.MAX_SAFE_INTEGER) return null;
  const divisor = commonDivisor(values);
  const scaled = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) scaled[i] = (values[i]! - min) / divisor;
  const fixed = 8 * (varintBytes(Math.abs(min)) + varintBytes(divisor) + 2);
  let best: IntegerPlan = {
    order: 0,
    first: min,
    divisor,
    residuals: scaled,
    cost: fixed + planesCost(scaled),
  };
  if ((max - min) / divisor > differencesMax || values.length < 3) return best;
  const once = differences(scaled);
  for (const order of [1, 2] as const) {
    const residuals = zigzag(order === 1 ? once : differences(once));
    const cost = fixed + planesCost(residuals);
    if (cost < best.cost) best = { order, first: min, divisor, residuals, cost };
  }
  return best;
}

export function putIntegers(out: BlockWriter, plan: IntegerPlan): void {
  out.common.uint8(plan.order | (plan.first < 0 ? 4 : 0));
  out.common.varint(Math.abs(plan.first));
  out.common.varint(plan.divisor);
  putPlanes(out, plan.residuals);
}

/** @throws {MalformedBytes} also when a value is not an integer of the range. */
export function takeIntegers(from: BlockReader, length: number): Float64Array {
  const head = from.common.uint8();
  const order = head & 3;
  if (order > 2 || head > 7) throw new MalformedBytes(`integers of order ${head}`);
  const magnitude = from.common.varint();
  const first = head & 4 ? -magnitude : magnitude;
  const divisor = from.common.varint();
  const residuals = takePlanes(from, length);
  const values = residuals instanceof Float64Array ? residuals : new Float64Array(length);
  if (order === 0) for (let i = 0; i < length; i++) values[i] = first + residuals[i]! * divisor;
  else if (residuals instanceof Float64Array) {
    unzigzag(values);
    if (order === 2) accumulate(values);
    accumulate(values);
    for (let i = 0; i < length; i++) values[i] = first + values[i]! * divisor;
  } else restore(residuals, values, { order, first, divisor });
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    if (!(value <= Number.MAX_SAFE_INTEGER && value >= -Number.MAX_SAFE_INTEGER)) {
      throw new MalformedBytes('integer beyond 2^53 - 1');
    }
  }
  return values;
}

/** What {@link unzigzag} and {@link accumulate} do, in one pass. */
function restore(
  residuals: Uint32Array,
  values: Float64Array,
  of: { order: number; first: number; divisor: number },
): void {
  const { first, divisor } = of;
  const isTwice = of.order === 2;
  let difference = 0;
  let sum = 0;
  for (let i = 0; i < residuals.length; i++) {
    const residual = residuals[i]!;
    const step = (residual >>> 1) ^ -(residual & 1);
    difference = isTwice ? difference + step : step;
    sum += difference;
    values[i] = first + sum * divisor;
  }
}

/** The first difference is the first value itself, so that a running sum gives all back. */
function differences(values: Float64Array): Float64Array {
  const result = new Float64Array(values.length);
  let before = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    result[i] = value - before;
    before = value;
  }
  return result;
}

function accumulate(values: Float64Array): void {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i]!;
    values[i] = sum;
  }
}

function zigzag(values: Float64Array): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    result[i] = value >= 0 ? 2 * value : -2 * value - 1;
  }
  return result;
}

function unzigzag(values: Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const half = Math.floor(value / 2);
    values[i] = value - 2 * half === 0 ? half : -half - 1;
  }
}

/** Greatest common divisor of all distances from the first value; 1 when there is none larger. */
function commonDivisor(values: Float64Array): number {
  let divisor = 0;
  const first = values[0]!;
  for (let i = 1; i < values.length && divisor !== 1; i++) {
    let a = Math.abs(values[i]! - first);
    if (divisor !== 0) {
      const rest = a % divisor;
      if (rest === 0) continue;
      a = rest;
    }
    let b = divisor;
    while (b !== 0) [a, b] = [b, a % b];
    divisor = a;
  }
  return divisor === 0 ? 1 : divisor;
}

function varintBytes(value: number): number {
  return Math.floor(Math.log2(value + 1) / 7) + 1;
}
