import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Batch } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { Place, readHeld, writeHeld } from '../held-reading.ts';
import type { OutputRows } from '../output-rows.ts';
import { SegmentSums } from '../signal/segment-sums.ts';
import type { DoorOptions } from '../signal/swinging-door.ts';
import { Door } from '../signal/swinging-door.ts';
import type { SilentSeries } from '../silence.ts';

export class Series implements SilentSeries {
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
  heardMicros = Number.NaN;

  get holds(): boolean {
    return !this.held.isEmpty || !this.skipped.isEmpty;
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

/** A number of a reading that enters. */
interface Entry {
  readonly row: number;
  /** Of its series in the batch. */
  readonly seriesIndex: number;
  readonly time: number;
  readonly value: number;
}

/** One batch on its way through, or a look at what is held. */
export class Pass {
  readonly output: OutputRows;
  readonly summaries: Summary[] = [];
  readonly touched: Series[] = [];
  readonly #door: DoorOptions;
  /** Spans and deviation as the door's; a deviation below 0: no exception test. */
  readonly #exception: DoorOptions;

  constructor(output: OutputRows, door: DoorOptions, exception: DoorOptions) {
    this.output = output;
    this.#door = door;
    this.#exception = exception;
  }

  touch(series: Series): void {
    if (series.isTouched) return;
    series.isTouched = true;
    this.touched.push(series);
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
  enter(series: Series, { row, seriesIndex, time, value }: Entry): void {
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
    if (!isSkipped && !series.skipped.isEmpty) this.#feedSkipped(series, seriesIndex);
    series.lastMicros = time;
    series.lastValue = value;
    series.after.add(value, area);
    if (isSkipped) series.skipped.set(row);
    else {
      report(series, time, value);
      this.#feed(series, seriesIndex);
      series.held.set(row);
    }
  }

  /** Gives out what the series holds, and forgets the segment. */
  breakOff(series: Series, seriesIndex: number): void {
    this.#release(series, seriesIndex);
    series.door.clear();
    series.lastMicros = Number.NaN;
    series.reportedMicros = Number.NaN;
  }

  /** Gives out what the series holds; the next segment begins there. */
  giveOut(series: Series, seriesIndex: number): void {
    this.#release(series, seriesIndex);
    series.door.begin(series.lastMicros, series.lastValue);
    report(series, series.lastMicros, series.lastValue);
  }

  #release(series: Series, seriesIndex: number): void {
    if (!series.skipped.isEmpty) this.#feedSkipped(series, seriesIndex);
    if (!series.held.isEmpty) this.#close(series, seriesIndex);
  }

  #isSkipped(series: Series, time: number, value: number): boolean {
    const { deviation, minMicros, maxMicros } = this.#exception;
    if (deviation < 0) return false;
    const since = time - series.reportedMicros;
    if (since < minMicros) return true;
    return since < maxMicros && Math.abs(value - series.reportedValue) <= deviation;
  }

  /** The reading before one that is an exception is reported too, so that the line keeps its corner. */
  #feedSkipped(series: Series, seriesIndex: number): void {
    this.#feed(series, seriesIndex);
    series.held.row = series.skipped.row;
    series.held.earlier = series.skipped.earlier;
    series.skipped.clear();
  }

  /** Hands the newest point to the door. */
  #feed(series: Series, seriesIndex: number): void {
    if (series.door.take(series.lastMicros, series.lastValue, this.#door)) this.#close(series, seriesIndex);
    series.sums.absorb(series.after);
  }

  #close(series: Series, seriesIndex: number): void {
    const { held, sums } = series;
    const { count, sum, min, max, integral } = sums;
    this.summaries.push({ at: this.output.length, count, sum, min, max, integral });
    sums.clear();
    held.giveOut(this.output, seriesIndex);
    held.clear();
  }
}

/** Takes what is held out of the batch, which ends here. */
export function detach(batch: Batch, series: Series): void {
  series.isTouched = false;
  series.held.detach(batch);
  series.skipped.detach(batch);
}

function report(series: Series, time: number, value: number): void {
  series.reportedMicros = time;
  series.reportedValue = value;
}

/** `hasSums`: somebody reads them. */
export function writeSeries(writer: ByteWriter, series: Series, hasSums: boolean): void {
  writer.uint8(series.quality);
  for (const value of [series.reportedMicros, series.reportedValue, series.lastMicros, series.lastValue])
    writer.float64(value);
  series.door.write(writer);
  if (hasSums) {
    series.sums.write(writer);
    series.after.write(writer);
  }
  writeHeld(writer, series.held.earlier);
  writeHeld(writer, series.skipped.earlier);
}

export function readSeries(reader: ByteReader, hasSums: boolean): Series {
  const series = new Series();
  series.quality = reader.uint8();
  series.reportedMicros = reader.float64();
  series.reportedValue = reader.float64();
  series.lastMicros = reader.float64();
  series.lastValue = reader.float64();
  series.door.read(reader);
  if (hasSums) {
    series.sums.read(reader);
    series.after.read(reader);
  }
  series.held.earlier = readHeld(reader);
  series.skipped.earlier = readHeld(reader);
  return series;
}
