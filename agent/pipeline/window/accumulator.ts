import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import { addedValuesMax } from '../limits.ts';
import { FieldSketches, sketchKindNames, takesTexts, type SketchNeeds } from './field-sketches.ts';

/** What of an accumulator's sketches is saved: nothing where it has none, values since the last save, or everything. */
const saved = { nothing: 0, values: 1, whole: 2, numbers: 3 } as const;
const savedShift = 5;
/** Sums that are told in a save, by bit: those of all values, and those that changed. */
const told = { total: 16, min: 1, max: 2, first: 4, last: 8 } as const;
const toldAll = told.total | told.min | told.max | told.first | told.last;
const noValues = new Float64Array(0);

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
  readonly sketches: FieldSketches;
  readonly #hasSketches: boolean;
  /** Changed since it was saved. */
  isDirty = false;
  /** Bits of `told`: what is not as it was when it was saved; all values have their part in `total`. */
  #changed = 0;
  /** The first `#addedCount`: values since the last save, NaN where one is a text. */
  #added: Float64Array = noValues;
  /** -1: too many, and the sketches' own bytes are needed. */
  #addedCount = 0;
  #addedTexts: string[] | null = null;

  constructor(needs: SketchNeeds, seed: number, sketches = new FieldSketches(needs, seed)) {
    this.sketches = sketches;
    this.#hasSketches = sketchKindNames.some((kind) => needs[kind]);
  }

  get sum(): number {
    return this.#sum + this.#lost;
  }

  update(value: number, micros: number): void {
    this.isDirty = true;
    this.count++;
    this.#add(value);
    this.#mark(value, micros);
    if (this.#hasSketches) {
      this.sketches.update(value);
      this.#remember(value);
    }
  }

  #add(value: number): void {
    const sum = this.#sum + value;
    const back = sum - this.#sum;
    this.#lost += this.#sum - (sum - back) + (value - back);
    this.#sum = sum;
    this.#stretch(value, value);
  }

  #stretch(min: number, max: number): void {
    if (min < this.min) {
      this.min = min;
      this.#changed |= told.min;
    }
    if (max > this.max) {
      this.max = max;
      this.#changed |= told.max;
    }
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
    this.#stretch(min, max);
    this.#mark(values[first]!, times[first]!);
    this.#mark(values[last]!, times[last]!);
    if (this.#hasSketches) this.#sketchRun(values, count);
  }

  #sketchRun(values: Float64Array, count: number): void {
    this.sketches.updateRun(values, count);
    const at = this.#roomFor(count);
    if (at >= 0) for (let i = 0; i < count; i++) this.#added[at + i] = values[i]!;
  }

  /** Where so many more values since the last save are to be put; -1: they are too many by now. */
  #roomFor(more: number): number {
    const at = this.#addedCount;
    if (at < 0) return -1;
    const count = at + more;
    this.#addedCount = count > addedValuesMax ? -1 : count;
    if (count > addedValuesMax) return -1;
    if (count > this.#added.length) {
      const grown = new Float64Array(Math.min(addedValuesMax, Math.max(16, 2 * count)));
      grown.set(this.#added);
      this.#added = grown;
    }
    return at;
  }

  /** Only for needs that take texts. */
  updateText(text: string): void {
    this.isDirty = true;
    this.texts++;
    this.sketches.updateText(text);
    if (this.#remember(Number.NaN)) (this.#addedTexts ??= []).push(text);
  }

  merge(other: Accumulator): void {
    this.isDirty = true;
    this.#addedCount = -1;
    this.#changed = toldAll;
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
    this.sketches.merge(other.sketches);
  }

  /** First and last in event time. Of values at one moment the least is the first and the greatest the last, whatever their order. */
  #mark(value: number, micros: number): void {
    if (micros < this.firstMicros || (micros === this.firstMicros && value < this.first)) {
      this.firstMicros = micros;
      this.first = value;
      this.#changed |= told.first;
    }
    if (micros > this.lastMicros || (micros === this.lastMicros && value > this.last)) {
      this.lastMicros = micros;
      this.last = value;
      this.#changed |= told.last;
    }
  }

  #remember(value: number): boolean {
    const at = this.#roomFor(1);
    if (at >= 0) this.#added[at] = value;
    return at >= 0;
  }

  /**
   * What changed: sums that others do not follow from, and of the sketches the values since the last save, or all of them when that is less or
   * `whole` is asked. Of all values the sum and the extremes follow from what was saved before and the values.
   */
  save(writer: ByteWriter, whole: boolean): void {
    const form = this.#formOfSave(whole);
    const follows = form === saved.values || form === saved.numbers;
    const tell = form === saved.whole || whole ? toldAll : told.total | this.#changed;
    const bits = follows ? tell & (told.first | told.last) : tell;
    writer.uint8((form << savedShift) | bits);
    writer.varint(this.count);
    writer.varint(this.texts);
    if ((bits & told.total) !== 0) {
      writer.float64(this.#sum);
      writer.float64(this.#lost);
    }
    if ((bits & told.min) !== 0) writer.float64(this.min);
    if ((bits & told.max) !== 0) writer.float64(this.max);
    if ((bits & told.first) !== 0) {
      writer.float64(this.firstMicros);
      writer.float64(this.first);
    }
    if ((bits & told.last) !== 0) {
      writer.float64(this.lastMicros);
      writer.float64(this.last);
    }
    this.#saveSketches(writer, form);
    this.#isSaved();
  }

  #isSaved(): void {
    this.isDirty = false;
    this.#changed = 0;
    this.#addedCount = 0;
    this.#addedTexts = null;
  }

  #formOfSave(whole: boolean): number {
    if (!this.#hasSketches) return saved.nothing;
    if (whole || this.#addedCount < 0) return saved.whole;
    return this.#addedTexts === null ? saved.numbers : saved.values;
  }

  #saveSketches(writer: ByteWriter, form: number): void {
    if (form === saved.nothing) return;
    if (form === saved.whole) {
      this.sketches.save(writer);
      return;
    }
    writer.varint(this.#addedCount);
    if (form === saved.numbers) {
      writer.float64s(this.#added, this.#addedCount);
      return;
    }
    let texts = 0;
    for (let i = 0; i < this.#addedCount; i++) {
      const value = this.#added[i]!;
      writer.uint8(Number.isNaN(value) ? 1 : 0);
      if (Number.isNaN(value)) writer.text(this.#addedTexts![texts++]!);
      else writer.float64(value);
    }
  }

  /** What {@link save} wrote; `before` is the accumulator as it was saved last. @throws {MalformedBytes} */
  static load(reader: ByteReader, options: LoadOptions): Accumulator {
    const { needs, seed, before, version } = options;
    const head = version === 1 ? toldAll : reader.uint8();
    const count = reader.varint();
    const texts = reader.varint();
    const sums = readSums(reader, head);
    const form = version === 1 ? reader.uint8() : head >>> savedShift;
    if (form > saved.numbers) throw new MalformedBytes('a form of saved sketches');
    const loaded =
      form === saved.whole
        ? new Accumulator(needs, seed, FieldSketches.load(reader, needs, seed))
        : (before ?? new Accumulator(needs, seed));
    if (form === saved.values || form === saved.numbers) loaded.#replay(reader, form, takesTexts(needs));
    loaded.count = count;
    loaded.texts = texts;
    if ((head & told.total) !== 0) [loaded.#sum, loaded.#lost] = sums.total;
    if ((head & told.min) !== 0) loaded.min = sums.min;
    if ((head & told.max) !== 0) loaded.max = sums.max;
    if ((head & told.first) !== 0) [loaded.firstMicros, loaded.first] = sums.first;
    if ((head & told.last) !== 0) [loaded.lastMicros, loaded.last] = sums.last;
    loaded.#isSaved();
    return loaded;
  }

  #replay(reader: ByteReader, form: number, hasTexts: boolean): void {
    const length = reader.count(addedValuesMax, 'values since the last save');
    for (let i = 0; i < length; i++) {
      const isText = form === saved.values && reader.uint8() === 1;
      if (!isText) {
        const value = reader.float64();
        this.#add(value);
        this.sketches.update(value);
      } else if (!hasTexts) throw new MalformedBytes('a text where none is counted');
      else this.sketches.updateText(reader.text());
    }
  }
}

interface LoadOptions {
  readonly needs: SketchNeeds;
  readonly seed: number;
  readonly before: Accumulator | null;
  /** Of the saved state: 1 tells all sums each time. */
  readonly version: 1 | 2;
}

interface SavedSums {
  readonly total: [number, number];
  readonly min: number;
  readonly max: number;
  readonly first: [number, number];
  readonly last: [number, number];
}

/** Those that are told; the others are not to be looked at. */
function readSums(reader: ByteReader, bits: number): SavedSums {
  const pair = (bit: number): [number, number] =>
    (bits & bit) === 0 ? [0, 0] : [reader.float64(), reader.float64()];
  const one = (bit: number): number => ((bits & bit) === 0 ? 0 : reader.float64());
  return {
    total: pair(told.total),
    min: one(told.min),
    max: one(told.max),
    first: pair(told.first),
    last: pair(told.last),
  };
}
