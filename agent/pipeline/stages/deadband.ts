import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import type { Batch, Column } from '../../reading/batch.ts';
import { fieldMatcher } from '../field-pattern.ts';
import { latenessMicrosMax, seriesLimitDefault, watchedFieldsMax } from '../limits.ts';
import { rowsKept } from '../rows.ts';
import { SeriesMap } from '../series-map.ts';
import type { DeadbandConfig } from '../stage-config.ts';
import type { Stage, StageContext, StageOutput, StageState } from '../stage.ts';
import type { LastValue } from './last-value.ts';
import { noValue, readLastValue, remembered, writeLastValue } from './last-value.ts';
import { evictionNotes } from './eviction-notes.ts';

/** What was passed last of one series. */
interface Series {
  /** Quality of the last passed reading, -1 before the first. */
  quality: number;
  /** By slot of the field; a hole where it never occurred. */
  readonly fields: LastValue[];
}

/** A watched column of the batch at hand, and where its state is. */
interface Watched {
  readonly column: Column;
  readonly slot: number;
}

/** Bytes of one series, measured: map entry, key of about 60 characters, series object; and of one field of it. */
const stateBytesPerSeries = 340;
const stateBytesPerField = 90;

/**
 * Drops readings that say nothing new: no watched field moved out of its band around the value passed last, no quality changed,
 * no kind changed, no `max_interval` ran out. Law, for a series in time order: holding each passed value until the next one
 * differs nowhere by more than the band from what came in.
 *
 * A reading older than the last passed one always passes and leaves the state alone (its place in the held line is unknown).
 */
export class DeadbandStage implements Stage {
  readonly rule: string;
  readonly #matches: (name: string) => boolean;
  readonly #absolute: number;
  readonly #fraction: number;
  readonly #maxIntervalMicros: number;
  readonly #series: SeriesMap<Series>;
  /** Watched names to slots, at most {@link watchedFieldsMax}; a name beyond is not remembered, so its readings pass. */
  readonly #slots = new Map<string, number>();

