import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';
import { entropyBits } from './planes.ts';

/**
 * 64-bit words whose bits are not a small integer: full-entropy doubles, wide bigints. Eight byte planes, after one of three
 * predictions: 0 none, 1 exclusive or with the word before (Gorilla's), 2 the difference from it modulo 2^64.
 * Words are pairs of 32 bits, low half first.
 */
export interface WordPlan {
  readonly prediction: 0 | 1 | 2;
  readonly planes: Uint8Array;
  readonly cost: number;
}

/** `halves` is what a Float64Array or BigInt64Array looks like as a Uint32Array. */
export function planWords(halves: Uint32Array): WordPlan {
  let best: WordPlan | undefined;
  for (const prediction of [0, 1, 2] as const) {
    const planes = planesOf(predicted(halves, prediction));
    const cost = cheapness(planes);
    if (best === undefined || cost < best.cost) best = { prediction, planes, cost };
  }
  return best!;
}

export function putWords(out: BlockWriter, plan: WordPlan): void {
  out.common.uint8(plan.prediction);
  const length = plan.planes.length / 8;
  for (let p = 0; p < 8; p++) out.part(plan.planes.subarray(p * length, (p + 1) * length));
}

/** Bits of `length` words, in a buffer aligned for any element. @throws {MalformedBytes} */
export function takeWords(from: BlockReader, length: number): ArrayBuffer {
  const prediction = from.common.uint8();
  if (prediction > 2) throw new MalformedBytes(`words of prediction ${prediction}`);
  const bytes = new Uint8Array(8 * length);
  for (let p = 0; p < 8; p++) {
    const plane = from.part(length);
    for (let i = 0, at = p; i < length; i++, at += 8) bytes[at] = plane[i]!;
  }
  if (prediction > 0) restore(new Uint32Array(bytes.buffer), prediction);
  return bytes.buffer;
}

/**
 * How far each word lies from the one `near` it, modulo 2^64 in zigzag order: two doubles a few units in the last place apart
 * have a small distance. {@link nearby} undoes it.
 */
export function distances(halves: Uint32Array, near: Uint32Array): Uint32Array {
  const result = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i += 2) {
    const borrow = halves[i]! < near[i]! ? 1 : 0;
    const low = halves[i]! - near[i]!;
    const high = halves[i + 1]! - near[i + 1]! - borrow;
    const sign = high >> 31;
    result[i] = (low << 1) ^ sign;
    result[i + 1] = ((high << 1) | ((low >>> 31) & 1)) ^ sign;
  }
  return result;
}

/** The words at these distances from those near them. */
export function nearby(distances: Uint32Array, near: Uint32Array): Uint32Array<ArrayBuffer> {
  const result = new Uint32Array(distances.length);
  for (let i = 0; i < distances.length; i += 2) {
    const sign = -(distances[i]! & 1);
    const low = (((distances[i]! >>> 1) | (distances[i + 1]! << 31)) ^ sign) >>> 0;
    const high = (distances[i + 1]! >>> 1) ^ sign;
    const sum = near[i]! + low;
    result[i] = sum;
    result[i + 1] = near[i + 1]! + high + (sum > 0xffff_ffff ? 1 : 0);
  }
  return result;
}

function predicted(halves: Uint32Array, prediction: 0 | 1 | 2): Uint32Array {
  if (prediction === 0) return halves;
  const result = new Uint32Array(halves.length);
  let lowBefore = 0;
  let highBefore = 0;
  for (let i = 0; i < halves.length; i += 2) {
    const low = halves[i]!;
    const high = halves[i + 1]!;
    if (prediction === 1) {
      result[i] = low ^ lowBefore;
      result[i + 1] = high ^ highBefore;
    } else {
      result[i] = low - lowBefore;
      result[i + 1] = high - highBefore - (low < lowBefore ? 1 : 0);
    }
    lowBefore = low;
    highBefore = high;
  }
  return result;
}

function restore(halves: Uint32Array, prediction: number): void {
  let low = 0;
  let high = 0;
  for (let i = 0; i < halves.length; i += 2) {
    if (prediction === 1) {
      low = (low ^ halves[i]!) >>> 0;
      high = (high ^ halves[i + 1]!) >>> 0;
    } else {
      const sum = low + halves[i]!;
      high = (high + halves[i + 1]! + (sum > 0xffff_ffff ? 1 : 0)) >>> 0;
      low = sum >>> 0;
    }
    halves[i] = low;
    halves[i + 1] = high;
  }
}

function planesOf(halves: Uint32Array): Uint8Array {
  const length = halves.length / 2;
  const bytes = new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  const planes = new Uint8Array(8 * length);
  for (let p = 0; p < 8; p++) {
    for (let i = 0, at = p; i < length; i++, at += 8) planes[p * length + i] = bytes[at]!;
  }
  return planes;
}

function cheapness(planes: Uint8Array): number {
  const length = planes.length / 8;
  const counts = new Uint32Array(256);
  let bits = 0;
  for (let p = 0; p < 8; p++) {
    counts.fill(0);
    for (let i = p * length; i < (p + 1) * length; i++) counts[planes[i]!]!++;
    bits += Math.min(entropyBits(counts, length), 8 * length);
  }
  return bits;
}
