import { MalformedBytes, type ByteReader } from '../base/byte-reader.ts';
import type { ByteWriter } from '../base/byte-writer.ts';

/**
 * Count, sum, extremes and squared distances from the mean of values. The sum is compensated (Knuth's two-sum), the squares merge by Chan's
 * formula. Empty: count 0.
 */
export class Tally {
  count = 0;
  min = Infinity;
  max = -Infinity;
  #sum = 0;
  /** What rounding took from the sum. */
  #lost = 0;
  #mean = 0;
  #squares = 0;
  /** What the squares joined may be off by. */
  #squaresError = 0;

  get sum(): number {
    return this.#sum + this.#lost;
  }

  /** Of the sample (÷ n - 1); NaN below two values. */
  get variance(): number {
    return this.count < 2 ? NaN : this.#squares / (this.count - 1);
  }

  /** What the standard deviation of the sample is at least and at most. NaN below two values. */
  get deviation(): { readonly value: number; readonly low: number; readonly high: number } {
    const value = Math.sqrt(this.variance);
    const error = this.#squaresError / (this.count - 1);
    const low = Math.sqrt(Math.max(0, this.variance - error));
    return { value, low, high: Math.sqrt(this.variance + error) };
  }

  update(value: number): void {
    this.count++;
    this.#add(value);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const distance = value - this.#mean;
    this.#mean += distance / this.count;
    this.#squares += distance * (value - this.#mean);
  }

  /** The first `count` of `values`, in two passes. */
  updateAll(values: Float64Array, count: number): void {
    let [sum, lost, min, max] = [0, 0, Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const next = sum + value;
      const back = next - sum;
      lost += sum - (next - back) + (value - back);
      sum = next;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    // Sums of the largest doubles are no number.
    const part = (sum + lost) / count;
    const mean = Number.isFinite(part) ? part : min / 2 + max / 2;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const distance = values[i]! - mean;
      squares += distance * distance;
    }
    this.join({ count, sum, lost, min, max, mean, squares });
  }

  merge(other: Tally): void {
    const { count, min, max } = other;
    this.join({
      count,
      min,
      max,
      sum: other.#sum,
      lost: other.#lost,
      mean: other.#mean,
      squares: other.#squares,
      squaresError: other.#squaresError,
    });
  }

  /** Takes in what somebody else summed up. `squares`: of the distances from `mean`. */
  join(part: {
    readonly count: number;
    readonly sum: number;
    readonly lost?: number;
    readonly min: number;
    readonly max: number;
    readonly mean: number;
    readonly squares: number;
    readonly squaresError?: number;
  }): void {
    if (part.count === 0) return;
    const count = this.count + part.count;
    const delta = part.mean - this.#mean;
    this.#squares += part.squares + (delta * delta * this.count * part.count) / count;
    this.#squaresError += part.squaresError ?? 0;
    this.#mean = this.count === 0 ? part.mean : this.#mean + (delta * part.count) / count;
    this.count = count;
    this.#add(part.sum);
    this.#lost += part.lost ?? 0;
    this.min = Math.min(this.min, part.min);
    this.max = Math.max(this.max, part.max);
  }

  #add(value: number): void {
    const before = this.#sum;
    const sum = before + value;
    const back = sum - before;
    this.#lost += before - (sum - back) + (value - back);
    this.#sum = sum;
  }

  write(writer: ByteWriter): void {
    writer.varint(this.count);
    for (const value of [this.sum, this.min, this.max, this.#mean, this.#squares]) writer.float64(value);
  }

  /** @throws {MalformedBytes} */
  read(reader: ByteReader): void {
    this.count = reader.varint();
    this.#sum = reader.float64();
    this.min = reader.float64();
    this.max = reader.float64();
    this.#mean = reader.float64();
    this.#squares = reader.float64();
    if (this.count > 0 && !(this.min <= this.max)) throw new MalformedBytes('min is above max');
  }
}
