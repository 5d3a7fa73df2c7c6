import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Micros } from '../../base/units.ts';
import type { Batch, ClockSource, Quality, Scalar } from '../../reading/batch.ts';
import { Quality as Grade } from '../../reading/batch.ts';
import type { HeldReading } from '../held-reading.ts';
import { heldReading, heldValue, readHeld, writeHeld } from '../held-reading.ts';
import { latenessMicrosMax, resamplePointsMax, seriesLimitDefault } from '../limits.ts';
import { OutputRows } from '../output-rows.ts';
import { SeriesMap } from '../series-map.ts';
import type { SilentSeries } from '../silence.ts';
import { LooseRows, Silence } from '../silence.ts';
import type { Stage, StageContext, StageOutput, StageState } from '../stage.ts';
import { notesOf } from './field-filter.ts';
import {
  applyChangedSeries,
  loadSeries,
  saveChangedSeries,
  saveSeries,
  seriesState,
} from './series-state.ts';

export interface ResampleConfig {
  /** Spacing of the grid, ms > 0; its points are the whole multiples since 1970. */
  readonly every: number;
  /** `previous` (default) holds the reading before; `linear` draws a line between the two, for fields that are numbers in both. */
  readonly method?: 'previous' | 'linear' | undefined;
  /** Longest span between two readings that is filled, ms; default 10 × every. */
  readonly max_gap?: number | undefined;
  readonly max_series?: number | undefined;
}

interface Series extends SilentSeries {
  last: HeldReading | null;
  /** Up to here the grid was filled in silence; before every time, where it was not. */
  filledMicros: number;
}

const freshSeries = (): Series => ({
  last: null,
  filledMicros: Number.NEGATIVE_INFINITY,
  heardMicros: Number.NaN,
});

/** Bytes of one series with a reading of a few fields. */
const stateBytesPerSeries = 600;
const version = 2;

/**
 * Gives the readings of every series on an even grid of event time. A grid point is known when a reading at or after it has come;
 * one that a reading falls on is that reading. Where two readings are further apart than `max_gap`, a held value ends that long after
 * the first, and no line is drawn; a series that is silent for so long by the clock on the wall gets its held values without waiting for the next
 * reading. Bad and late readings are dropped and counted (`!bad`, `!late`).
 */
export class ResampleStage implements Stage {
  readonly rule: string;
  readonly #everyMicros: number;
  readonly #maxGapMicros: number;
  readonly #isLinear: boolean;
  readonly #series: SeriesMap<Series>;
  readonly #silence: Silence;
  readonly #stream: string;
  #clock: ClockSource = 'device';