  constructor(rule: string, config: DeadbandConfig) {
    this.rule = rule;
    const patterns = config.fields ?? [];
    const byPattern = patterns.length === 0 ? () => false : fieldMatcher(patterns);
    this.#matches = (name) => name === config.field || byPattern(name);
    this.#absolute = config.absolute ?? 0;
    this.#fraction = (config.percent ?? 0) / 100;
    this.#maxIntervalMicros =
      config.max_interval === undefined ? Number.POSITIVE_INFINITY : config.max_interval * 1000;
    this.#series = new SeriesMap(config.max_series ?? seriesLimitDefault, () => ({
      quality: -1,
      fields: [],
    }));
  }

  process(batch: Batch, _context: StageContext): StageOutput {
    const watched = this.#watched(batch);
    if (watched === null) return { main: batch };
    const before = this.#series.evicted;
    const seriesOf = this.#series.over(batch);
    const { timeMicros, quality } = batch;
    const only = watched.length === 1 ? watched[0]! : null;
    const output = rowsKept(batch, this.rule, (row) => {
      const series = seriesOf(row);
      const time = timeMicros[row]!;
      let passes = false;
      let seen = 0;
      if (only !== null) {
        const news = this.#news(series, only, row, time);
        if (news >= 0) seen = 1;
        passes = news > 0;
      } else {
        for (const field of watched) {
          const news = this.#news(series, field, row, time);
          if (news >= 0) seen++;
          if (news > 0) passes = true;
        }
      }
      // Nothing watched, nothing to judge by.
      if (seen === 0) return true;
      if (quality[row] !== series.quality) passes = true;
      if (passes) this.#remember(series, watched, row, { time, quality: quality[row]! });
      return passes;
    });
    return evictionNotes(output, this.rule, this.#series.evicted - before);
  }

  /** Null when the batch holds a watched field that found no slot, so that everything must pass, or none at all. */
  #watched(batch: Batch): Watched[] | null {
    const watched: Watched[] = [];
    for (const column of batch.columns) {
      let slot = this.#slots.get(column.name);
      if (slot === undefined) {
        if (!this.#matches(column.name)) continue;
        slot = this.#slots.size;
        if (slot >= watchedFieldsMax) return null;
        this.#slots.set(column.name, slot);
      }
      watched.push({ column, slot });
    }
    return watched.length === 0 ? null : watched;
  }

  /** -1: the reading has no such field; 0: nothing new; 1: it must pass. */
  #news(series: Series, { column, slot }: Watched, row: number, time: number): -1 | 0 | 1 {
    if (column.present !== null && column.present[row] === 0) return -1;
    const last = series.fields[slot];
    if (last === undefined) return 1;
    const since = time - last.timeMicros;
    if (since < 0 || since >= this.#maxIntervalMicros) return 1;
    if (column.kind === 'number')
      return last.kind === 'number' && this.#inBand(column.values[row]!, last.number) ? 0 : 1;
    const value = column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]!;
    switch (typeof value) {
      case 'number':
        return last.kind === 'number' && this.#inBand(value, last.number) ? 0 : 1;
      case 'bigint':
        return last.kind === 'bigint' && this.#inBandExact(value, last.other as bigint) ? 0 : 1;
      case 'boolean':
        return last.other === value ? 0 : 1;
      case 'string':
        return last.kind === 'string' && last.other === value ? 0 : 1;
      default:
        return 1;
    }
  }

  #inBand(value: number, last: number): boolean {
    if (value === last) return true;
    const difference = Math.abs(value - last);
    // An infinite band would hold everything, an infinite difference nothing; NaN is in the band of NaN alone.
    if (difference < Number.POSITIVE_INFINITY)
      return difference <= Math.max(this.#absolute, this.#fraction * Math.abs(last));
    return value !== value && last !== last;
  }

  #inBandExact(value: bigint, last: bigint): boolean {
    const difference = Number(value > last ? value - last : last - value);
    return difference <= Math.max(this.#absolute, this.#fraction * Math.abs(Number(last)));
  }

  #remember(
    series: Series,
    watched: readonly Watched[],
    row: number,
    reading: { time: number; quality: number },
  ): void {
    const { fields } = series;
    let late = false;
    for (const { column, slot } of watched) {
      if (column.present !== null && column.present[row] === 0) continue;
      const last = (fields[slot] ??= noValue());
      const since = reading.time - last.timeMicros;
      if (since < 0 && since >= -latenessMicrosMax) {
        late = true;
        continue;
      }
      last.timeMicros = reading.time;
      if (column.kind === 'number') {
        last.kind = 'number';
        last.number = column.values[row]!;
      } else remembered(last, column.kind === 'boolean' ? column.values[row] === 1 : column.values[row]!);
    }
    if (!late) series.quality = reading.quality;
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter();
    writer.uint8(1);
    writer.varint(this.#slots.size);
    for (const name of this.#slots.keys()) writer.text(name);
    this.#series.write(writer, (series) => {
      writer.uint8(series.quality + 1);
      writer.varint(series.fields.length);
      for (let slot = 0; slot < series.fields.length; slot++) writeLastValue(writer, series.fields[slot]);
    });
    return writer.finish();
  }

  restore(bytes: Uint8Array): boolean {
    this.#clear();
    try {
      const reader = new ByteReader(bytes);
      if (reader.uint8() !== 1) return false;
      const slots = reader.count(watchedFieldsMax, 'watched fields');
      for (let i = 0; i < slots; i++) this.#slots.set(reader.text(), i);
      this.#series.read(reader, () => this.#readSeries(reader));
      if (reader.remaining === 0 && this.#slots.size === slots) return true;
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
    this.#clear();
    return false;
  }

  #readSeries(reader: ByteReader): Series {
    const series: Series = { quality: reader.uint8() - 1, fields: [] };
    const fields = reader.count(this.#slots.size, 'fields of a series');
    for (let slot = 0; slot < fields; slot++) {
      const value = readLastValue(reader);
      if (value === undefined) continue;
      series.fields[slot] = value;
    }
    return series;
  }

  #clear(): void {
    this.#series.clear();
    this.#slots.clear();
  }

  inspect(): StageState {
    const { size: series, limit: seriesLimit, evicted } = this.#series;
    const bytes = series * (stateBytesPerSeries + stateBytesPerField * this.#slots.size);
    return { series, seriesLimit, bytes, evicted };
  }
}
