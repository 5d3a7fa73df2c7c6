import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { Batch, Column, Scalar, Tags } from '../../reading/batch.ts';
import { Quality as Grade, valueAt } from '../../reading/batch.ts';
import type { HeldReading } from '../held-reading.ts';
import { heldReading, heldValue, readHeld, writeHeld } from '../held-reading.ts';
import { joinKeepDefault, joinKeepMax, seriesLimitDefault } from '../limits.ts';
import { rowsKept } from '../rows.ts';
import { SeriesMap } from '../series-map.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';
import { notesOf } from './field-filter.ts';
import { columnOf } from './rename.ts';
import {
  applyChangedSeries,
  loadSeries,
  saveChangedSeries,
  saveSeries,
  seriesState,
} from './series-state.ts';

export interface JoinConfig {
  /** The other stream; what its own stages give out counts. */
  readonly with: string;
  /** Fields of the other stream to take over. */
  readonly fields: readonly string[];
  /** Put before their names here. Default none. */
  readonly prefix?: string | undefined;
  /** Tags that must be equal. Absent: all tags of both. An empty list: none, every reading fits. */
  readonly by?: readonly string[] | undefined;
  /** Greatest difference of event time, ms > 0. */
  readonly tolerance: number;
  /** `previous` (default): the newest that is not later; `nearest`: of those seen so far. */
  readonly method?: 'previous' | 'nearest' | undefined;
  /** Readings without a partner are dropped and counted. Default false. */
  readonly required?: boolean | undefined;
  /** Readings of the other stream kept of each series, so that late readings find a partner too: 1 … {@link joinKeepMax}; {@link joinKeepDefault}. */
  readonly keep?: number | undefined;
  readonly max_series?: number | undefined;
}

interface Partners {
  /** In order of event time, at most `keep`. */
  readonly readings: HeldReading[];
}

/** Bytes of one series with `keep` readings of a few fields. */
export const stateBytesPerSeries = (keep: number): number => 300 + 250 * keep;

/**
 * Adds to each reading fields of the other stream's reading that fits it in time. It joins with what has been seen when the reading
 * comes and never waits: of two streams the slower one should have the join. A few readings of each series are kept, so that late
 * readings find a partner too. Bad readings are no partners; with an uncertain one the reading is uncertain.
 */
export class JoinStage implements Stage {
  readonly rule: string;
  readonly listensTo: string;
  readonly #config: JoinConfig;
  readonly #toleranceMicros: number;
  readonly #keep: number;
  readonly #partners: SeriesMap<Partners>;
  readonly #keys = new WeakMap<Tags, Tags>();
  #evictedTold = 0;