  constructor(rule: string, config: ResampleConfig, stream: string) {
    this.rule = rule;
    this.#stream = stream;
    this.#silence = new Silence(config.max_gap ?? config.every * 10);
    this.#everyMicros = config.every * 1000;
    this.#maxGapMicros = (config.max_gap ?? config.every * 10) * 1000;
    this.#isLinear = config.method === 'linear';
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, freshSeries, { isDurable: true });
  }

  process(batch: Batch, { nowMicros }: StageContext): StageOutput {
    this.#clock = batch.clock;
    const before = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const output = new OutputRows(batch);
    let bad = 0;
    let late = 0;
    for (let row = 0; row < batch.length; row++) {
      if (batch.quality[row] === Grade.bad) {
        bad++;
        continue;
      }
      const series = stateOf(row);
      const time = batch.timeMicros[row]!;
      if (series.last !== null && time <= series.last.timeMicros) {
        if (time >= series.last.timeMicros - latenessMicrosMax) {
          late++;
          continue;
        }
        series.last = null;
        series.filledMicros = Number.NEGATIVE_INFINITY;
      }
      const reading = heldReading(batch, row);
      if (series.last !== null) this.#fill(series, reading, batch.seriesIndex[row]!, output);
      if (time > series.filledMicros && time % this.#everyMicros === 0 && reading.timeNanos === 0)
        output.row(row);
      series.last = reading;
      if (!this.#isLinear) this.#silence.heard(series, nowMicros);
    }
    const main = output.finish();
    const evictions = notesOf(this.rule, 0, this.#series.evicted - before);
    const filtered = [
      { rule: `${this.rule}!bad`, count: bad },
      { rule: `${this.rule}!late`, count: late },
      { rule: this.rule, count: batch.length - bad - late - output.length },
    ].filter(({ count }) => count > 0);
    const derived = output.length - (batch.length - bad - late);
    return {
      main,
      ...(filtered.length === 0 ? {} : { filtered }),
      ...(derived > 0 ? { derived } : {}),
      ...(evictions.length === 0 ? {} : { notes: evictions }),
    };
  }

  nextDeadline(): Micros | null {
    return this.#silence.deadline;
  }

  /** Held values of series that are silent, up to where no later reading would lengthen them. */
  tick({ nowMicros }: StageContext): StageOutput {
    const loose = new LooseRows({ stream: this.#stream, clock: this.#clock });
    this.#silence.look(this.#series, nowMicros, {
      holds: ({ last, filledMicros }) => last !== null && filledMicros < last.timeMicros + this.#maxGapMicros,
      isFull: () => loose.rows.length >= resamplePointsMax,
      release: (series, tags) => {
        const { timeMicros } = series.last!;
        const end = timeMicros + this.#maxGapMicros;
        const first = this.#gridAfter(Math.max(timeMicros, series.filledMicros));
        this.#hold(series, { first, last: end }, loose.place(tags), loose.rows);
        series.filledMicros = end;
      },
    });
    const main = loose.rows.finish();
    return main === null ? { main } : { main, derived: main.length };
  }

  /** The grid points between the last reading of a series and the next. */
  #fill(series: Series, to: HeldReading, seriesIndex: number, output: OutputRows): void {
    const from = series.last!;
    const isGap = to.timeMicros - from.timeMicros > this.#maxGapMicros;
    const first = this.#gridAfter(Math.max(from.timeMicros, series.filledMicros));
    const before = to.timeMicros - (to.timeNanos > 0 ? 0 : 1);
    if (!this.#isLinear) {
      const last = isGap ? from.timeMicros + this.#maxGapMicros : before;
      this.#hold(series, { first, last: Math.min(last, before) }, seriesIndex, output);
    } else if (!isGap) {
      for (let time = first; time <= before; time += this.#everyMicros)
        output.held(between(from, to, time), seriesIndex);
    }
  }

  /** The last reading of a series at each grid point. */
  #hold(
    series: Series,
    span: { readonly first: number; readonly last: number },
    seriesIndex: number,
    output: OutputRows,
  ): void {
    for (let time = span.first; time <= span.last; time += this.#everyMicros)
      output.held({ ...series.last!, timeMicros: time, timeNanos: 0 }, seriesIndex);
  }

  #gridAfter(time: number): number {
    return (Math.floor(time / this.#everyMicros) + 1) * this.#everyMicros;
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, version, writeSeries);
  }

  restore(bytes: Uint8Array): boolean {
    if (!this.#isLinear) this.#silence.restored();
    return loadSeries(this.#series, bytes, version, readSeries);
  }

  delta(): Uint8Array<ArrayBuffer> | null {
    return saveChangedSeries(this.#series, version, writeSeries);
  }

  apply(bytes: Uint8Array): boolean {
    if (!this.#isLinear) this.#silence.restored();
    return applyChangedSeries(this.#series, bytes, version, readSeries);
  }

  inspect(): StageState {
    return seriesState(this.#series, stateBytesPerSeries);
  }
}

function writeSeries(writer: ByteWriter, { last, filledMicros }: Series): void {
  writeHeld(writer, last);
  writer.float64(filledMicros);
}

const readSeries = (reader: ByteReader): Series => ({
  ...freshSeries(),
  last: readHeld(reader),
  filledMicros: reader.float64(),
});

/** The reading at `time` on the line between two; what is no number in both is the earlier one's. Quality is the worse of both. */
function between(from: HeldReading, to: HeldReading, time: number): HeldReading {
  const share = (time - from.timeMicros) / (to.timeMicros - from.timeMicros);
  const values = from.names.map((name, i): Scalar => {
    const before = from.values[i]!;
    const after = heldValue(to, name);
    if (typeof before !== 'number' || typeof after !== 'number') return before;
    return before === after ? before : before * (1 - share) + after * share;
  });
  const quality = Math.max(from.quality, to.quality) as Quality;
  return { timeMicros: time, timeNanos: 0, quality, names: from.names, values };
}
