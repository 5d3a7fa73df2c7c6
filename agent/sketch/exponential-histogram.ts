import { assert } from '../base/assert.ts';
import { BucketIndex } from './bucket-index.ts';
import { requireParameter, requireSame } from './fault.ts';
import {
  histogramBucketsDefault,
  histogramBucketsMax,
  histogramScaleMax,
  histogramScaleMin,
} from './limits.ts';
import { writeDataPoint, type Buckets } from './otlp-data-point.ts';
import type { ErrorBound, Sketch } from './sketch.ts';

export interface HistogramOptions {
  /** Buckets of each sign, 2 … 1024. */
  readonly maxBuckets?: number;
  /** The finest scale it begins with. */
  readonly maxScale?: number;
}

/** What a data point says beyond the histogram. */
export interface PointHeader {
  /** Nanoseconds since 1970; 0n: not known. */
  readonly startNanos?: bigint;
  readonly timeNanos?: bigint;
  readonly attributes?: Readonly<Record<string, string>>;
}

/**
 * OpenTelemetry's base-2 exponential histogram: bucket i counts values in (base^i, base^(i+1)] with base = 2^(2^-scale).
 * When the values spread over more buckets than allowed, the scale is halved: neighbours add up exactly, so merging never
 * loses a count. Count, sum, minimum and maximum are kept beside. Values that are not finite are not taken.
 */
export class ExponentialHistogram implements Sketch {
  readonly kind = 'histogram';
  readonly maxBuckets: number;
  #index: BucketIndex;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  #zeros = 0;
  readonly #positive: BucketRun;
  readonly #negative: BucketRun;

  constructor(options: HistogramOptions = {}) {
    this.maxBuckets = options.maxBuckets ?? histogramBucketsDefault;
    const scale = options.maxScale ?? histogramScaleMax;
    requireParameter('histogram', 'maxBuckets', this.maxBuckets, { min: 2, max: histogramBucketsMax });
    requireParameter('histogram', 'maxScale', scale, { min: histogramScaleMin, max: histogramScaleMax });
    this.#index = new BucketIndex(scale);
    this.#positive = new BucketRun(this.maxBuckets);
    this.#negative = new BucketRun(this.maxBuckets);
  }

  get n(): number {
    return this.#count;
  }

  get scale(): number {
    return this.#index.scale;
  }

  get sum(): number {
    return this.#sum;
  }

  /** NaN when empty. */
  get min(): number {
    return this.#count === 0 ? NaN : this.#min;
  }

  get max(): number {
    return this.#count === 0 ? NaN : this.#max;
  }

  get memoryBytes(): number {
    return this.#positive.memoryBytes + this.#negative.memoryBytes;
  }

  update(value: number): void {
    if (value - value !== 0) return;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (value > 0) this.#add(this.#positive, value);
    else if (value < 0) this.#add(this.#negative, -value);
    else this.#zeros++;
  }

