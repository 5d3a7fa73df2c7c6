import type { Batch, Column, Presence, Scalar } from '../../reading/batch.ts';
import { Quality } from '../../reading/batch.ts';
import { latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { SeriesMap } from '../series-map.ts';
import type { FieldKernel, KernelState } from '../signal/field-kernel.ts';
import type { StageNote, StageState } from '../stage.ts';
import { loadSeries, saveSeries, seriesState } from './series-state.ts';

/** What every filter of one field is told. */
export interface FieldFilterConfig {
  readonly field: string;
  /** Longest silence of a series, ms of event time: after it the filter begins anew. Default: none is too long. */
  readonly max_gap?: number | undefined;
  /** Series remembered. */
  readonly max_series?: number | undefined;
}

/** A field as numbers: integers wider than a double lose their last digits; NaN where there is none. */
export interface NumericField {
  /** Place among the batch's columns. */
  readonly at: number;
  readonly values: Float64Array;
  readonly present: Presence;
}

/** What a filter made of a batch, by row. */
export interface Filtered {
  readonly field: NumericField;
  /** NaN where the filter gives none; of rows that did not enter, what they hold is not looked at. */
  readonly values: Float64Array;
  /** 1 where a value entered the filter. */
  readonly entered: Uint8Array;
  readonly notes: readonly StageNote[];
}

/**
 * Runs a kernel over one field of every series. What does not enter: no value, one that is not a finite number, bad quality, and a
 * reading older than the newest of its series (by more than {@link latenessMicrosMax}: a clock set back, and the series begins anew).
 */
export class FieldFilter<State extends KernelState> {
  readonly rule: string;
  readonly kernel: FieldKernel<State>;
  readonly #field: string;
  readonly #maxGapMicros: number;
  readonly #series: SeriesMap<State>;

  constructor(rule: string, config: FieldFilterConfig, kernel: FieldKernel<State>) {
    this.rule = rule;
    this.kernel = kernel;
    this.#field = config.field;
    this.#maxGapMicros = config.max_gap === undefined ? Number.POSITIVE_INFINITY : config.max_gap * 1000;
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => kernel.create());
  }

  /** Null when the batch has no such field that could be numbers. `look` sees the state after each step. */
  run(batch: Batch, look: ((row: number, state: State) => void) | null = null): Filtered | null {
    const field = numericField(batch, this.#field);
    if (field === null) return null;
    const { kernel } = this;
    const maxGap = this.#maxGapMicros;
    const evictedBefore = this.#series.evicted;
    const stateOf = this.#series.over(batch);
    const { timeMicros, quality, length } = batch;
    const { values: input, present } = field;
    const values = new Float64Array(length);
    const entered = new Uint8Array(length);
    let late = 0;
    for (let row = 0; row < length; row++) {
      const value = input[row]!;
      // `value - value` is 0 for finite numbers only.
      if (value - value !== 0 || quality[row] === Quality.bad || (present !== null && present[row] === 0))
        continue;
      const state = stateOf(row);
      const time = timeMicros[row]!;
      const since = time - state.timeMicros;
      if (since < 0) {
        if (since >= -latenessMicrosMax) {
          late++;
          continue;
        }
        kernel.reset(state);
        state.timeMicros = Number.NEGATIVE_INFINITY;
      } else if (since > maxGap && state.timeMicros !== Number.NEGATIVE_INFINITY) {
        kernel.reset(state);
        state.timeMicros = Number.NEGATIVE_INFINITY;
      }
      values[row] = kernel.step(state, time, value);
      state.timeMicros = time;
      entered[row] = 1;
      if (look !== null) look(row, state);
    }
    return { field, values, entered, notes: notesOf(this.rule, late, this.#series.evicted - evictedBefore) };
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#series, 1, (writer, state) => {
      writer.float64(state.timeMicros);
      this.kernel.write(writer, state);
    });
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#series, bytes, 1, (reader) => {
      const timeMicros = reader.float64();
      const state = this.kernel.read(reader);
      state.timeMicros = timeMicros;
      return state;
    });
  }

  inspect(): StageState {
    return seriesState(this.#series, this.kernel.stateBytes);
  }
}

const noNotes: readonly StageNote[] = [];

export function notesOf(rule: string, late: number, evicted: number): readonly StageNote[] {
  if (late === 0 && evicted === 0) return noNotes;
  const notes: StageNote[] = [];
  if (late > 0) notes.push({ kind: 'late_readings', rule, count: late });
  if (evicted > 0) notes.push({ kind: 'series_evicted', rule, count: evicted });
  return notes;
}

export function numericField(batch: Batch, name: string): NumericField | null {
  const at = batch.columns.findIndex((column) => column.name === name);
  if (at < 0) return null;
  const column = batch.columns[at]!;
  const values = numbersOf(column);
  return values === null ? null : { at, values, present: column.present };
}

/** Null when the column holds no numbers at all. */
export function numbersOf(column: Column): Float64Array | null {
  switch (column.kind) {
    case 'number':
      return column.values;
    case 'bigint':
      return Float64Array.from(column.values, Number);
    case 'mixed':
      return Float64Array.from(column.values, numberOf);
    case 'boolean':
    case 'text':
    case 'bytes':
      return null;
  }
}

function numberOf(value: Scalar): number {
  return isNumber(value) ? Number(value) : Number.NaN;
}

const isNumber = (value: Scalar | undefined): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
