import type { Batch, Quality, Scalar } from '../../reading/batch.ts';
import { Quality as Grade } from '../../reading/batch.ts';
import type { HeldReading } from '../held-reading.ts';
import { heldReading, heldValue, readHeld, writeHeld } from '../held-reading.ts';
import { latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { OutputRows } from '../output-rows.ts';
import { SeriesMap } from '../series-map.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import { notesOf } from './field-filter.ts';
import { loadSeries, saveSeries, seriesState } from './series-state.ts';

export interface ResampleConfig {
  /** Spacing of the grid, ms > 0; its points are the whole multiples since 1970. */
  readonly every: number;
  /** `previous` (default) holds the reading before; `linear` draws a line between the two, for fields that are numbers in both. */
  readonly method?: 'previous' | 'linear' | undefined;
  /** Longest span between two readings that is filled, ms; default 10 × every. */
  readonly max_gap?: number | undefined;
  readonly max_series?: number | undefined;
}

interface Series {
  last: HeldReading | null;
}

/** Bytes of one series with a reading of a few fields. */
const stateBytesPerSeries = 600;

/**
 * Gives the readings of every series on an even grid of event time. A grid point is known when a reading at or after it has come;
 * one that a reading falls on is that reading. Where two readings are further apart than `max_gap`, a held value ends that long after
 * the first, and no line is drawn. Bad and late readings are dropped and counted (`!bad`, `!late`).
 */
export class ResampleStage implements Stage {
  readonly rule: string;
  readonly #everyMicros: number;
  readonly #maxGapMicros: number;
  readonly #isLinear: boolean;
  readonly #series: SeriesMap<Series>;

  constructor(rule: string, config: ResampleConfig) {
    this.rule = rule;
    this.#everyMicros = config.every * 1000;
    this.#maxGapMicros = (config.max_gap ?? config.every * 10) * 1000;
    this.#isLinear = config.method === 'linear';
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => ({ last: null }));
  }

  process(batch: Batch): StageOutput {
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
      }
      const reading = heldReading(batch, row);
      if (series.last !== null) this.#fill(series.last, reading, batch.seriesIndex[row]!, output);
      if (time % this.#everyMicros === 0 && reading.timeNanos === 0) output.row(row);
      series.last = reading;
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

  /** The grid points between two readings of one series. */
  #fill(from: HeldReading, to: HeldReading, seriesIndex: number, output: OutputRows): void {
    const every = this.#everyMicros;
    const span = to.timeMicros - from.timeMicros;
    const isGap = span > this.#maxGapMicros;
    if (isGap && this.#isLinear) return;
    const last = isGap ? from.timeMicros + this.#maxGapMicros : to.timeMicros;
    const first = (Math.floor(from.timeMicros / every) + 1) * every;
    for (let time = first; time <= last && time < to.timeMicros + (to.timeNanos > 0 ? 1 : 0); time += every)
      output.held(
        this.#isLinear ? between(from, to, time) : { ...from, timeMicros: time, timeNanos: 0 },
        seriesIndex,
      );
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, 1, (writer, series) => writeHeld(writer, series.last));
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#series, bytes, 1, (reader) => ({ last: readHeld(reader) }));
  }

  inspect(): StageState {
    return seriesState(this.#series, stateBytesPerSeries);
  }
}

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