  #add(run: BucketRun, magnitude: number): void {
    const index = this.#index.of(magnitude);
    if (run.add(index, 1)) return;
    // The second value is often a dozen scales away from the first: one step there, not a dozen.
    const steps = run.stepsUntilFits(index, index);
    this.#halve(steps);
    const added = run.add(index >> steps, 1);
    assert(added, 'it fits at the scale that was chosen for it');
  }

  /** A value whose rank is `rank` (0 … 1), within the bound of the true one; NaN when empty. */
  quantile(rank: number): number {
    if (this.#count === 0) return NaN;
    const target = Math.min(Math.max(1, Math.ceil(rank * this.#count)), this.#count);
    if (target === 1) return this.#min;
    if (target === this.#count) return this.#max;
    let seen = 0;
    for (let i = this.#negative.length - 1; i >= 0; i--) {
      seen += this.#negative.at(i);
      if (seen >= target) return this.#clamp(-this.#index.middle(this.#negative.first + i));
    }
    seen += this.#zeros;
    if (seen >= target) return 0;
    for (let i = 0; i < this.#positive.length; i++) {
      seen += this.#positive.at(i);
      if (seen >= target) return this.#clamp(this.#index.middle(this.#positive.first + i));
    }
    return this.#max;
  }

  #clamp(value: number): number {
    return Math.min(Math.max(value, this.#min), this.#max);
  }

  /** Relative error of a quantile: (base - 1) / (base + 1). Always holds for normal doubles. */
  bound(): ErrorBound {
    const base = this.#index.base;
    return { of: 'value', error: Number.isFinite(base) ? (base - 1) / (base + 1) : 1, confidence: 1 };
  }

  /** Exact at any two scales: the finer one is halved first. @throws {SketchMismatch} when the bucket limits differ. */
  merge(other: ExponentialHistogram): void {
    requireSame('histogram', 'maxBuckets', this.maxBuckets, other.maxBuckets);
    if (other.#count === 0) return;
    if (this.scale > other.scale) this.#halve(this.scale - other.scale);
    this.#mergeRun(this.#positive, other, other.#positive);
    this.#mergeRun(this.#negative, other, other.#negative);
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#zeros += other.#zeros;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  #mergeRun(run: BucketRun, other: ExponentialHistogram, theirs: BucketRun): void {
    if (theirs.length === 0) return;
    const shift = other.scale - this.scale;
    const steps = run.stepsUntilFits(theirs.first >> shift, (theirs.first + theirs.length - 1) >> shift);
    if (steps > 0) this.#halve(steps);
    run.addRun(theirs, shift + steps);
  }

  #halve(steps = 1): void {
    assert(this.scale - steps >= histogramScaleMin, 'at the least scale two buckets hold all doubles');
    this.#positive.halve(steps);
    this.#negative.halve(steps);
    this.#index = new BucketIndex(this.scale - steps);
  }

  /** What is counted where: bucket i of the scale holds magnitudes in (base^i, base^(i+1)]. Copies. */
  buckets(): { scale: number; zeros: number; positive: Buckets; negative: Buckets } {
    return {
      scale: this.scale,
      zeros: this.#zeros,
      positive: { offset: this.#positive.first, counts: this.#positive.counts() },
      negative: { offset: this.#negative.first, counts: this.#negative.counts() },
    };
  }

  /** One OTLP `ExponentialHistogramDataPoint`. */
  toBytes(header: PointHeader = {}): Uint8Array<ArrayBuffer> {
    return writeDataPoint({
      startNanos: header.startNanos ?? 0n,
      timeNanos: header.timeNanos ?? 0n,
      attributes: header.attributes ?? {},
      count: this.#count,
      sum: this.#sum,
      scale: this.scale,
      zeros: this.#zeros,
      positive: { offset: this.#positive.first, counts: this.#positive.counts() },
      negative: { offset: this.#negative.first, counts: this.#negative.counts() },
      min: this.#min,
      max: this.#max,
    });
  }

  /** From what a data point holds; `scale` and buckets are checked by its parser. */
  static of(point: {
    count: number;
    sum: number;
    scale: number;
    zeros: number;
    positive: Buckets;
    negative: Buckets;
    min: number;
    max: number;
    maxBuckets: number;
  }): ExponentialHistogram {
    const histogram = new ExponentialHistogram({ maxBuckets: point.maxBuckets, maxScale: point.scale });
    for (const [run, { offset, counts }] of [
      [histogram.#positive, point.positive],
      [histogram.#negative, point.negative],
    ] as const) {
      const [from, to] = [firstCounted(counts), lastCounted(counts) + 1];
      if (from === to) continue;
      const shift = point.scale - histogram.scale;
      const steps = run.stepsUntilFits((offset + from) >> shift, (offset + to - 1) >> shift);
      if (steps > 0) histogram.#halve(steps);
      run.addCounts(counts.subarray(from, to), { first: offset + from, shift: shift + steps });
    }
    histogram.#count = point.count;
    histogram.#sum = point.sum;
    histogram.#zeros = point.zeros;
    histogram.#min = point.min;
    histogram.#max = point.max;
    return histogram;
  }
}

const none = new Float64Array(0);

/**
 * Counts of consecutive buckets, at most as many as allowed, somewhere in an array that has room for so many; all others in it are zero.
 * No ring: whether a value lies before or behind its end is what no processor can foresee.
 */
class BucketRun {
  /** Index of the lowest bucket that is counted; 0 while there is none. */
  first = 0;
  length = 0;
  #slots = none;
  /** Where `first` lies; `#head + length <= #limit`. */
  #head = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get memoryBytes(): number {
    return this.#slots.byteLength;
  }

  at(i: number): number {
    return this.#slots[this.#head + i]!;
  }

  /** False, and nothing done, when the bucket would lie too far from the others. */
  add(index: number, count: number): boolean {
    const i = index - this.first;
    if (i >= 0 && i < this.length) {
      this.#slots[this.#head + i]! += count;
      return true;
    }
    return this.#extend(index, count);
  }

  #extend(index: number, count: number): boolean {
    if (!this.#include(index, index)) return false;
    this.#slots[this.#head + index - this.first]! += count;
    return true;
  }

  /** Makes `low … high` part of what is counted; false, and nothing done, when that would be too many. */
  #include(low: number, high: number): boolean {
    if (this.length === 0) {
      if (high - low >= this.#limit) return false;
      if (this.#slots.length === 0) this.#slots = new Float64Array(this.#limit);
      this.first = low;
      this.length = high - low + 1;
      this.#head = (this.#limit - this.length) >> 1;
      return true;
    }
    const first = Math.min(this.first, low);
    const length = Math.max(this.first + this.length - 1, high) - first + 1;
    if (length > this.#limit) return false;
    this.#makeRoom(first, length);
    this.first = first;
    this.length = length;
    return true;
  }

  /** Moves the counts to the middle when those below or above would leave the array. */
  #makeRoom(first: number, length: number): void {
    const head = this.#head - (this.first - first);
    this.#head = head;
    if (head >= 0 && head + length <= this.#limit) return;
    const counts = this.#slots.slice(head + this.first - first, head + this.first - first + this.length);
    this.#head = (this.#limit - length) >> 1;
    this.#slots.fill(0);
    this.#slots.set(counts, this.#head + this.first - first);
  }

  /** Counts of consecutive buckets, the first and the last not zero, at a scale `shift` times as fine; they must fit. */
  addCounts(
    counts: Float64Array,
    { first, shift }: { readonly first: number; readonly shift: number },
  ): void {
    const fits = this.#include(first >> shift, (first + counts.length - 1) >> shift);
    assert(fits, 'the scale was chosen for both');
    const slots = this.#slots;
    const begin = this.#head - this.first;
    for (let i = 0; i < counts.length; i++) slots[begin + ((first + i) >> shift)]! += counts[i]!;
  }

  addRun(other: BucketRun, shift: number): void {
    this.addCounts(other.#counted(), { first: other.first, shift });
  }

  #counted(): Float64Array {
    return this.#slots.subarray(this.#head, this.#head + this.length);
  }

  /** How often buckets must be joined in twos before those of the indexes `from … to` are among them. */
  stepsUntilFits(from: number, to: number): number {
    const low = this.length === 0 ? from : Math.min(this.first, from);
    const high = this.length === 0 ? to : Math.max(this.first + this.length - 1, to);
    let steps = 0;
    while ((high >> steps) - (low >> steps) >= this.#limit) steps++;
    return steps;
  }

  /** Joins buckets in twos, `steps` times. */
  halve(steps: number): void {
    if (this.length === 0) {
      this.first = 0;
      this.#head = 0;
      return;
    }
    const counts = this.counts();
    const before = this.first;
    const first = before >> steps;
    this.#slots.fill(0);
    this.first = first;
    this.length = ((before + counts.length - 1) >> steps) - first + 1;
    this.#head = (this.#limit - this.length) >> 1;
    const begin = this.#head - first;
    for (let i = 0; i < counts.length; i++) this.#slots[begin + ((before + i) >> steps)]! += counts[i]!;
  }

  /** A copy, from the lowest bucket on. */
  counts(): Float64Array<ArrayBuffer> {
    return this.#slots.slice(this.#head, this.#head + this.length);
  }
}

/** Place of the first count that is not zero; as many as there are when there is none. */
function firstCounted(counts: Float64Array): number {
  let i = 0;
  while (i < counts.length && counts[i] === 0) i++;
  return i;
}

/** Place of the last count that is not zero; one less than as many as there are when there is none. */
function lastCounted(counts: Float64Array): number {
  let i = counts.length - 1;
  while (i >= 0 && counts[i] === 0) i--;
  return i < 0 ? counts.length - 1 : i;
}
