import type { Micros } from '../../base/units.ts';
import type { Batch, ClockSource } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { holdMsDefault, latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { netAccount, OutputRows } from '../output-rows.ts';
import { SeriesMap, seriesTags } from '../series-map.ts';
import { segmentNames } from '../signal/segment-sums.ts';
import type { DoorOptions } from '../signal/swinging-door.ts';
import { LooseRows, Silence } from '../silence.ts';
import type { Stage, StageContext, StageOutput, StageState } from '../stage.ts';
import { detach, Pass, readSeries, Series, writeSeries } from './compress-pass.ts';
import { notesOf, numericField } from './field-filter.ts';
import {
  applyChangedSeries,
  loadSeries,
  saveChangedSeries,
  saveSeries,
  seriesState,
} from './series-state.ts';
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
  /** Count, sum, min, max and integral of the raw values each reading given out stands for, as fields. Default false: they take several times the bytes of the readings themselves. */
  readonly summary?: boolean | undefined;
  /**
   * Silence of a series, ms of wall clock, after which what is held of it is given out. Default: `max_interval`, else
   * {@link holdMsDefault}.
   */
  readonly max_hold?: number | undefined;
  readonly max_series?: number | undefined;
}

export interface ExceptionConfig {
  /** >= 0, unit of the field (PI: ExcDev). */
  readonly deviation: number;
  /** ms of event time (PI: ExcMin, ExcMax). Default: none. */
  readonly min_interval?: number | undefined;
  readonly max_interval?: number | undefined;
}

/** Bytes of one series: map entry, key, door, sums, and a held reading of a few fields. */
const stateBytesPerSeries = 900;
const version = 2;

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
  readonly #silence: Silence;
  readonly #stream: string;
  #clock: ClockSource = 'device';

  constructor(rule: string, config: CompressConfig, stream: string) {
    this.rule = rule;
    this.#stream = stream;
    this.#silence = new Silence(config.max_hold ?? config.max_interval ?? holdMsDefault);
    this.#config = config;
    const { deviation, exception } = config;
    this.#door = { deviation, ...spans(config) };
    this.#exception =
      exception === undefined
        ? { deviation: -1, minMicros: 0, maxMicros: 0 }
        : { deviation: exception.deviation, ...spans(exception) };
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => new Series(), {
      isDurable: true,
    });
  }

  process(batch: Batch, context: StageContext): StageOutput {
    this.#clock = batch.clock;
    const field = numericField(batch, this.#config.field);
    if (field === null) return { main: batch };
    const before = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const pass = new Pass(new OutputRows(batch), this.#door, this.#exception);
    const { timeMicros, quality, seriesIndex } = batch;
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
        pass.breakOff(series, seriesIndex[row]!);
        pass.asIs(row);
        continue;
      }
      const since = timeMicros[row]! - series.lastMicros;
      if (since <= 0 && since >= -latenessMicrosMax) {
        late++;
        pass.alone(row, value);
        continue;
      }
      if (since < 0 || quality[row] !== series.quality) pass.breakOff(series, seriesIndex[row]!);
      series.quality = quality[row]!;
      pass.enter(series, { row, seriesIndex: seriesIndex[row]!, time: timeMicros[row]!, value });
    }
    for (const series of pass.touched) {
      detach(batch, series);
      if (series.holds) this.#silence.heard(series, context.nowMicros);
    }
    const main = this.#summarised(pass);
    const notes = notesOf(this.rule, late, this.#series.evicted - before);
    return {
      main,
      ...netAccount(main, batch.length, this.rule),
      ...(notes.length === 0 ? {} : { notes }),
    };
  }

  nextDeadline(): Micros | null {
    return this.#silence.deadline;
  }

  tick({ nowMicros }: StageContext): StageOutput {
    const loose = new LooseRows({ stream: this.#stream, clock: this.#clock });
    const pass = new Pass(loose.rows, this.#door, this.#exception);
    this.#silence.look(this.#series, nowMicros, {
      holds: (series) => series.holds,
      release: (series, tags) => pass.giveOut(series, loose.place(tags)),
    });
    return this.#released(pass);
  }

  flush(): StageOutput {
    const loose = new LooseRows({ stream: this.#stream, clock: this.#clock });
    const pass = new Pass(loose.rows, this.#door, this.#exception);
    for (const [key, series] of this.#series.entries())
      if (series.holds) pass.giveOut(series, loose.place(seriesTags(key)));
    this.#series.clear();
    return this.#released(pass);
  }

  #released(pass: Pass): StageOutput {
    const main = this.#summarised(pass);
    return main === null ? { main } : { main, derived: main.length };
  }

  #summarised(pass: Pass): Batch | null {
    let main = pass.output.finish();
    if (main === null || this.#config.summary !== true || pass.summaries.length === 0) return main;
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
    return saveSeries(this.#series, version, (writer, series) => writeSeries(writer, series, this.#hasSums));
  }

  restore(bytes: Uint8Array): boolean {
    this.#silence.restored();
    return loadSeries(this.#series, bytes, version, (reader) => readSeries(reader, this.#hasSums));
  }

  delta(): Uint8Array<ArrayBuffer> | null {
    return saveChangedSeries(this.#series, version, (writer, series) =>
      writeSeries(writer, series, this.#hasSums),
    );
  }

  apply(bytes: Uint8Array): boolean {
    this.#silence.restored();
    return applyChangedSeries(this.#series, bytes, version, (reader) => readSeries(reader, this.#hasSums));
  }

  get #hasSums(): boolean {
    return this.#config.summary === true;
  }

  inspect(): StageState {
    return seriesState(this.#series, stateBytesPerSeries);
  }
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
