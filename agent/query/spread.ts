import { assert } from '../base/assert.ts';
import { ExponentialHistogram } from '../sketch/exponential-histogram.ts';
import { placeOf } from '../sketch/kll-view.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { intervalsMax, intervalsMin, pointsMax, rollupBuckets } from './limits.ts';
import type { Summary } from './summary.ts';

/** A figure and where the true one lies: `low <= truth <= high` with this confidence (1: always). */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

/** An estimate; null where nothing bounds it. */
export interface Bounded {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly confidence: number;
}

/** A part of a histogram, `low <= v < high` (the last one takes its high end in): how many values, and between which counts the truth lies. */
export interface HistogramPart {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly countLow: number;
  readonly countHigh: number;
}

/** Values known to lie in `low … high`, `weight` of them, `middle` being the best guess. */
interface Atom {
  readonly low: number;
  readonly high: number;
  readonly middle: number;
  readonly weight: number;
}

/**
 * A distribution put together from whatever is left of the values: the values themselves, buckets of histograms, intervals of
 * coarse records, weighted items of sketches. The rank-th value of the lower ends bounds the true quantile from below, that of the
 * upper ends from above; what a sketch may be off by in rank is added on both sides.
 */
export class Spread {
  readonly #budget: AnswerBudget;
  #points: Float64Array | null = new Float64Array(0);
  #pointCount = 0;
  #histogram: ExponentialHistogram | null = null;
  #intervals: Atom[] = [];
  /** How many of them it may have. */
  #intervalsRoom = intervalsMin;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;
  /** Weight by which a rank may be off, that of what lies between two values may be, and how sure that is. */
  #slack = 0;
  #slackOfPart = 0;
  #confidence = 1;
  #sorted: Sorted | null = null;

  constructor(budget: AnswerBudget) {
    this.#budget = budget;
  }

  get count(): number {
    return this.#count;
  }

  /** Those kept apart. */
  get intervals(): number {
    return this.#intervals.length;
  }

  /** A finite value. */
  update(value: number): void {
    this.#note(value, value, 1);
    if (this.#points !== null && (this.#pointCount < this.#points.length || this.#grow())) {
      this.#points[this.#pointCount++] = value;
      return;
    }
    this.#counting().update(value);
  }

  addSummary(summary: Summary): void {
    const { histogram, values, tally } = summary;
    if (values !== null) for (const value of values) this.update(value);
    else if (histogram !== null) {
      this.#note(tally.min, tally.max, tally.count);
      this.#counting().merge(histogram);
    }
  }

