import type { Entropy } from '../ports/entropy.ts';
import { requireParameter, requireSame, type Parsed } from './fault.ts';
import { parseKll, writeKll } from './kll-bytes.ts';
import {
  halveDown,
  halveUp,
  levelCapacities,
  mergeAbove,
  moveUp,
  sortRun,
  type KllState,
} from './kll-levels.ts';
import { sortedFloats } from './sort-floats.ts';
import { SortedView } from './kll-view.ts';
import { kllKMax, kllKMin } from './limits.ts';
import type { ErrorBound, Sketch } from './sketch.ts';

export interface KllOptions {
  /** 8 … 65535; rank error 2.296 / k^0.9723 at 99 %: 1.33 % for 200. */
  readonly k?: number;
  /** What the wire holds. `float` rounds every value to 32 bits when it comes in. */
  readonly precision?: 'double' | 'float';
}

/**
 * KLL quantiles (Karnin, Lang, Liberty, arXiv 1603.05346) as in Apache DataSketches (family 15). Level h holds values of
 * weight 2^h; when all levels together are full, the lowest full one is sorted and every second value goes up. Any double
 * but NaN, which is not taken.
 *
 * Layout: one array, filled from its end. Level h lies in `levels[h] … levels[h + 1] - 1`; level 0 grows downwards, is not
 * sorted, and the free part is below `levels[0]`.
 */
export class Kll implements Sketch {
  readonly kind = 'quantiles';
  readonly k: number;
  readonly precision: 'double' | 'float';
  readonly #isFloat: boolean;
  readonly #chance: Entropy;
  /** Bits of chance not used yet, under a leading one. */
  #bits = 1;
  #minK: number;
  #n = 0;
  #min = Infinity;
  #max = -Infinity;
  #items: Float64Array;
  #levels: number[];
  #capacities: readonly number[];
  /** `levels[0]`, kept apart because every update needs it. */
  #free: number;
  #view: SortedView | null = null;

  constructor(chance: Entropy, options: KllOptions = {}) {
    this.k = options.k ?? 200;
    this.precision = options.precision ?? 'double';
    requireParameter('quantiles', 'k', this.k, { min: kllKMin, max: kllKMax });
    this.#isFloat = this.precision === 'float';
    this.#chance = chance;
    this.#minK = this.k;
    this.#capacities = levelCapacities(this.k, 1);
    this.#free = this.#capacities[0]!;
    this.#levels = [this.#free, this.#free];
    this.#items = new Float64Array(this.#free);
  }

  get n(): number {
    return this.#n;
  }

  get memoryBytes(): number {
    return this.#items.byteLength;
  }

  get retained(): number {
    return this.#items.length - this.#free;
  }

  /** NaN when empty, like the quantiles. */
  get min(): number {
    return this.#n === 0 ? NaN : this.#min;
  }

  get max(): number {
    return this.#n === 0 ? NaN : this.#max;
  }

  update(given: number): void {
    if (given !== given) return;
    const value = this.#isFloat ? Math.fround(given) : given;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (this.#free === 0) this.#compactOnce();
    this.#n++;
    this.#items[--this.#free] = value;
    this.#view = null;
  }

