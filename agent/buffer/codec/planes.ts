import { MalformedBytes } from '../../base/byte-reader.ts';
import type { BlockReader, BlockWriter } from './block-bytes.ts';

/**
 * Non-negative integers as byte planes: all lowest bytes, then all second bytes … Small residuals leave the upper planes zero, and what is
 * left has one distribution a plane, which zstd's entropy coder takes close to its entropy.
 */
export function putPlanes(out: BlockWriter, values: Float64Array): void {
  const width = bytesWide(values);
  out.common.uint8(width);
  const plane = new Uint8Array(values.length);
  for (let p = 0; p < width; p++) {
    if (p < 4) for (let i = 0; i < values.length; i++) plane[i] = (values[i]! >>> 0) >>> (8 * p);
    else
      for (let i = 0; i < values.length; i++)
        plane[i] = Math.floor(values[i]! / 0x1_0000_0000) >>> (8 * (p - 4));
    out.part(plane);
  }
}

/** 32 bits each where no value is wider. @throws {MalformedBytes} */
export function takePlanes(from: BlockReader, length: number): Uint32Array | Float64Array {
  const width = from.common.uint8();
  if (width > 7) throw new MalformedBytes(`integers of ${width} bytes`);
  return width <= 4 ? takeNarrow(from, length, width) : takeWide(from, length, width);
}

function takeNarrow(from: BlockReader, length: number, width: number): Uint32Array {
  const values = new Uint32Array(length);
  for (let p = 0; p < width; p++) {
    const plane = from.part(length);
    const shift = 8 * p;
    for (let i = 0; i < length; i++) values[i] = values[i]! | (plane[i]! << shift);
  }
  return values;
}

function takeWide(from: BlockReader, length: number, width: number): Float64Array {
  const values = new Float64Array(length);
  let scale = 1;
  for (let p = 0; p < width; p++) {
    const plane = from.part(length);
    for (let i = 0; i < length; i++) values[i]! += plane[i]! * scale;
    scale *= 256;
  }
  if (width === 7 && values.some((value) => value > Number.MAX_SAFE_INTEGER)) {
    throw new MalformedBytes('integer beyond 2^53 - 1');
  }
  return values;
}

/** Bytes that hold the largest value; 0 when all are 0. */
function bytesWide(values: Float64Array): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) if (values[i]! > max) max = values[i]!;
  let width = 0;
  for (; max >= 1; max /= 256) width++;
  return width;
}

/** Bits that {@link putPlanes} will take about: the planes' order-0 entropy, and a little for each plane. */
export function planesCost(values: Float64Array): number {
  let bits = 0;
  const counts = new Uint32Array(256);
  for (let p = 0, width = bytesWide(values); p < width; p++) {
    counts.fill(0);
    if (p < 4) for (let i = 0; i < values.length; i++) counts[((values[i]! >>> 0) >>> (8 * p)) & 255]!++;
    else
      for (let i = 0; i < values.length; i++)
        counts[(Math.floor(values[i]! / 0x1_0000_0000) >>> (8 * (p - 4))) & 255]!++;
    bits += entropyBits(counts, values.length) + planeBits;
  }
  return bits;
}

/** Bits that `total` symbols with these counts take under an ideal order-0 coder. */
export function entropyBits(counts: Uint32Array, total: number): number {
  // The sum of count × log2(total / count), with one look-up a symbol.
  let bits = selfWeighted(total);
  let distinct = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count === 0) continue;
    distinct++;
    bits -= selfWeighted(count);
  }
  // A Huffman table costs about four bits a symbol.
  return bits + 4 * distinct;
}

/** n × log2(n). */
function selfWeighted(n: number): number {
  return n < selfWeights.length ? selfWeights[n]! : n * Math.log2(n);
}

const selfWeights = Float64Array.from({ length: 4_097 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)));

/** Frame and block headers of one plane. */
const planeBits = 8 * 12;
