import { expectBytes, parsing, type Parsed } from './fault.ts';
import type { ErrorBound, Sketch } from './sketch.ts';
import { readFinite, readOwn, readUint64, writeOwn, writeUint64 } from './wire.ts';

const magic = 'SDMO';
/**
 * Values that are summed as powers before they become central moments: division and the chain through the mean are paid
 * once a block. Distances are from a value of the block itself, so that a large mean costs no digits.
 */
const blockValues = 128;

interface CentralSums {
  readonly count: number;
  readonly mean: number;
  readonly m2: number;
  readonly m3: number;
  readonly m4: number;
}

/**
 * Count, sum, extremes and central moments to the fourth, exact to rounding. The sum is compensated (Knuth's two-sum), so that
 * its error does not grow with the count; moments merge by Chan's and Pébay's formulas (SAND2008-6212, eq. 1.1–2.10).
 * Values that are not finite are not taken.
 */
export class Moments implements Sketch {
  readonly kind = 'moments';
  readonly memoryBytes = 120;
  #sum = 0;
  /** What rounding took from `#sum`; to be added at the end. */
  #lost = 0;
  #min = Infinity;
  #max = -Infinity;
  /** Mean and central sums of the `#closed` values of closed blocks. */
  #closed = 0;
  #mean = 0;
  #m2 = 0;
  #m3 = 0;
  #m4 = 0;
  /** The open block: how many values, and power sums of the distances from its first value. */
  #open = 0;
  #origin = 0;
  #s1 = 0;
  #s2 = 0;
  #s3 = 0;
  #s4 = 0;

  get n(): number {
    return this.#closed + this.#open;
  }

  get sum(): number {
    return this.#sum + this.#lost;
  }

  /** NaN when empty, like all that follow. */
  get min(): number {
    return this.n === 0 ? NaN : this.#min;
  }

  get max(): number {
    return this.n === 0 ? NaN : this.#max;
  }

  get mean(): number {
    return this.n === 0 ? NaN : this.sum / this.n;
  }

  /** Of the population (÷ n). */
  get variance(): number {
    this.#close();
    return this.#m2 / this.n;
  }

  /** Of the sample (÷ n - 1); NaN below two values. */
  get sampleVariance(): number {
    this.#close();
    return this.n < 2 ? NaN : this.#m2 / (this.n - 1);
  }

