import type { Batch } from '../../reading/batch.ts';
import { Door } from '../../pipeline/signal/swinging-door.ts';
import type { Field, Numbers } from './fields.ts';
import { boundSamplesMax, boundShares, rangeSamplesMax } from './limits.ts';
import { roundSpreadUp } from './spread.ts';

/** Which row each of the inputs (readings, or rows of a finer level) goes into. Rows are numbered as their first input comes. */
export interface Grouping {
  readonly rows: number;
  /** By input. */
  readonly rowOf: Uint32Array;
  /** By row: its part, which is what is of one series and quality between two cuts. */
  readonly partOf: Uint32Array;
  readonly parts: number;
}

/** Inputs of one series and quality between two cuts, numbered as they come. */
export interface Parting {
  readonly parts: number;
  readonly partOf: Uint32Array;
}

/** `offsetOf` ascends. Cuts ascend: offsets that no row may have inputs on both sides of. */
export function partsOf(
  batch: Pick<Batch, 'length' | 'series' | 'seriesIndex' | 'quality'>,
  offsetOf: (row: number) => number,
  cuts: readonly number[],
): Parting {
  const partOf = new Uint32Array(batch.length);
  const known = new Int32Array(3 * batch.series.length).fill(-1);
  let parts = 0;
  let cut = 0;
  for (let i = 0; i < batch.length; i++) {
    if (cut < cuts.length && offsetOf(i) >= cuts[cut]!) {
      known.fill(-1);
      while (cut < cuts.length && offsetOf(i) >= cuts[cut]!) cut++;
    }
    const key = 3 * batch.seriesIndex[i]! + batch.quality[i]!;
    if (known[key] === -1) known[key] = parts++;
    partOf[i] = known[key]!;
  }
  return { parts, partOf };
}

/** By part and window of event time. */
export function groupByWindow(parting: Parting, timeMicros: Float64Array, window: number): Grouping {
  const { parts, partOf } = parting;
  const rowOf = new Uint32Array(timeMicros.length);
  const begin = new Float64Array(parts).fill(Number.NaN);
  const currentRow = new Uint32Array(parts);
  const known = new Map<number, number>();
  const partOfRow: number[] = [];
  for (let i = 0; i < timeMicros.length; i++) {
    const part = partOf[i]!;
    const time = timeMicros[i]!;
    if (!(time >= begin[part]! && time < begin[part]! + window)) {
      const index = Math.floor(time / window);
      const key = index * parts + part;
      let row = known.get(key);
      if (row === undefined) {
        row = partOfRow.push(part) - 1;
        known.set(key, row);
      }
      begin[part] = index * window;
      currentRow[part] = row;
    }
    rowOf[i] = currentRow[part]!;
  }
  return { rows: partOfRow.length, rowOf, partOf: Uint32Array.from(partOfRow), parts };
}

/** Bounds of the lines of {@link groupBySegment}, by numeric field: of each part. */
export type Bounds = ReadonlyMap<string, Float64Array>;

/**
 * Cuts each part where no line from the first reading to the last keeps within the bound of all numeric fields, where a text or boolean
 * changes, a value is missing or comes back, is not finite, or time does not go on. The bound is the least of {@link boundShares} with which a
 * sample has few enough rows; null when it is none, and as soon as there are more than `rowsMax` rows: then `onShortLines` is told which field's values ended
 * most of those lines, with the widest bound.
 */
export function groupBySegment(
  parting: Parting,
  of: Lines & { rowsMax: number; onShortLines: (field: string | null) => void },
): SegmentGrouping | null {
  const { length } = of.timeMicros;
  const ranges = rangesOf(parting, of.fields);
  const samples = Math.min(length, boundSamplesMax);
  const from = (length - samples) >> 1;
  let short: ShortLines = { rows: null, field: null };
  for (const share of boundShares) {
    const bounds = new Map(
      Array.from(ranges, ([name, by]) => [name, by.map((range) => boundOf(range, share))]),
    );
    const rowsMax = Math.ceil((of.rowsMax * samples) / length);
    const sampled = cutLines(parting, { ...of, bounds, rowsMax, from, until: from + samples });
    if (sampled.rows === null) {
      short = sampled;
      continue;
    }
    if (samples === length) return { grouping: sampled, bounds };
    const grouping = cutLines(parting, { ...of, bounds, from: 0, until: length });
    if (grouping.rows !== null) return { grouping, bounds };
    short = grouping;
    break;
  }
  of.onShortLines(short.field);
  return null;
}

interface SegmentGrouping {
  readonly grouping: Grouping;
  readonly bounds: Bounds;
}

/** More lines than there may be; the field whose values ended most of them, null where it was time that did not go on. */
interface ShortLines {
  readonly rows: null;
  readonly field: string | null;
}

interface Lines {
  readonly timeMicros: Float64Array;
  readonly fields: readonly Field[];
}

