import type { KllState } from './kll-levels.ts';

/** All retained values in order with their cumulated weights; what queries bisect. */
export class SortedView {
  readonly #values: Float64Array;
  readonly #cumulated: Float64Array;
  readonly #n: number;

  constructor(state: KllState) {
    this.#n = state.n;
    const start = state.levels[0]!;
    let values = state.items.slice(start, state.levels[1]).sort();
    let weights = new Float64Array(values.length).fill(1);
    for (let level = 1; level < state.levels.length - 1; level++) {
      const above = state.items.subarray(state.levels[level], state.levels[level + 1]);
      [values, weights] = merge(values, weights, { values: above, weight: 2 ** level });
    }
    for (let i = 1; i < weights.length; i++) weights[i]! += weights[i - 1]!;
    this.#values = values;
    this.#cumulated = weights;
  }

  quantile(rank: number): number {
    const target = placeOf(rank, this.#n);
    return this.#values[firstAtLeast(this.#cumulated, target)]!;
  }

  rank(value: number): number {
    let low = 0;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#values[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#cumulated[low - 1]! / this.#n;
  }
}

/** `⌈rank × n⌉`, which is a whole number where it is one in decimals: 7 % of a hundred is 7, not 7.000000000000001. */
export function placeOf(rank: number, n: number): number {
  const exact = rank * n;
  const whole = Math.round(exact);
  return Math.abs(exact - whole) <= 4 * Number.EPSILON * exact ? whole : Math.ceil(exact);
}

function firstAtLeast(sorted: Float64Array, target: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < target) low = middle + 1;
    else high = middle;
  }
  return low;
}

type Columns = [Float64Array<ArrayBuffer>, Float64Array<ArrayBuffer>];

function merge(
  values: Float64Array,
  weights: Float64Array,
  above: { values: Float64Array; weight: number },
): Columns {
  const length = values.length + above.values.length;
  const merged: Columns = [new Float64Array(length), new Float64Array(length)];
  let a = 0;
  let b = 0;
  for (let i = 0; i < length; i++) {
    const isA = b === above.values.length || (a < values.length && values[a]! <= above.values[b]!);
    merged[0][i] = isA ? values[a]! : above.values[b]!;
    merged[1][i] = isA ? weights[a++]! : above.weight;
    if (!isA) b++;
  }
  return merged;
}
