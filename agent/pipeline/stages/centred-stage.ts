import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Micros } from '../../base/units.ts';
import type { Batch, ClockSource } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { Place, readHeld, writeHeld } from '../held-reading.ts';
import { holdMsDefault, latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { netAccount, OutputRows } from '../output-rows.ts';
import { SeriesMap, seriesTags } from '../series-map.ts';
import type { CentredKernel } from '../signal/centred-kernel.ts';
import type { SilentSeries } from '../silence.ts';
import { LooseRows, Silence } from '../silence.ts';
import type { Stage, StageContext, StageOutput, StageState } from '../stage.ts';
import type { FieldFilterConfig, Filtered } from './field-filter.ts';
import { notesOf, numericField } from './field-filter.ts';
import {
  applyChangedSeries,
  loadSeries,
  saveChangedSeries,
  saveSeries,
  seriesState,
} from './series-state.ts';

export interface CentredConfig extends FieldFilterConfig {
  /**
   * Silence of a series, ms of wall clock, after which what waits of it is given out. Default: `max_gap`, else {@link holdMsDefault}.
   */
  readonly max_hold?: number | undefined;
}

/** What becomes of readings whose results are known. */
export type UseResults = (batch: Batch, filtered: Filtered) => StageOutput;

/** Bytes of a reading that waits, of a few fields, and of a series without its kernel's. */
const heldBytes = 250;
const seriesBytes = 300;

class Series<State> implements SilentSeries {
  /** Event time of the last value that entered; -Infinity: the run begins with the next. */
  timeMicros = Number.NEGATIVE_INFINITY;
  readonly state: State;
  /** Readings without a result yet, oldest first. */
  readonly waiting: Place[] = [];
  heardMicros = Number.NaN;
  isTouched = false;
  /** The run began since the last save. */
  isAnew: boolean;
  /** Points of the run that entered since the last save. */
  readonly entered: Point[] = [];

  constructor(state: State, isAnew: boolean) {
    this.state = state;
    this.isAnew = isAnew;
  }

  get isChanged(): boolean {
    return this.isAnew || this.entered.length > 0;
  }

  /** What is to be saved of the run: the points that entered, or the last `span`, of which all else follows. */
  enter(point: Point, span: number): void {
    this.entered.push(point);
    if (this.entered.length < 2 * span) return;
    this.entered.splice(0, this.entered.length - span);
    this.isAnew = true;
  }

  begin(): void {
    this.isAnew = true;
    this.entered.length = 0;
  }

  saved(): void {
    this.isAnew = false;
    this.entered.length = 0;
  }
}

interface Point {
  readonly timeMicros: number;
  readonly value: number;
}

/** Results of the readings given out, by place in the output. */
interface Results {
  readonly at: number[];
  readonly values: number[];
}

/**
 * Runs a centred kernel over one field of every series and holds its readings back until their results are known. What does not
 * enter (see `FieldFilter`) passes at once, and so overtakes what waits. A gap, a clock set back and a long silence end a run: what waits
 * is given out with what there is.
 */
export class CentredStage<State> implements Stage {
  readonly rule: string;
  readonly #field: string;
  readonly #kernel: CentredKernel<State>;
  readonly #use: UseResults;
  readonly #maxGapMicros: number;
  readonly #series: SeriesMap<Series<State>>;
  readonly #silence: Silence;
  readonly #stream: string;
  readonly #answers: Float64Array;
  #clock: ClockSource = 'device';

  constructor(
    { rule, stream }: { readonly rule: string; readonly stream: string },
    config: CentredConfig,
    kernel: CentredKernel<State>,
    use: UseResults,
  ) {
    this.rule = rule;
    this.#stream = stream;
    this.#field = config.field;
    this.#kernel = kernel;
    this.#use = use;
    this.#maxGapMicros = (config.max_gap ?? Number.POSITIVE_INFINITY) * 1000;
    this.#series = new SeriesMap(
      config.max_series ?? seriesLimitDefault,
      () => new Series(kernel.create(), true),
      { isDurable: true },
    );
    this.#silence = new Silence(config.max_hold ?? config.max_gap ?? holdMsDefault);
    this.#answers = new Float64Array(kernel.waitingMax);
  }

  process(batch: Batch, { nowMicros }: StageContext): StageOutput {
    this.#clock = batch.clock;
    const field = numericField(batch, this.#field);
    if (field === null) return { main: batch };
    const before = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const rows = new OutputRows(batch);
    const results: Results = { at: [], values: [] };
    const touched: Series<State>[] = [];
    const { timeMicros, quality, seriesIndex } = batch;
    const { values, present } = field;
    let late = 0;
    for (let row = 0; row < batch.length; row++) {
      const value = values[row]!;
      const isAbsent = present !== null && present[row] === 0;
      if (isAbsent || value - value !== 0 || quality[row] === Quality.bad) {
        rows.row(row);
        continue;
      }
      const series = stateOf(row);
      const time = timeMicros[row]!;
      const since = time - series.timeMicros;
      if (since < 0 && since >= -latenessMicrosMax) {
        late++;
        rows.row(row);
        continue;
      }
      if (!series.isTouched) {
        series.isTouched = true;
        touched.push(series);
      }
      if (since < 0 || since > this.#maxGapMicros) this.#end(series, seriesIndex[row]!, rows, results);
      series.timeMicros = time;
      series.waiting.push(new Place(row));
      const point = { timeMicros: time, value };
      series.enter(point, this.#kernel.span);
      const known = this.#kernel.push(series.state, point, this.#answers);
      this.#giveOut(series, { count: known, seriesIndex: seriesIndex[row]! }, rows, results);
    }
    for (const series of touched) {
      series.isTouched = false;
      for (const place of series.waiting) place.detach(batch);
      if (series.waiting.length > 0) this.#silence.heard(series, nowMicros);
    }
    return this.#output(rows, results, {
      received: batch.length,
      notes: notesOf(this.rule, late, this.#series.evicted - before),
    });
  }

  nextDeadline(): Micros | null {
    return this.#silence.deadline;
  }

  tick({ nowMicros }: StageContext): StageOutput {
    const loose = new LooseRows({ stream: this.#stream, clock: this.#clock });
    const results: Results = { at: [], values: [] };
    this.#silence.look(this.#series, nowMicros, {
      holds: ({ waiting }) => waiting.length > 0,
      release: (series, tags) => this.#end(series, loose.place(tags), loose.rows, results),
    });
    return this.#output(loose.rows, results, { received: 0, notes: [] });
  }

  flush(): StageOutput {
    const loose = new LooseRows({ stream: this.#stream, clock: this.#clock });
    const results: Results = { at: [], values: [] };
    for (const [key, series] of this.#series.entries())
      if (series.waiting.length > 0) this.#end(series, loose.place(seriesTags(key)), loose.rows, results);
    this.#series.clear();
    return this.#output(loose.rows, results, { received: 0, notes: [] });
  }

  /** Gives out all that waits; the next value begins a run. */
  #end(series: Series<State>, seriesIndex: number, rows: OutputRows, results: Results): void {
    series.begin();
    const count = this.#kernel.flush(series.state, this.#answers);
    this.#giveOut(series, { count, seriesIndex }, rows, results);
  }

  #giveOut(
    series: Series<State>,
    { count, seriesIndex }: { readonly count: number; readonly seriesIndex: number },
    rows: OutputRows,
    results: Results,
  ): void {
    for (let i = 0; i < count; i++) {
      results.at.push(rows.length);
      results.values.push(this.#answers[i]!);
      series.waiting.shift()!.giveOut(rows, seriesIndex);
    }
  }

  #output(
    rows: OutputRows,
    results: Results,
    { received, notes }: { readonly received: number; readonly notes: ReturnType<typeof notesOf> },
  ): StageOutput {
    const given = rows.finish();
    const field = given === null ? null : numericField(given, this.#field);
    let used: StageOutput = { main: given };
    if (given !== null && field !== null) {
      const values = new Float64Array(given.length);
      const entered = new Uint8Array(given.length);
      for (const [i, at] of results.at.entries()) {
        values[at] = results.values[i]!;
        entered[at] = 1;
      }
      used = this.#use(given, { field, values, entered, notes: [] });
    }
    const { main } = used;
    return { main, ...netAccount(main, received, this.rule), ...(notes.length === 0 ? {} : { notes }) };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, 1, (writer, series) => {
      const { timeMicros, state, waiting } = series;
      writer.float64(timeMicros);
      this.#kernel.write(writer, state);
      for (const { earlier } of waiting) writeHeld(writer, earlier);
      series.saved();
    });
  }

  delta(): Uint8Array<ArrayBuffer> | null {
    const write = (writer: ByteWriter, series: Series<State>): void => {
      const { timeMicros, entered, waiting } = series;
      writer.uint8(series.isAnew ? 1 : 0);
      writer.float64(timeMicros);
      writer.varint(entered.length);
      for (const point of entered) {
        writer.float64(point.timeMicros);
        writer.float64(point.value);
      }
      // Of those that waited before, the reader knows.
      const fresh = Math.min(entered.length, waiting.length);
      writer.varint(fresh);
      for (const { earlier } of waiting.slice(waiting.length - fresh)) writeHeld(writer, earlier);
      series.saved();
    };
    return saveChangedSeries(this.#series, 1, write, ({ isChanged }) => isChanged);
  }

  apply(bytes: Uint8Array): boolean {
    this.#silence.restored();
    return applyChangedSeries(this.#series, bytes, 1, (reader, known) => this.#entered(reader, known));
  }

  /** A series after what `delta` wrote of it. @throws {MalformedBytes} */
  #entered(reader: ByteReader, known: Series<State> | undefined): Series<State> {
    const isAnew = reader.uint8() === 1;
    const series = isAnew ? new Series(this.#kernel.create(), false) : known;
    if (series === undefined) throw new MalformedBytes('a run that goes on was not there');
    series.timeMicros = reader.float64();
    const count = reader.count(2 * this.#kernel.span, 'values that entered');
    for (let i = 0; i < count; i++) {
      const point = { timeMicros: reader.float64(), value: reader.float64() };
      if (!Number.isFinite(point.value)) throw new MalformedBytes('a value that entered');
      series.waiting.push(new Place());
      series.waiting.splice(0, this.#kernel.push(series.state, point, this.#answers));
    }
    const fresh = reader.count(Math.min(count, series.waiting.length), 'readings that wait');
    for (const place of series.waiting.slice(series.waiting.length - fresh)) place.earlier = readHeld(reader);
    if (series.waiting.some(({ isEmpty }) => isEmpty)) throw new MalformedBytes('a reading that waits');
    return series;
  }

  restore(bytes: Uint8Array): boolean {
    this.#silence.restored();
    return loadSeries(this.#series, bytes, 1, (reader) => {
      const timeMicros = reader.float64();
      const series = new Series(this.#kernel.read(reader), false);
      series.timeMicros = timeMicros;
      for (let left = this.#kernel.waiting(series.state); left > 0; left--) {
        const earlier = readHeld(reader);
        if (earlier === null) throw new MalformedBytes('a reading that waits');
        series.waiting.push(new Place(-1, earlier));
      }
      return series;
    });
  }

  inspect(): StageState {
    const { stateBytes, waitingMax } = this.#kernel;
    return seriesState(this.#series, seriesBytes + stateBytes + heldBytes * waitingMax);
  }
}