function cutLines(
  { parts, partOf }: Parting,
  of: Lines & { bounds: Bounds; rowsMax: number; from: number; until: number },
): Grouping | ShortLines {
  const { timeMicros, rowsMax, from, until } = of;
  const tracks = tracksOf(of.fields, of.bounds, parts);
  const ended = new Uint32Array(tracks.length);
  const rowOf = new Uint32Array(timeMicros.length);
  const open = new Int32Array(parts).fill(-1);
  const lastMicros = new Float64Array(parts);
  const partOfRow: number[] = [];
  for (let i = from; i < until; i++) {
    const part = partOf[i]!;
    const time = timeMicros[i]!;
    let goesOn = open[part]! >= 0 && time > lastMicros[part]!;
    for (let t = 0; goesOn && t < tracks.length; t++) {
      goesOn = tracks[t]!.fits(i, part, time);
      if (!goesOn) ended[t]!++;
    }
    if (goesOn) for (const track of tracks) track.hold(i, part, time);
    else {
      open[part] = partOfRow.push(part) - 1;
      if (partOfRow.length > rowsMax) return { rows: null, field: endedMost(tracks, ended) };
      for (const track of tracks) track.begin(i, part, time);
    }
    rowOf[i] = open[part]!;
    lastMicros[part] = time;
  }
  return { rows: partOfRow.length, rowOf, partOf: Uint32Array.from(partOfRow), parts };
}

/** Null where none ended any. */
function endedMost(tracks: readonly Track[], ended: Uint32Array): string | null {
  let most = -1;
  for (const [t, count] of ended.entries()) if (count > (ended[most] ?? 0)) most = t;
  return tracks[most]?.field ?? null;
}

function tracksOf(fields: readonly Field[], bounds: Bounds, parts: number): Track[] {
  const tracks: Track[] = [];
  for (const { name, numbers, texts } of fields) {
    const allowed = bounds.get(name);
    if (numbers !== null && allowed !== undefined) tracks.push(new LineTrack(name, numbers, allowed));
    else if (numbers !== null) tracks.push(new StepTrack(name, numbers, parts));
    if (texts !== null) tracks.push(new StepTrack(name, texts, parts));
  }
  return tracks;
}

interface Track {
  readonly field: string;
  begin(input: number, part: number, time: number): void;
  fits(input: number, part: number, time: number): boolean;
  hold(input: number, part: number, time: number): void;
}

/** A line through numbers. */
class LineTrack implements Track {
  readonly field: string;
  readonly #numbers: Numbers;
  readonly #bounds: Float64Array;
  readonly #doors: Door[];
  readonly #has: Uint8Array;

  constructor(field: string, numbers: Numbers, bounds: Float64Array) {
    this.field = field;
    this.#numbers = numbers;
    this.#bounds = bounds;
    this.#doors = Array.from(bounds, () => new Door());
    this.#has = new Uint8Array(bounds.length);
  }

  begin(input: number, part: number, time: number): void {
    const value = this.#numbers.values[input]!;
    const has = this.#present(input) && Number.isFinite(value);
    this.#has[part] = has ? 1 : 0;
    if (has) this.#doors[part]!.begin(time, value);
  }

  fits(input: number, part: number, time: number): boolean {
    if (!this.#present(input)) return this.#has[part] === 0;
    const value = this.#numbers.values[input]!;
    // What is not finite makes a row of its own.
    return this.#has[part] === 1 && value - value === 0 && this.#doors[part]!.fits(time, value);
  }

  hold(input: number, part: number, time: number): void {
    if (this.#has[part] === 1)
      this.#doors[part]!.hold(time, this.#numbers.values[input]!, this.#bounds[part]!);
  }

  #present(input: number): boolean {
    const { present } = this.#numbers;
    return present === null || present[input] === 1;
  }
}

/** A value that stays. */
class StepTrack implements Track {
  readonly field: string;
  readonly #values: ArrayLike<string | number>;
  readonly #present: Uint8Array | null;
  /** Undefined where there is none. */
  readonly #held: (string | number | undefined)[];

  constructor(
    field: string,
    of: { values: ArrayLike<string | number>; present: Uint8Array | null },
    parts: number,
  ) {
    this.field = field;
    this.#values = of.values;
    this.#present = of.present;
    this.#held = Array.from({ length: parts }, () => undefined);
  }

  begin(input: number, part: number): void {
    this.#held[part] = this.#value(input);
  }

  fits(input: number, part: number): boolean {
    return this.#held[part] === this.#value(input);
  }

  hold(): void {}

  #value(input: number): string | number | undefined {
    return this.#present === null || this.#present[input] === 1 ? this.#values[input] : undefined;
  }
}

/** How far the values of each part lie apart, by field that has lines; of one part, as a sample of its readings says. */
function rangesOf(parting: Parting, fields: readonly Field[]): ReadonlyMap<string, Float64Array> {
  const ranges = new Map<string, Float64Array>();
  for (const { name, numbers } of fields) {
    if (numbers !== null && !numbers.isBoolean) ranges.set(name, rangeOf(numbers, parting));
  }
  return ranges;
}

function rangeOf({ values, present }: Numbers, { parts, partOf }: Parting): Float64Array {
  const min = new Float64Array(parts).fill(Infinity);
  const max = new Float64Array(parts).fill(-Infinity);
  const step = parts === 1 ? Math.max(1, Math.floor(values.length / rangeSamplesMax)) : 1;
  for (let i = 0; i < values.length; i += step) {
    const value = values[i]!;
    if ((present !== null && present[i] === 0) || value - value !== 0) continue;
    const part = partOf[i]!;
    if (value < min[part]!) min[part] = value;
    if (value > max[part]!) max[part] = value;
  }
  return min.map((low, part) => max[part]! - low);
}

function boundOf(range: number, share: number): number {
  const bound = share * range;
  return Number.isFinite(bound) ? roundSpreadUp(Math.max(0, bound)) : 0;
}
