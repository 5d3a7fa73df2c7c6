import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { Prng } from '../../base/prng.ts';
import type { Parsed } from '../../sketch/fault.ts';
import { HyperLogLog } from '../../sketch/hyperloglog.ts';
import { Kll } from '../../sketch/kll.ts';
import { Moments } from '../../sketch/moments.ts';
import { addedValuesMax } from '../limits.ts';

export const sketchKindNames = ['moments', 'quantiles', 'distinct'] as const;
export type SketchKindName = (typeof sketchKindNames)[number];

/** Which sketches an accumulator keeps beside its sums. */
export type SketchNeeds = Readonly<Record<SketchKindName, boolean>>;

/** Levels of saved state: the values since the last one, or everything. */
const savedNothing = 0;
const savedValues = 1;
const savedWhole = 2;

/** Values of one field in the order they came, `count` of them, at least one: finite numbers, each with its event time. */
export interface Run {
  readonly values: Float64Array;
  readonly times: Float64Array;
  readonly count: number;
}

/** What one window (or a slice of it) keeps of one field. Values are finite numbers, or texts that are only counted apart. */
export class Accumulator {
  /** Numbers taken in. */
  count = 0;
  texts = 0;
  #sum = 0;
  /** What rounding took from `#sum` (Knuth's two-sum), so that the order of values does not show. */
  #lost = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  firstMicros = Number.POSITIVE_INFINITY;
  first = 0;
  lastMicros = Number.NEGATIVE_INFINITY;
  last = 0;
  readonly moments: Moments | null;
  readonly quantiles: Kll | null;
  readonly distinct: HyperLogLog | null;
  readonly #hasSketches: boolean;
  /** Changed since it was saved. */
  isDirty = false;
  /** Values since the last save; null when the sketches' own bytes are needed. */
  #added: (number | string)[] | null = [];

  constructor(needs: SketchNeeds, seed: number, saved: Partial<SavedSketches> = {}) {
    this.moments = saved.moments ?? (needs.moments ? new Moments() : null);
    this.quantiles = saved.quantiles ?? (needs.quantiles ? new Kll(new Prng(seed)) : null);
    this.distinct = saved.distinct ?? (needs.distinct ? new HyperLogLog() : null);
    this.#hasSketches = needs.quantiles || needs.distinct || needs.moments;
  }

  get sum(): number {
    return this.#sum + this.#lost;
  }

  update(value: number, micros: number): void {
    this.isDirty = true;
    this.count++;
    const sum = this.#sum + value;
    const back = sum - this.#sum;
    this.#lost += this.#sum - (sum - back) + (value - back);
    this.#sum = sum;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.#mark(value, micros);
    if (this.#hasSketches) this.#sketch(value);
  }

  /** As single updates would; the sums in locals, read and written once a run, and one sketch after the other. */
  updateRun({ values, times, count }: Run): void {
    let total = this.#sum;
    let lost = this.#lost;
    let min = this.min;
    let max = this.max;
    let first = 0;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const value = values[i]!;
      const sum = total + value;
      const back = sum - total;
      lost += total - (sum - back) + (value - back);
      total = sum;
      if (value < min) min = value;
      if (value > max) max = value;
      if (times[i]! > times[last]!) last = i;
      else if (times[i] === times[last] && value > values[last]!) last = i;
      if (times[i]! < times[first]!) first = i;
      else if (times[i] === times[first] && value < values[first]!) first = i;
    }
    this.isDirty = true;
    this.count += count;
    this.#sum = total;
    this.#lost = lost;
    this.min = min;
    this.max = max;
    this.#mark(values[first]!, times[first]!);
    this.#mark(values[last]!, times[last]!);
    if (this.#hasSketches) this.#sketchRun(values, count);
  }

  #sketchRun(values: Float64Array, count: number): void {
    const { quantiles } = this;
    this.moments?.updateAll(values, 0, count);
    if (quantiles !== null) for (let i = 0; i < count; i++) quantiles.update(values[i]!);
    this.distinct?.updateNumbers(values, 0, count);
    const room = this.#added === null ? 0 : addedValuesMax - this.#added.length;
    if (count > room) this.#added = null;
    else for (let i = 0; i < count; i++) this.#added!.push(values[i]!);
  }

  /** Only `distinct` has a use for it. */
  updateText(text: string): void {
    this.isDirty = true;
    this.texts++;
    this.distinct!.updateText(text);
    this.#remember(text);
  }

