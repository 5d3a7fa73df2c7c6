import { MalformedBytes, ByteReader } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { latenessMicrosMax, seriesLimitDefault } from '../limits.ts';
import { rowsKept } from '../rows.ts';
import { SeriesMap } from '../series-map.ts';
import type { ThrottleConfig } from '../stage-config.ts';
import type { Stage, StageContext, StageOutput, StageState } from '../stage.ts';
import type { Batch } from '../../reading/batch.ts';
import { evictionNotes } from './eviction-notes.ts';

interface Period {
  /** Event time of the first reading of the period; NaN before the first. */
  startMicros: number;
  passed: number;
}

/** Bytes of one series: map entry, key of about 60 characters, state object. */
const stateBytesPerSeries = 220;

/**
 * Lets `count` readings of a series pass, then none until `every` of event time after the first of them. A late reading belongs to
 * the running period; one later than the stated bound starts anew (see limits.ts).
 */
export class ThrottleStage implements Stage {
  readonly rule: string;
  readonly #everyMicros: number;
  readonly #latenessMicros: number;
  readonly #count: number;
  readonly #periods: SeriesMap<Period>;

  constructor(rule: string, config: ThrottleConfig) {
    this.rule = rule;
    this.#everyMicros = config.every * 1000;
    this.#latenessMicros = Math.max(latenessMicrosMax, this.#everyMicros);
    this.#count = config.count ?? 1;
    this.#periods = new SeriesMap(config.max_series ?? seriesLimitDefault, () => ({
      startMicros: Number.NaN,
      passed: 0,
    }));
  }

  process(batch: Batch, _context: StageContext): StageOutput {
    const before = this.#periods.evicted;
    const periodOf = this.#periods.over(batch);
    const { timeMicros } = batch;
    const output = rowsKept(batch, this.rule, (row) => this.#passes(periodOf(row), timeMicros[row]!));
    return evictionNotes(output, this.rule, this.#periods.evicted - before);
  }

  #passes(period: Period, time: number): boolean {
    const since = time - period.startMicros;
    // Written so that NaN, the first reading, starts a period too.
    if (!(since < this.#everyMicros && since >= -this.#latenessMicros)) {
      period.startMicros = time;
      period.passed = 1;
      return true;
    }
    if (period.passed >= this.#count) return false;
    period.passed++;
    return true;
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter();
    writer.uint8(1);
    this.#periods.write(writer, (period) => {
      writer.float64(period.startMicros);
      writer.varint(period.passed);
    });
    return writer.finish();
  }

  restore(bytes: Uint8Array): boolean {
    this.#periods.clear();
    try {
      const reader = new ByteReader(bytes);
      if (reader.uint8() !== 1) return false;
      this.#periods.read(reader, () => ({ startMicros: reader.float64(), passed: reader.varint() }));
      if (reader.remaining === 0) return true;
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
    this.#periods.clear();
    return false;
  }

  inspect(): StageState {
    const { size: series, limit: seriesLimit, evicted } = this.#periods;
    return { series, seriesLimit, bytes: series * stateBytesPerSeries, evicted };
  }
}