  /** `weight` values of which only this is known. */
  addInterval(low: number, high: number, weight: number): void {
    if (weight === 0) return;
    assert(low <= high, 'an interval has its ends in order');
    this.#note(low, high, weight);
    this.#intervals.push({ low, high, middle: low / 2 + high / 2, weight });
    if (this.#intervals.length > this.#intervalsRoom && !this.#moreIntervals()) this.#joinNeighbours();
  }

  /** Weighted items of a sketch whose ranks may be off by `rankError` (0 … 1) of its weight, shares between two values by `partError`. */
  addSketch(
    items: Iterable<{ readonly low: number; readonly high: number; readonly weight: number }>,
    off: { rankError: number; partError: number; confidence: number },
  ): void {
    let weight = 0;
    for (const item of items) {
      this.addInterval(item.low, item.high, item.weight);
      weight += item.weight;
    }
    this.#slack += weight * off.rankError;
    this.#slackOfPart += weight * off.partError;
    if (off.rankError > 0) this.#confidence = Math.min(this.#confidence, off.confidence);
  }

  /**
   * The smallest value with at least `rank` (0 … 1) of all at or below it; null when there are no values. `uncertain` ones may not belong to it,
   * and `absent` ones, of which nothing is known, may: where they may be the quantile, its bound is null.
   */
  quantile(rank: number, { uncertain = 0, absent = 0 } = {}): Bounded | null {
    if (this.#count === 0) return null;
    const sorted = (this.#sorted ??= this.#sort());
    const target = Math.min(Math.max(1, placeOf(rank, this.#count)), this.#count);
    const slack = this.#slack + uncertain + absent;
    const low = Math.max(this.#min, at(sorted.lows, Math.max(1, target - slack)));
    const high = Math.min(this.#max, at(sorted.highs, Math.min(this.#count, target + slack)));
    const value = Math.min(Math.max(at(sorted.middles, target), low), high);
    return {
      value,
      low: absent > 0 && target - slack < 1 ? null : low,
      high: absent > 0 && target + slack > this.#count ? null : high,
      confidence: low === high && absent === 0 ? 1 : this.#confidence,
    };
  }

  /** `parts` of equal width from the least to the greatest value; none when there are no values. `uncertain`, `absent`: as above. */
  histogram(parts: number, { uncertain = 0, absent = 0 } = {}): HistogramPart[] {
    if (this.#count === 0) return [];
    // Their difference may be more than a double holds, and a part of it less.
    const width = this.#max / parts - this.#min / parts;
    const count = width > 0 ? parts : 1;
    const edge = (i: number): number => {
      if (i === count) return this.#max;
      const far = i * width;
      return Number.isFinite(far) ? this.#min + far : this.#min + (i / 2) * width + (i / 2) * width;
    };
    const place = (value: number): number => {
      if (width === 0) return 0;
      let i = Math.min(count - 1, Math.max(0, Math.floor(value / width - this.#min / width)));
      // The division rounds: the ends that are given out decide.
      while (i > 0 && value < edge(i)) i--;
      while (i < count - 1 && value >= edge(i + 1)) i++;
      return i;
    };
    const counts = new Float64Array(count);
    const certain = new Float64Array(count);
    const possible = new Float64Array(count);
    for (const atom of this.#atoms()) {
      const [first, last] = [place(atom.low), place(atom.high)];
      counts[place(atom.middle)]! += atom.weight;
      if (first === last) certain[first]! += atom.weight;
      for (let i = first; i <= last; i++) possible[i]! += atom.weight;
    }
    return Array.from(counts, (all, i) => ({
      low: edge(i),
      high: edge(i + 1),
      count: all,
      countLow: Math.max(0, certain[i]! - this.#slackOfPart - uncertain),
      countHigh: Math.min(this.#count, possible[i]! + this.#slackOfPart) + absent,
    }));
  }

  #note(low: number, high: number, weight: number): void {
    this.#count += weight;
    if (low < this.#min) this.#min = low;
    if (high > this.#max) this.#max = high;
    this.#sorted = null;
  }

  /** More room for values; false, and all of them counted in buckets, when there is none. */
  #grow(): boolean {
    const points = this.#points!;
    const length = Math.max(16, 2 * points.length);
    if (length <= pointsMax && this.#budget.points(length - points.length)) {
      this.#points = new Float64Array(length);
      this.#points.set(points);
      return true;
    }
    this.#budget.returnPoints(points.length);
    this.#points = null;
    const histogram = this.#counting();
    for (let i = 0; i < this.#pointCount; i++) histogram.update(points[i]!);
    this.#pointCount = 0;
    return false;
  }

  #counting(): ExponentialHistogram {
    if (this.#histogram === null) {
      this.#budget.bytes(2 * 8 * rollupBuckets);
      this.#histogram = new ExponentialHistogram({ maxBuckets: rollupBuckets });
    }
    return this.#histogram;
  }

  #moreIntervals(): boolean {
    const room = this.#intervalsRoom;
    if (2 * room > intervalsMax || !this.#budget.intervals(room)) return false;
    this.#intervalsRoom = 2 * room;
    return true;
  }

  /**
   * About half as many: those that lie side by side together while they weigh no more than their share, so that ranks are told apart as well
   * everywhere, whatever the order they came in.
   */
  #joinNeighbours(): void {
    const all = this.#intervals.sort((a, b) => a.low - b.low);
    // Two results side by side weigh more than a share: there are at most half the room of them.
    const share = (4 * all.reduce((sum, { weight }) => sum + weight, 0)) / this.#intervalsRoom;
    const joined: Atom[] = [];
    let last = all[0]!;
    for (let i = 1; i < all.length; i++) {
      const next = all[i]!;
      const weight = last.weight + next.weight;
      if (weight > share) {
        joined.push(last);
        last = next;
        continue;
      }
      last = {
        low: last.low,
        high: Math.max(last.high, next.high),
        middle: (last.middle * last.weight + next.middle * next.weight) / weight,
        weight,
      };
    }
    joined.push(last);
    this.#intervals = joined;
  }

  *#atoms(): Generator<Atom> {
    for (let i = 0; i < this.#pointCount; i++) yield exactly(this.#points![i]!, 1);
    if (this.#histogram !== null) yield* bucketsOf(this.#histogram);
    yield* this.#intervals;
  }

  /** Points, buckets and intervals each come in order, or are few: they are merged, not sorted together. */
  #sort(): Sorted {
    const points = this.#points?.slice(0, this.#pointCount).sort() ?? new Float64Array(0);
    const buckets = this.#histogram === null ? [] : [...bucketsOf(this.#histogram)];
    const by = (end: 'low' | 'middle' | 'high'): Run => {
      const intervals = this.#intervals.toSorted((a, b) => a[end] - b[end]);
      return cumulated(points, merged(buckets, intervals, end), end);
    };
    const lows = by('low');
    if (buckets.length === 0 && this.#intervals.length === 0) return { lows, middles: lows, highs: lows };
    return { lows, middles: by('middle'), highs: by('high') };
  }
}

interface Run {
  readonly values: Float64Array;
  readonly cumulated: Float64Array;
}

interface Sorted {
  readonly lows: Run;
  readonly highs: Run;
  readonly middles: Run;
}

function exactly(value: number, weight: number): Atom {
  return { low: value, high: value, middle: value, weight };
}

type End = 'low' | 'middle' | 'high';

/** Two runs in order of one end, as one. */
function merged(a: readonly Atom[], b: readonly Atom[], end: End): readonly Atom[] {
  if (b.length === 0) return a;
  const all: Atom[] = [];
  let i = 0;
  for (const atom of b) {
    while (i < a.length && a[i]![end] <= atom[end]) all.push(a[i++]!);
    all.push(atom);
  }
  while (i < a.length) all.push(a[i++]!);
  return all;
}

function cumulated(points: Float64Array, atoms: readonly Atom[], end: End): Run {
  const length = points.length + atoms.length;
  const run = { values: new Float64Array(length), cumulated: new Float64Array(length) };
  let sum = 0;
  let point = 0;
  let atom = 0;
  for (let i = 0; i < length; i++) {
    const next = atoms[atom];
    const isPoint = next === undefined || (point < points.length && points[point]! <= next[end]);
    run.values[i] = isPoint ? points[point++]! : next[end];
    sum += isPoint ? 1 : next.weight;
    if (!isPoint) atom++;
    run.cumulated[i] = sum;
  }
  return run;
}

/** The first value with at least `target` of the weight at or below it. */
function at({ values, cumulated }: Run, target: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulated[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return values[low]!;
}

/** Buckets of a histogram, cut at its extremes, in ascending order. */
function* bucketsOf(histogram: ExponentialHistogram): Generator<Atom> {
  const { scale, zeros, positive, negative } = histogram.buckets();
  const ends = { scale, min: histogram.min, max: histogram.max };
  for (let i = negative.counts.length - 1; i >= 0; i--) {
    const weight = negative.counts[i]!;
    if (weight > 0) yield bucket(negative.offset + i, { sign: -1, weight, ...ends });
  }
  if (zeros > 0) yield exactly(0, zeros);
  for (let i = 0; i < positive.counts.length; i++) {
    const weight = positive.counts[i]!;
    if (weight > 0) yield bucket(positive.offset + i, { sign: 1, weight, ...ends });
  }
}

function bucket(
  index: number,
  of: { sign: 1 | -1; weight: number; scale: number; min: number; max: number },
): Atom {
  const { sign, weight, scale, min, max } = of;
  // A boundary is right to some rounding: a value beside it may have been counted there.
  const lower = index <= smallestBucket(scale) ? 0 : 2 ** (index * 2 ** -scale) * (1 - boundaryError);
  const upper = Math.min(2 ** ((index + 1) * 2 ** -scale) * (1 + boundaryError), Number.MAX_VALUE);
  const clamp = (value: number): number => Math.min(Math.max(value, min), max);
  const low = clamp(sign === 1 ? lower : -upper);
  const high = clamp(sign === 1 ? upper : -lower);
  // Relatively as far from one end as from the other; the middle where one of them is nothing.
  const middle = low * high > 0 ? (2 * low * high) / (low + high) : low + (high - low) / 2;
  return { low, high, middle: Number.isFinite(middle) ? middle : low, weight };
}

/** Above scale 11 buckets are told by logarithm, off by one at a boundary; below by a table, exact to rounding. */
const boundaryError = 1e-6;

/** Subnormal magnitudes are counted in the bucket of the least normal one. */
function smallestBucket(scale: number): number {
  return Math.ceil(-1022 * 2 ** scale);
}