  /** Smallest retained value with at least `rank` (0 … 1) of all values at or below it. */
  quantile(rank: number): number {
    if (this.#n === 0) return NaN;
    if (rank <= 0) return this.#min;
    if (rank >= 1) return this.#max;
    return this.#sorted().quantile(rank);
  }

  /** Part of all values at or below `value`. */
  rank(value: number): number {
    return this.#n === 0 ? NaN : this.#sorted().rank(value);
  }

  /** Retained values, each with how many it stands for. A copy. */
  items(): { value: number; weight: number }[] {
    const { levels, items } = this.#state();
    const all: { value: number; weight: number }[] = [];
    for (let level = 0; level < levels.length - 1; level++) {
      for (let i = levels[level]!; i < levels[level + 1]!; i++)
        all.push({ value: items[i]!, weight: 2 ** level });
    }
    return all;
  }

  /** Rank error of one query. */
  bound(): ErrorBound {
    const error = this.#levels.length === 2 ? 0 : 2.296 / Math.pow(this.#minK, 0.9723);
    return { of: 'rank', error, confidence: error === 0 ? 1 : 0.99 };
  }

  /** Error of the part of values between two given ones. */
  boundOfPart(): ErrorBound {
    const error = this.#levels.length === 2 ? 0 : 2.446 / Math.pow(this.#minK, 0.9433);
    return { of: 'rank', error, confidence: error === 0 ? 1 : 0.99 };
  }

  /** @throws {SketchMismatch} when k or precision differ. */
  merge(other: Kll): void {
    requireSame('quantiles', 'k', this.k, other.k);
    requireSame('quantiles', 'precision', this.precision, other.precision);
    if (other.#n === 0) return;
    this.#view = null;
    const n = this.#n + other.#n;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    if (other.#levels.length > 2) this.#minK = Math.min(this.#minK, other.#minK);
    this.#mergeLevels(other);
    this.#n = n;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return writeKll(this.#state());
  }

  static parse(bytes: Uint8Array, options: { chance: Entropy; precision?: 'double' | 'float' }): Parsed<Kll> {
    const precision = options.precision ?? 'double';
    const parsed = parseKll(bytes, precision);
    if (!parsed.ok) return parsed;
    const state = parsed.value;
    const sketch = new Kll(options.chance, { k: state.k, precision });
    if (state.n > 0) sketch.#adopt(state);
    return { ok: true, value: sketch };
  }

  /**
   * Of values that are all there, none of them NaN: sorted once, and every 2^h-th of them taken from a place that chance picks. What updates one by one
   * would do with a lowest level as large as the data: cheaper, and no rank is off by more than one in k / 2.
   */
  static of(values: Float64Array, chance: Entropy, options: KllOptions = {}): Kll {
    const sketch = new Kll(chance, options);
    if (values.length === 0) return sketch;
    const sorted = sketch.#isFloat ? sortedFloats(values) : values.toSorted();
    const n = sorted.length;
    let top = 0;
    while (Math.floor(n / 2 ** top) > sketch.k) top++;
    const items = new Float64Array(total(levelCapacities(sketch.k, top + 1)));
    const place = (size: number): number => (size === 1 ? 0 : chance.uint32() & (size - 1));
    const levels = [items.length];
    const size = 2 ** top;
    const taken = place(size);
    const many = Math.floor(n / size);
    let at = items.length - many;
    for (let i = 0; i < many; i++) items[at + i] = sorted[i * size + taken]!;
    levels.unshift(at);
    // The rest, fewer than 2^top, by powers of two.
    let from = many * size;
    for (let level = top - 1; level >= 0; level--) {
      const part = 2 ** level;
      if ((n & part) !== 0) {
        items[--at] = sorted[from + place(part)]!;
        from += part;
      }
      levels.unshift(at);
    }
    const { k, precision } = sketch;
    sketch.#adopt({ k, minK: k, precision, n, min: sorted[0]!, max: sorted[n - 1]!, items, levels });
    return sketch;
  }

  #adopt(state: KllState): void {
    this.#minK = state.minK;
    this.#n = state.n;
    this.#min = state.min;
    this.#max = state.max;
    this.#items = state.items;
    this.#levels = [...state.levels];
    this.#free = state.levels[0]!;
    this.#capacities = levelCapacities(this.k, state.levels.length - 1);
  }

  #state(): KllState {
    this.#levels[0] = this.#free;
    return {
      k: this.k,
      minK: this.#minK,
      precision: this.precision,
      n: this.#n,
      min: this.#min,
      max: this.#max,
      items: this.#items,
      levels: this.#levels,
    };
  }