  constructor(rule: string, config: JoinConfig) {
    this.rule = rule;
    this.listensTo = config.with;
    this.#config = config;
    this.#toleranceMicros = config.tolerance * 1000;
    this.#keep = config.keep ?? joinKeepDefault;
    this.#partners = new SeriesMap<Partners>(
      config.max_series ?? seriesLimitDefault,
      () => ({ readings: [] }),
      { isDurable: true },
    );
  }

  /** Takes in what the other stream gave out. */
  observe(batch: Batch): void {
    const wanted = new Set(this.#config.fields);
    const columns = batch.columns.filter((column) => wanted.has(column.name));
    if (columns.length === 0) return;
    const narrowed: Batch = { ...batch, columns };
    for (let row = 0; row < batch.length; row++) {
      if (batch.quality[row] === Grade.bad) continue;
      const reading = heldReading(narrowed, row);
      if (reading.names.length === 0) continue;
      const { readings } = this.#partners.touch(this.#keyOf(batch.series[batch.seriesIndex[row]!]!));
      let at = readings.length;
      while (at > 0 && readings[at - 1]!.timeMicros > reading.timeMicros) at--;
      readings.splice(at, 0, reading);
      if (readings.length > this.#keep) readings.splice(0, readings.length - this.#keep);
    }
  }

  process(batch: Batch): StageOutput {
    const partners: (HeldReading | null)[] = [];
    const quality = batch.quality.slice();
    let matched = 0;
    const ofSeries = batch.series.map((tags) => this.#partners.peek(this.#keyOf(tags)));
    for (let row = 0; row < batch.length; row++) {
      const readings = ofSeries[batch.seriesIndex[row]!]?.readings ?? [];
      const partner = this.#partnerOf(readings, batch.timeMicros[row]!);
      partners.push(partner);
      if (partner === null) continue;
      matched++;
      if (partner.quality > quality[row]!) quality[row] = partner.quality;
    }
    const joined = matched === 0 ? batch : { ...batch, quality, columns: this.#columns(batch, partners) };
    const output =
      this.#config.required === true && matched < batch.length
        ? rowsKept(joined, this.rule, (row) => partners[row] !== null)
        : { main: joined };
    const evicted = this.#partners.evicted - this.#evictedTold;
    this.#evictedTold = this.#partners.evicted;
    return evicted === 0 ? output : { ...output, notes: notesOf(this.rule, 0, evicted) };
  }

  #partnerOf(readings: readonly HeldReading[], time: number): HeldReading | null {
    let best: HeldReading | null = null;
    let distance = this.#toleranceMicros;
    for (const reading of readings) {
      const away = time - reading.timeMicros;
      if (away < 0 && this.#config.method !== 'nearest') break;
      // Of two as near the later one counts.
      if (Math.abs(away) > distance) continue;
      best = reading;
      distance = Math.abs(away);
    }
    return best;
  }

  #columns(batch: Batch, partners: readonly (HeldReading | null)[]): Column[] {
    const columns = [...batch.columns];
    for (const field of this.#config.fields) {
      const name = `${this.#config.prefix ?? ''}${field}`;
      const at = columns.findIndex((column) => column.name === name);
      const own = at < 0 ? null : columns[at]!;
      const values = partners.map((partner, row): Scalar | undefined => {
        const value = partner === null ? undefined : heldValue(partner, field);
        return value ?? (own === null ? undefined : valueAt(own, row));
      });
      if (values.every((value) => value === undefined)) continue;
      columns[at < 0 ? columns.length : at] = columnOf(name, values);
    }
    return columns;
  }

  /** The tags that must be equal. */
  #keyOf(tags: Tags): Tags {
    const { by } = this.#config;
    if (by === undefined) return tags;
    let key = this.#keys.get(tags);
    if (key === undefined) {
      key = Object.fromEntries(by.map((name) => [name, Object.hasOwn(tags, name) ? tags[name]! : '']));
      this.#keys.set(tags, key);
    }
    return key;
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    return saveSeries(this.#partners, 1, writePartners);
  }

  restore(bytes: Uint8Array): boolean {
    return loadSeries(this.#partners, bytes, 1, readPartners);
  }

  delta(): Uint8Array<ArrayBuffer> | null {
    return saveChangedSeries(this.#partners, 1, writePartners);
  }

  apply(bytes: Uint8Array): boolean {
    return applyChangedSeries(this.#partners, bytes, 1, readPartners);
  }

  inspect(): StageState {
    return seriesState(this.#partners, stateBytesPerSeries(this.#keep));
  }
}

function writePartners(writer: ByteWriter, { readings }: Partners): void {
  writer.varint(readings.length);
  for (const reading of readings) writeHeld(writer, reading);
}

/** @throws {MalformedBytes} */
function readPartners(reader: ByteReader): Partners {
  const readings: HeldReading[] = [];
  const count = reader.count(joinKeepMax, 'readings of a join');
  for (let i = 0; i < count; i++) {
    const reading = readHeld(reader);
    if (reading === null) throw new MalformedBytes('a reading of a join');
    readings.push(reading);
  }
  return { readings };
}
