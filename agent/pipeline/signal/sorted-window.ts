import type { ByteReader } from '../../base/byte-reader.ts';
import { MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

/**
 * The last `capacity` values in order of arrival and in order of size: medians in constant time, a new value in O(capacity) moves
 * of one typed array, which for the windows in use (3 … 255) is faster than any tree. Values are finite.
 */
export class SortedWindow {
  readonly capacity: number;
  /** Values held, 0 … capacity. */
  count = 0;
  #next = 0;
  readonly #arrival: Float64Array;
  readonly #sorted: Float64Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#arrival = new Float64Array(capacity);
    this.#sorted = new Float64Array(capacity);
  }

  clear(): void {
    this.count = 0;
    this.#next = 0;
  }

  /** Takes the value in; the oldest leaves when there is no room. */
  push(value: number): void {
    const sorted = this.#sorted;
    let hole = this.count;
    if (this.count === this.capacity) hole = this.#indexOf(this.#arrival[this.#next]!);
    else this.count++;
    // The hole moves to where the new value belongs.
    while (hole > 0 && sorted[hole - 1]! > value) {
      sorted[hole] = sorted[hole - 1]!;
      hole--;
    }
    while (hole + 1 < this.count && sorted[hole + 1]! < value) {
      sorted[hole] = sorted[hole + 1]!;
      hole++;
    }
    sorted[hole] = value;
    this.#arrival[this.#next] = value;
    this.#next = this.#next + 1 === this.capacity ? 0 : this.#next + 1;
  }

  /** The value that came `age` values before the newest, 0 … count - 1. */
  arrived(age: number): number {
    const slot = this.#next - 1 - age;
    return this.#arrival[slot < 0 ? slot + this.capacity : slot]!;
  }

  /** Mean of the two middle values where the count is even. Count >= 1. */
  median(): number {
    const middle = this.count >>> 1;
    const upper = this.#sorted[middle]!;
    return (this.count & 1) === 1 ? upper : midpoint(this.#sorted[middle - 1]!, upper);
  }

  /** Median of the distances from `center`, which lies within the values held. Count >= 1. */
  medianDistance(center: number): number {
    const sorted = this.#sorted;
    // Distances grow away from the centre on both sides: merging the two sides gives them in order.
    let right = this.count >>> 1;
    while (right > 0 && sorted[right - 1]! >= center) right--;
    while (right < this.count && sorted[right]! < center) right++;
    let left = right - 1;
    const middle = this.count >>> 1;
    let before = 0;
    let distance = 0;
    for (let i = 0; i <= middle; i++) {
      before = distance;
      const below = left >= 0 ? center - sorted[left]! : Number.POSITIVE_INFINITY;
      const above = right < this.count ? sorted[right]! - center : Number.POSITIVE_INFINITY;
      if (below < above) {
        distance = below;
        left--;
      } else {
        distance = above;
        right++;
      }
    }
    return (this.count & 1) === 1 ? distance : midpoint(before, distance);
  }

  /** Count, then the values in order of arrival. */
  write(writer: ByteWriter): void {
    writer.varint(this.count);
    const oldest = this.count === this.capacity ? this.#next : 0;
    for (let i = 0; i < this.count; i++) writer.float64(this.#arrival[(oldest + i) % this.capacity]!);
  }

  /** Reads into this window, which is empty. @throws {MalformedBytes} */
  read(reader: ByteReader): void {
    const count = reader.count(this.capacity, 'values of a window');
    for (let i = 0; i < count; i++) {
      const value = reader.float64();
      if (!Number.isFinite(value)) throw new MalformedBytes('a value of a window is not finite');
      this.push(value);
    }
  }

  /** A slot that holds the value; it is there. */
  #indexOf(value: number): number {
    const sorted = this.#sorted;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Without overflow, and exact for equal numbers. */
function midpoint(a: number, b: number): number {
  return a === b ? a : a / 2 + b / 2;
}