  #sorted(): SortedView {
    this.#view ??= new SortedView(this.#state());
    return this.#view;
  }

  #coin(): 0 | 1 {
    if (this.#bits === 1) this.#bits = (this.#chance.uint32() >>> 1) | 0x4000_0000;
    const coin = (this.#bits & 1) as 0 | 1;
    this.#bits >>>= 1;
    return coin;
  }

  /** Makes room in a full sketch: compacts the lowest level that is full. */
  #compactOnce(): void {
    const levels = this.#levels;
    levels[0] = this.#free;
    let level = 0;
    while (levels[level + 1]! - levels[level]! < this.#capacities[level]!) level++;
    if (level === levels.length - 2) this.#addLevel();
    const begin = levels[level]!;
    const end = levels[level + 1]!;
    const half = (end - begin) >>> 1;
    const isOdd = (end - begin) & 1;
    if (level === 0) sortRun(this.#items, begin + isOdd, end);
    this.#compact(begin + isOdd, end, levels[level + 2]!);
    levels[level + 1]! -= half;
    if (isOdd === 1) this.#items[levels[level + 1]! - 1] = this.#items[begin]!;
    levels[level] = levels[level + 1]! - isOdd;
    if (level > 0) {
      moveUp(this.#items, levels[0], begin, half);
      for (let lower = 0; lower < level; lower++) levels[lower]! += half;
    }
    this.#free = levels[0];
  }

  /** Halves the run and merges what is left into the level above, which lies in `end … endAbove - 1`. */
  #compact(begin: number, end: number, endAbove: number): void {
    const items = this.#items;
    if (endAbove === end) {
      halveUp(items, begin, end, this.#coin());
      return;
    }
    halveDown(items, begin, end, this.#coin());
    mergeAbove(items, begin, end, endAbove);
  }

  #addLevel(): void {
    const levels = this.#levels;
    this.#capacities = levelCapacities(this.k, levels.length);
    const grown = new Float64Array(total(this.#capacities));
    const shift = grown.length - this.#items.length;
    grown.set(this.#items, shift);
    this.#items = grown;
    for (let i = 0; i < levels.length; i++) levels[i]! += shift;
    levels.push(grown.length);
    this.#free = levels[0]!;
  }

  /** Lays both sketches' levels side by side, each sorted, then compacts from below until all fit. */
  #mergeLevels(other: Kll): void {
    this.#levels[0] = this.#free;
    other.#levels[0] = other.#free;
    const count = Math.max(this.#levels.length, other.#levels.length) - 1;
    const length = this.retained + other.retained;
    const work = length <= workshop.length ? workshop : new Float64Array(length);
    const levels = [0];
    let at = 0;
    for (let level = 0; level < count; level++) {
      at = this.#layLevel(other, { level, work, at });
      levels.push(at);
    }
    this.#compress(work, levels);
  }

  /** Both sketches' values of one level, merged where they are sorted. Gives the end. */
  #layLevel(other: Kll, to: { level: number; work: Float64Array; at: number }): number {
    const { level, work } = to;
    const ours = this.#items;
    const theirs = other.#items;
    let at = to.at;
    let a = this.#levels[level] ?? 0;
    const endA = this.#levels[level + 1] ?? a;
    let b = other.#levels[level] ?? 0;
    const endB = other.#levels[level + 1] ?? b;
    if (level > 0)
      while (a < endA && b < endB) work[at++] = ours[a]! <= theirs[b]! ? ours[a++]! : theirs[b++]!;
    while (a < endA) work[at++] = ours[a++]!;
    while (b < endB) work[at++] = theirs[b++]!;
    return at;
  }

  #compress(work: Float64Array, levels: number[]): void {
    let capacities =
      this.#capacities.length === levels.length - 1
        ? this.#capacities
        : levelCapacities(this.k, levels.length - 1);
    let room = total(capacities);
    const length = levels.at(-1)!;
    let retained = length;
    const own = this.#items;
    this.#items = work;
    for (let level = 0; level < levels.length - 1; level++) {
      const begin = levels[level]!;
      const end = levels[level + 1]!;
      if (retained <= room || end - begin < capacities[level]!) continue;
      if (level === levels.length - 2) {
        levels.push(end);
        capacities = levelCapacities(this.k, levels.length - 1);
        room = total(capacities);
      }
      const half = (end - begin) >>> 1;
      const isOdd = (end - begin) & 1;
      if (level === 0) sortRun(this.#items, begin + isOdd, end);
      this.#compact(begin + isOdd, end, levels[level + 2]!);
      // The survivors end up against the level above; the odd one and all levels below close up to them.
      moveUp(work, levels[0]!, begin + isOdd, half);
      for (let lower = 0; lower <= level; lower++) levels[lower]! += half;
      levels[level + 1]! -= half;
      levels[level] = levels[level + 1]! - isOdd;
      retained -= half;
    }
    this.#capacities = capacities;
    const items = own.length === room ? own : new Float64Array(room);
    const shift = room - length;
    items.set(work.subarray(levels[0], length), levels[0]! + shift);
    this.#items = items;
    this.#levels = levels.map((boundary) => boundary + shift);
    this.#free = this.#levels[0]!;
  }
}

/** Where two sketches of common size are laid side by side; used within one merge only. */
const workshop = new Float64Array(2_048);

function total(capacities: readonly number[]): number {
  let sum = 0;
  for (const capacity of capacities) sum += capacity;
  return sum;
}
