/** The state a sketch is written from and read into; see `Kll` for the layout. */
export interface KllState {
  readonly k: number;
  /** Least k of all that was merged in: the bound follows it. */
  readonly minK: number;
  readonly precision: 'double' | 'float';
  readonly n: number;
  readonly min: number;
  readonly max: number;
  readonly items: Float64Array;
  readonly levels: readonly number[];
}

/** Least capacity of a level, the m of the standard. */
const levelCapacityMin = 8;

/** Capacities of the levels from the lowest: k at the top, two thirds of it a level further down, at least 8. */
export function levelCapacities(k: number, levels: number): number[] {
  return Array.from({ length: levels }, (_, level) =>
    Math.max(levelCapacityMin, capacityAtDepth(k, levels - level - 1)),
  );
}

/** round(k × (2/3)^depth) in integers, as the standard computes it: beyond depth 30 in two steps. */
function capacityAtDepth(k: number, depth: number): number {
  if (depth <= 30) return scaledCapacity(k, depth);
  const half = depth >>> 1;
  return scaledCapacity(scaledCapacity(k, half), depth - half);
}

function scaledCapacity(k: number, depth: number): number {
  // k < 2^16 and 2^31: the product is below 2^53, 3^30 as well.
  return (Math.floor((2 * k * 2 ** depth) / 3 ** depth) + 1) >>> 1;
}

/**
 * The four steps of a compaction, on `items`. They take positions one by one, against the habit of the house: an object a
 * call would cost a third of an update.
 */

/** Sorts `begin … end - 1` ascending; runs of the lower levels are about ten long. */
export function sortRun(items: Float64Array, begin: number, end: number): void {
  const length = end - begin;
  if (length > insertedMax && length <= distributedMax) distributeRun(items, begin, end);
  // What lies nearly in order by now costs least this way; the rest is compared.
  if (length > distributedMax || !insertRun(items, begin, end)) items.subarray(begin, end).sort();
}

const insertedMax = 24;

/** Steps a value may be moved on the average before comparing all is quicker. */
const stepsMax = 12;

/** False where that took too many steps: all values are there, but not in order. */
function insertRun(items: Float64Array, begin: number, end: number): boolean {
  let steps = (end - begin) * stepsMax;
  for (let i = begin + 1; i < end; i++) {
    const value = items[i]!;
    let at = i - 1;
    let below = 0;
    while (at >= begin && (below = items[at]!) > value) {
      items[at + 1] = below;
      at--;
    }
    items[at + 1] = value;
    steps -= i - at;
    if (steps < 0) return false;
  }
  return true;
}

/** The longest run that is laid out by value. */
const distributedMax = 1_024;
/** Used within one call only. */
const copies = new Float64Array(distributedMax);
const places = new Uint16Array(distributedMax);
const ends = new Uint16Array(distributedMax);

/**
 * Lays the run out by value: as many places between the least and the greatest as there are values, so that only those that share one are
 * out of order after: a third of the price of comparing. Nothing is done where the span, or its inverse, is no double.
 */
function distributeRun(items: Float64Array, begin: number, end: number): void {
  const length = end - begin;
  let min = items[begin]!;
  let max = min;
  for (let i = 0; i < length; i++) {
    const value = items[begin + i]!;
    copies[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const perValue = (length - 1) / (max - min);
  if (!(perValue > 0 && perValue < Infinity)) return;
  ends.fill(0, 0, length);
  for (let i = 0; i < length; i++) {
    const place = ((copies[i]! - min) * perValue) | 0;
    places[i] = place;
    ends[place]!++;
  }
  let sum = 0;
  for (let place = 0; place < length; place++) {
    sum += ends[place]!;
    ends[place] = sum;
  }
  for (let i = length - 1; i >= 0; i--) items[begin + --ends[places[i]!]!] = copies[i]!;
}

/** Every second value of an even run, moved to its upper half. */
export function halveUp(items: Float64Array, begin: number, end: number, coin: 0 | 1): void {
  const middle = begin + ((end - begin) >>> 1);
  let from = end - 1 - coin;
  for (let to = end - 1; to >= middle; to--, from -= 2) items[to] = items[from]!;
}

/** Every second value of an even run, moved to its lower half. */
export function halveDown(items: Float64Array, begin: number, end: number, coin: 0 | 1): void {
  const middle = begin + ((end - begin) >>> 1);
  let from = begin + coin;
  for (let to = begin; to < middle; to++, from += 2) items[to] = items[from]!;
}

/** Merges the lower half of the run, sorted, with the sorted run `end … endAbove - 1`; the result ends at `endAbove`. */
export function mergeAbove(items: Float64Array, begin: number, end: number, endAbove: number): void {
  const limit = begin + ((end - begin) >>> 1);
  let a = begin;
  let b = end;
  let to = limit;
  if (a === limit) return;
  let low = items[a]!;
  while (b < endAbove) {
    const high = items[b]!;
    if (high <= low) {
      items[to++] = high;
      b++;
    } else {
      items[to++] = low;
      if (++a === limit) return;
      low = items[a]!;
    }
  }
  while (a < limit) items[to++] = items[a++]!;
}

/** Moves `begin … end - 1` up by `by` places: most often a few values, for which the engine's own takes a call too long. */
export function moveUp(items: Float64Array, begin: number, end: number, by: number): void {
  if (end - begin > 24) items.copyWithin(begin + by, begin, end);
  else for (let i = end - 1; i >= begin; i--) items[i + by] = items[i]!;
}
