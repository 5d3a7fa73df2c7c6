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
    const steps = run.stepsUntilFits(index);
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
    while (this.scale > other.scale) this.#halve();
    this.#mergeRun(this.#positive, other, other.#positive);
    this.#mergeRun(this.#negative, other, other.#negative);
    this.#count += other.#count;
    this.#sum += other.#sum;
    this.#zeros += other.#zeros;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  #mergeRun(run: BucketRun, other: ExponentialHistogram, theirs: BucketRun): void {
    const scale = other.scale;
    const counts = theirs.counts();
    const { first } = theirs;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      while (!run.add((first + i) >> (scale - this.scale), counts[i]!)) this.#halve();
    }
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
    for (const [run, buckets] of [
      [histogram.#positive, point.positive],
      [histogram.#negative, point.negative],
    ] as const) {
      for (let i = 0; i < buckets.counts.length; i++) {
        if (buckets.counts[i] === 0) continue;
        while (!run.add((buckets.offset + i) >> (point.scale - histogram.scale), buckets.counts[i]!))
          histogram.#halve();
      }
    }
    histogram.#count = point.count;
    histogram.#sum = point.sum;
    histogram.#zeros = point.zeros;
    histogram.#min = point.min;
    histogram.#max = point.max;
    return histogram;
  }
}

/** Counts of consecutive buckets in a ring, at most as many as allowed. */
class BucketRun {
  /** Index of the lowest bucket that is counted; 0 while there is none. */
  first = 0;
  length = 0;
  #slots: Float64Array;
  /** Where `first` lies in the ring. */
  #head = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#slots = new Float64Array(0);
  }

  get memoryBytes(): number {
    return this.#slots.byteLength;
  }

  at(i: number): number {
    const slot = this.#head + i;
    return this.#slots[slot < this.#limit ? slot : slot - this.#limit]!;
  }

  /** False, and nothing done, when the bucket would lie too far from the others. */
  add(index: number, count: number): boolean {
    const i = index - this.first;
    if (i >= 0 && i < this.length) {
      const slot = this.#head + i;
      this.#slots[slot < this.#limit ? slot : slot - this.#limit]! += count;
      return true;
    }
    return this.#extend(index, count);
  }

  #extend(index: number, count: number): boolean {
    if (this.length === 0) {
      if (this.#slots.length === 0) this.#slots = new Float64Array(this.#limit);
      this.first = index;
      this.length = 1;
      this.#head = 0;
      this.#slots[0] = count;
      return true;
    }
    const last = this.first + this.length - 1;
    const length = Math.max(last, index) - Math.min(this.first, index) + 1;
    if (length > this.#limit) return false;
    if (index < this.first) {
      this.#head = (this.#head - (this.first - index) + this.#limit) % this.#limit;
      this.first = index;
    }
    this.length = length;
    const slot = (this.#head + index - this.first) % this.#limit;
    this.#slots[slot] = count;
    return true;
  }

  /** How often buckets must be joined in twos before `index`, which lies too far from the others, has one. */
  stepsUntilFits(index: number): number {
    const low = Math.min(this.first, index);
    const high = Math.max(this.first + this.length - 1, index);
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
    this.#head = 0;
    this.first = first;
    this.length = ((before + counts.length - 1) >> steps) - first + 1;
    for (let i = 0; i < counts.length; i++) this.#slots[((before + i) >> steps) - first]! += counts[i]!;
  }

  /** A copy, from the lowest bucket on. */
  counts(): Float64Array<ArrayBuffer> {
    const counts = new Float64Array(this.length);
    for (let i = 0; i < counts.length; i++) counts[i] = this.at(i);
    return counts;
  }
}
