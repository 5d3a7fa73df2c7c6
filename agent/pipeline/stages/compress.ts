import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Batch } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import type { HeldReading } from '../held-reading.ts';
import { heldReading, readHeld, writeHeld } from '../held-reading.ts';
import { latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { netAccount, OutputRows } from '../output-rows.ts';
import { SeriesMap } from '../series-map.ts';
import { SegmentSums, segmentNames } from '../signal/segment-sums.ts';
import type { DoorOptions } from '../signal/swinging-door.ts';
import { Door } from '../signal/swinging-door.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import { notesOf, numericField } from './field-filter.ts';
import { loadSeries, saveSeries, seriesState } from './series-state.ts';
import { writtenField } from './written-field.ts';

export interface CompressConfig {
  readonly field: string;
  readonly method?: 'swinging_door' | undefined;
  /** Half width of the corridor in the field's unit, >= 0 (PI: CompDev). */
  readonly deviation: number;
  /** Least and longest span between readings given out, ms of event time (PI: CompMin, CompMax). Default: none. */
  readonly min_interval?: number | undefined;
  readonly max_interval?: number | undefined;
  /** What is left out before the door sees it: values that do not differ from the last reported one by more than `deviation`. */
  readonly exception?: ExceptionConfig | undefined;
  /** Count, sum, min, max and integral of the raw values each reading given out stands for, as fields. Default true. */
  readonly summary?: boolean | undefined;
  readonly max_series?: number | undefined;
}

export interface ExceptionConfig {
  /** >= 0, unit of the field (PI: ExcDev). */
  readonly deviation: number;
  /** ms of event time (PI: ExcMin, ExcMax). Default: none. */
  readonly min_interval?: number | undefined;
  readonly max_interval?: number | undefined;
}

/** A reading not given out yet: in the batch at hand (`row`), or from an earlier one. */
class Place {
  row = -1;
  earlier: HeldReading | null = null;

  set(row: number): void {
    this.row = row;
    this.earlier = null;
  }

  clear(): void {
    this.row = -1;
    this.earlier = null;
  }

  get isEmpty(): boolean {
    return this.row < 0 && this.earlier === null;
  }
}

class Series {
  readonly door = new Door();
  /** The door's held point. */
  readonly held = new Place();
  /** The newest reading, when the exception test left it out; its point is `lastMicros`, `lastValue`. */
  readonly skipped = new Place();
  /** The point the exception test reported last. */
  reportedMicros = Number.NaN;
  reportedValue = 0;
  /** The newest raw point that entered; NaN after a break. */
  lastMicros = Number.NaN;
  lastValue = 0;
  /** Of the readings since the last one given out up to the held one, and of those after it. */
  readonly sums = new SegmentSums();
  readonly after = new SegmentSums();
  quality: number = Quality.good;
  isTouched = false;
}

/** Bytes of one series: map entry, key, door, sums, and a held reading of a few fields. */
const stateBytesPerSeries = 900;

/**
 * Keeps of a field the readings from which a line draws the others: exception test, then swinging door, each with the parameters of
 * the PI archive. For a series in time order, linear interpolation of what comes out differs at no reading of good or uncertain
 * quality by more than `deviation`, plus twice the exception's deviation where there is one, and minimum spans aside.
 *
 * The last reading of a segment is known when the next one breaks out, so the newest reading of a series is always held back. What
 * comes out carries the sums over all raw readings it stands for: itself and those left out before it. Bad quality and a change of
 * quality end a segment; bad readings and late ones pass as they are, and so do readings without a number in the field.
 */
export class CompressStage implements Stage {
  readonly rule: string;
  readonly #config: CompressConfig;
  readonly #door: DoorOptions;
  /** Spans and deviation as the door's; a deviation below 0: no exception test. */
  readonly #exception: DoorOptions;
  readonly #series: SeriesMap<Series>;

  constructor(rule: string, config: CompressConfig) {
    this.rule = rule;
    this.#config = config;
    const { deviation, exception } = config;
    this.#door = { deviation, ...spans(config) };
    this.#exception =
      exception === undefined
        ? { deviation: -1, minMicros: 0, maxMicros: 0 }
        : { deviation: exception.deviation, ...spans(exception) };
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => new Series());
  }

  process(batch: Batch): StageOutput {
    const field = numericField(batch, this.#config.field);
    if (field === null) return { main: batch };
    const before = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const pass = new Pass(batch, this.#door, this.#exception);
    const { timeMicros, quality } = batch;
    const { values, present } = field;
    let late = 0;
    for (let row = 0; row < batch.length; row++) {
      const value = values[row]!;
      const isBad = quality[row] === Quality.bad;
      if ((present !== null && present[row] === 0) || value - value !== 0) {
        pass.asIs(row);
        continue;
      }
      const series = stateOf(row);
      pass.touch(series);
      if (isBad) {
        pass.breakOff(series, row);
        pass.asIs(row);
        continue;
      }
      const since = timeMicros[row]! - series.lastMicros;
      if (since <= 0 && since >= -latenessMicrosMax) {
        late++;
        pass.alone(row, value);
        continue;
      }
      if (since < 0 || quality[row] !== series.quality) pass.breakOff(series, row);
      series.quality = quality[row]!;
      pass.enter(series, row, value);
    }
    pass.detach();
    const main = this.#summarised(pass);
    const notes = notesOf(this.rule, late, this.#series.evicted - before);
    return {
      main,
      ...netAccount(main, batch.length, this.rule),
      ...(notes.length === 0 ? {} : { notes }),
    };
  }

  #summarised(pass: Pass): Batch | null {
    let main = pass.output.finish();
    if (main === null || this.#config.summary === false || pass.summaries.length === 0) return main;
    for (const name of segmentNames) {
      const values = new Float64Array(main.length);
      const chosen = new Uint8Array(main.length);
      for (const summary of pass.summaries) {
        values[summary.at] = summary[name];
        chosen[summary.at] = 1;
      }
      main = writtenField(main, `${this.#config.field}.${name}`, values, chosen);
    }
    return main;
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, 1, writeSeries);
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#series, bytes, 1, readSeries);
  }

  inspect(): StageState {
    return seriesState(this.#series, stateBytesPerSeries);
  }
}

interface Summary {
  /** Place in the output. */
  readonly at: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly integral: number;
}

/** One batch on its way through. */
class Pass {
  readonly output: OutputRows;
  readonly summaries: Summary[] = [];
  readonly #batch: Batch;
  readonly #door: DoorOptions;
  /** Spans and deviation as the door's; a deviation below 0: no exception test. */
  readonly #exception: DoorOptions;
  readonly #touched: Series[] = [];

  constructor(batch: Batch, door: DoorOptions, exception: DoorOptions) {
    this.#batch = batch;
    this.#door = door;
    this.#exception = exception;
    this.output = new OutputRows(batch);
  }

  touch(series: Series): void {
    if (series.isTouched) return;
    series.isTouched = true;
    this.#touched.push(series);
  }

  asIs(row: number): void {
    this.output.row(row);
  }

  /** Gives a reading out that stands for itself only. */
  alone(row: number, value: number): void {
    this.summaries.push({
      at: this.output.length,
      count: 1,
      sum: value,
      min: value,
      max: value,
      integral: 0,
    });
    this.output.row(row);
  }

  /** A point later than all before it. */
  enter(series: Series, row: number, value: number): void {
    const time = this.#batch.timeMicros[row]!;
    const { door } = series;
    if (Number.isNaN(door.originMicros)) {
      door.begin(time, value);
      report(series, time, value);
      series.lastMicros = time;
      series.lastValue = value;
      this.alone(row, value);
      return;
    }
    const area = ((value + series.lastValue) / 2) * ((time - series.lastMicros) / 1e6);
    const isSkipped = this.#isSkipped(series, time, value);
    if (!isSkipped && !series.skipped.isEmpty) this.#feedSkipped(series, row);
    series.lastMicros = time;
    series.lastValue = value;
    series.after.add(value, area);
    if (isSkipped) series.skipped.set(row);
    else {
      report(series, time, value);
      this.#feed(series, row);
      series.held.set(row);
    }
  }

  /** Gives out what the series holds, and forgets the segment. `row` is any reading of the series. */
  breakOff(series: Series, row: number): void {
    if (!series.skipped.isEmpty) this.#feedSkipped(series, row);
    if (!series.held.isEmpty) this.#release(series, row);
    series.door.clear();
    series.lastMicros = Number.NaN;
    series.reportedMicros = Number.NaN;
  }

  /** Takes what is held out of the batch, which ends here. */
  detach(): void {
    for (const series of this.#touched) {
      series.isTouched = false;
      for (const place of [series.held, series.skipped]) {
        if (place.row < 0) continue;
        place.earlier = heldReading(this.#batch, place.row);
        place.row = -1;
      }
    }
  }

  #isSkipped(series: Series, time: number, value: number): boolean {
    const { deviation, minMicros, maxMicros } = this.#exception;
    if (deviation < 0) return false;
    const since = time - series.reportedMicros;
    if (since < minMicros) return true;
    return since < maxMicros && Math.abs(value - series.reportedValue) <= deviation;
  }

  /** The reading before one that is an exception is reported too, so that the line keeps its corner. */
  #feedSkipped(series: Series, row: number): void {
    this.#feed(series, row);
    series.held.row = series.skipped.row;
    series.held.earlier = series.skipped.earlier;
    series.skipped.clear();
  }

  /** Hands the newest point to the door. */
  #feed(series: Series, row: number): void {
    if (series.door.take(series.lastMicros, series.lastValue, this.#door)) this.#release(series, row);
    series.sums.absorb(series.after);
  }

  #release(series: Series, row: number): void {
    const { held, sums } = series;
    const { count, sum, min, max, integral } = sums;
    this.summaries.push({ at: this.output.length, count, sum, min, max, integral });
    sums.clear();
    if (held.row >= 0) this.output.row(held.row);
    else this.output.held(held.earlier!, this.#batch.seriesIndex[row]!);
    held.clear();
  }
}

function report(series: Series, time: number, value: number): void {
  series.reportedMicros = time;
  series.reportedValue = value;
}

function spans(config: {
  readonly min_interval?: number | undefined;
  readonly max_interval?: number | undefined;
}): { minMicros: number; maxMicros: number } {
  return {
    minMicros: (config.min_interval ?? 0) * 1000,
    maxMicros: (config.max_interval ?? Number.POSITIVE_INFINITY) * 1000,
  };
}

function writeSeries(writer: ByteWriter, series: Series): void {
  writer.uint8(series.quality);
  for (const value of [series.reportedMicros, series.reportedValue, series.lastMicros, series.lastValue])
    writer.float64(value);
  series.door.write(writer);
  series.sums.write(writer);
  series.after.write(writer);
  writeHeld(writer, series.held.earlier);
  writeHeld(writer, series.skipped.earlier);
}

function readSeries(reader: ByteReader): Series {
  const series = new Series();
  series.quality = reader.uint8();
  series.reportedMicros = reader.float64();
  series.reportedValue = reader.float64();
  series.lastMicros = reader.float64();
  series.lastValue = reader.float64();
  series.door.read(reader);
  series.sums.read(reader);
  series.after.read(reader);
  series.held.earlier = readHeld(reader);
  series.skipped.earlier = readHeld(reader);
  return series;
}