  merge(other: Accumulator): void {
    this.isDirty = true;
    this.#added = null;
    this.count += other.count;
    this.texts += other.texts;
    const sum = this.#sum + other.#sum;
    const back = sum - this.#sum;
    this.#lost += other.#lost + (this.#sum - (sum - back) + (other.#sum - back));
    this.#sum = sum;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
    if (other.count > 0) {
      this.#mark(other.first, other.firstMicros);
      this.#mark(other.last, other.lastMicros);
    }
    this.moments?.merge(other.moments!);
    this.quantiles?.merge(other.quantiles!);
    this.distinct?.merge(other.distinct!);
  }

  /** First and last in event time. Of values at one moment the least is the first and the greatest the last, whatever their order. */
  #mark(value: number, micros: number): void {
    if (micros < this.firstMicros || (micros === this.firstMicros && value < this.first)) {
      this.firstMicros = micros;
      this.first = value;
    }
    if (micros > this.lastMicros || (micros === this.lastMicros && value > this.last)) {
      this.lastMicros = micros;
      this.last = value;
    }
  }

  #sketch(value: number): void {
    this.moments?.update(value);
    this.quantiles?.update(value);
    this.distinct?.updateNumber(value);
    this.#remember(value);
  }

  #remember(value: number | string): void {
    const added = this.#added;
    if (added === null) return;
    if (added.length < addedValuesMax) added.push(value);
    else this.#added = null;
  }

  /** Sums as they stand; of the sketches the values since the last save, or all of them when that is less or `whole` is asked. */
  save(writer: ByteWriter, whole: boolean): void {
    writer.varint(this.count);
    writer.varint(this.texts);
    for (const value of [this.#sum, this.#lost, this.min, this.max]) writer.float64(value);
    for (const value of [this.firstMicros, this.first, this.lastMicros, this.last]) writer.float64(value);
    this.#saveSketches(writer, whole);
    this.isDirty = false;
    this.#added = [];
  }

  #saveSketches(writer: ByteWriter, whole: boolean): void {
    const added = this.#added;
    if (!this.#hasSketches) {
      writer.uint8(savedNothing);
    } else if (whole || added === null) {
      writer.uint8(savedWhole);
      for (const name of sketchKindNames) {
        const sketch = this[name];
        if (sketch !== null) writer.bytes(sketch.toBytes());
      }
    } else {
      writer.uint8(savedValues);
      writer.varint(added.length);
      for (const value of added) {
        writer.uint8(typeof value === 'number' ? 0 : 1);
        if (typeof value === 'number') writer.float64(value);
        else writer.text(value);
      }
    }
  }

  /** What {@link save} wrote; `before` is the accumulator as it was saved last. @throws {MalformedBytes} */
  static load(
    reader: ByteReader,
    options: { readonly needs: SketchNeeds; readonly seed: number; readonly before: Accumulator | null },
  ): Accumulator {
    const { needs, seed, before } = options;
    const count = reader.varint();
    const texts = reader.varint();
    const sums = Array.from({ length: 8 }, () => reader.float64());
    const form = reader.uint8();
    if (form > savedWhole) throw new MalformedBytes('a form of saved sketches');
    const loaded =
      form === savedWhole
        ? new Accumulator(needs, seed, readSketches(reader, needs, seed))
        : (before ?? new Accumulator(needs, seed));
    if (form === savedValues) loaded.#replay(reader);
    loaded.count = count;
    loaded.texts = texts;
    [loaded.#sum, loaded.#lost, loaded.min, loaded.max] = sums as [number, number, number, number];
    [loaded.firstMicros, loaded.first, loaded.lastMicros, loaded.last] = sums.slice(4) as [
      number,
      number,
      number,
      number,
    ];
    loaded.isDirty = false;
    loaded.#added = [];
    return loaded;
  }

  #replay(reader: ByteReader): void {
    const length = reader.count(addedValuesMax, 'values since the last save');
    for (let i = 0; i < length; i++) {
      const isText = reader.uint8() === 1;
      if (!isText) this.#sketch(reader.float64());
      else if (this.distinct === null) throw new MalformedBytes('a text where none is counted');
      else this.distinct.updateText(reader.text());
    }
  }
}

interface SavedSketches {
  moments: Moments | null;
  quantiles: Kll | null;
  distinct: HyperLogLog | null;
}

function readSketches(reader: ByteReader, needs: SketchNeeds, seed: number): SavedSketches {
  return {
    moments: needs.moments ? parsed(Moments.parse(reader.bytes())) : null,
    quantiles: needs.quantiles ? parsed(Kll.parse(reader.bytes(), { chance: new Prng(seed) })) : null,
    distinct: needs.distinct ? parsed(HyperLogLog.parse(reader.bytes())) : null,
  };
}

function parsed<T>(result: Parsed<T>): T {
  if (!result.ok) throw new MalformedBytes(result.error.message);
  return result.value;
}