  /** Third standardised moment; NaN where the variance is zero. */
  get skewness(): number {
    this.#close();
    return (Math.sqrt(this.n) * this.#m3) / Math.pow(this.#m2, 1.5);
  }

  /** Fourth standardised moment, 3 for a normal distribution; NaN where the variance is zero. */
  get kurtosis(): number {
    this.#close();
    return (this.n * this.#m4) / (this.#m2 * this.#m2);
  }

  update(value: number): void {
    if (value - value !== 0) return;
    if (this.#open === blockValues) this.#close();
    if (this.#open++ === 0) this.#origin = value;
    const before = this.#sum;
    const sum = before + value;
    const back = sum - before;
    this.#lost += before - (sum - back) + (value - back);
    this.#sum = sum;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    const distance = value - this.#origin;
    const square = distance * distance;
    this.#s1 += distance;
    this.#s2 += square;
    this.#s3 += square * distance;
    this.#s4 += square * square;
  }

  /** Takes `values[from … to - 1]`: a third of the price of single updates. */
  updateAll(values: Float64Array, from = 0, to = values.length): void {
    let at = from;
    while (at < to) {
      if (this.#open === blockValues) this.#close();
      at = this.#takeBlock(values, at, Math.min(to, at + blockValues - this.#open));
    }
  }

  /** Everything in locals: the fields are read and written once a run. */
  #takeBlock(values: Float64Array, from: number, to: number): number {
    let sum = this.#sum;
    let lost = this.#lost;
    let min = this.#min;
    let max = this.#max;
    let s1 = this.#s1;
    let s2 = this.#s2;
    let s3 = this.#s3;
    let s4 = this.#s4;
    let open = this.#open;
    let origin = this.#origin;
    for (let i = from; i < to; i++) {
      const value = values[i]!;
      if (value - value !== 0) continue;
      if (open++ === 0) origin = value;
      const next = sum + value;
      const back = next - sum;
      lost += sum - (next - back) + (value - back);
      sum = next;
      if (value < min) min = value;
      if (value > max) max = value;
      const distance = value - origin;
      const square = distance * distance;
      s1 += distance;
      s2 += square;
      s3 += square * distance;
      s4 += square * square;
    }
    this.#sum = sum;
    this.#lost = lost;
    this.#min = min;
    this.#max = max;
    this.#s1 = s1;
    this.#s2 = s2;
    this.#s3 = s3;
    this.#s4 = s4;
    this.#open = open;
    this.#origin = origin;
    return to;
  }

  merge(other: Moments): void {
    if (other.n === 0) return;
    this.#close();
    other.#close();
    const before = this.#sum;
    const sum = before + other.#sum;
    const back = sum - before;
    this.#lost += other.#lost + (before - (sum - back) + (other.#sum - back));
    this.#sum = sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#join({ count: other.#closed, mean: other.#mean, m2: other.#m2, m3: other.#m3, m4: other.#m4 });
  }

  /** Turns the open block into central sums and joins them to the closed ones. */
  #close(): void {
    const count = this.#open;
    if (count === 0) return;
    const part = this.#s1 / count;
    const m2 = this.#s2 - part * this.#s1;
    const m3 = this.#s3 - 3 * part * this.#s2 + 2 * part * part * this.#s1;
    const m4 =
      this.#s4 - 4 * part * this.#s3 + 6 * part * part * this.#s2 - 3 * part * part * part * this.#s1;
    this.#open = 0;
    this.#s1 = 0;
    this.#s2 = 0;
    this.#s3 = 0;
    this.#s4 = 0;
    this.#join({ count, mean: this.#origin + part, m2: Math.max(0, m2), m3, m4: Math.max(0, m4) });
  }

  #join(other: CentralSums): void {
    const [na, nb] = [this.#closed, other.count];
    const n = na + nb;
    const delta = other.mean - this.#mean;
    const part = delta / n;
    const [a2, a3, a4] = [this.#m2, this.#m3, this.#m4];
    this.#m4 =
      a4 +
      other.m4 +
      delta * part * part * part * na * nb * (na * na - na * nb + nb * nb) +
      6 * part * part * (na * na * other.m2 + nb * nb * a2) +
      4 * part * (na * other.m3 - nb * a3);
    this.#m3 =
      a3 + other.m3 + delta * part * part * na * nb * (na - nb) + 3 * part * (na * other.m2 - nb * a2);
    this.#m2 = a2 + other.m2 + delta * part * na * nb;
    this.#mean = na === 0 ? other.mean : this.#mean + part * nb;
    this.#closed = n;
  }

  /** Count, min and max are exact; the sum is within 2^-52 of the sum of magnitudes while n < 2^26. */
  bound(): ErrorBound {
    return { of: 'value', error: Number.EPSILON, confidence: 1 };
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeOwn(magic, (writer) => {
      this.#close();
      writeUint64(writer, this.n);
      if (this.n === 0) return;
      for (const value of [this.#sum, this.#lost, this.#min, this.#max]) writer.float64(value);
      for (const value of [this.#mean, this.#m2, this.#m3, this.#m4]) writer.float64(value);
    });
  }

  static parse(bytes: Uint8Array): Parsed<Moments> {
    return parsing('moments', () =>
      readOwn(magic, bytes, (reader) => {
        const moments = new Moments();
        moments.#closed = readUint64(reader, 'count');
        if (moments.#closed === 0) return moments;
        moments.#sum = reader.float64();
        moments.#lost = reader.float64();
        moments.#min = readFinite(reader, 'min');
        moments.#max = readFinite(reader, 'max');
        // Of values at both ends of the doubles the mean and what follows from it may have overflowed.
        moments.#mean = reader.float64();
        moments.#m2 = reader.float64();
        moments.#m3 = reader.float64();
        moments.#m4 = reader.float64();
        expectBytes(moments.#min <= moments.#max, 'min is above max');
        return moments;
      }),
    );
  }
}
