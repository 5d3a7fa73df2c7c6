import { ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import type { Batch } from '../../reading/batch.ts';
import { dedupEntriesDefault, dedupEntriesMax, latenessMicrosMax } from '../limits.ts';
import { rowsKept } from '../rows.ts';
import { HashTimes } from '../signal/hash-times.ts';
import { ReadingHash } from '../signal/reading-hash.ts';
import type { Stage, StageOutput, StageState } from '../stage.ts';

export interface DedupConfig {
  /** Fields that tell a reading within its series, such as a sequence number. Absent: its time and all its values. */
  readonly by?: readonly string[] | undefined;
  /** Event time within which the same is the same, ms; default 10 min. */
  readonly within?: number | undefined;
  /** Readings remembered; default 50,000. */
  readonly max_entries?: number | undefined;
}

const withinDefaultMs = 600_000;
/** Bytes of one entry: hash and time at two to four slots each, and one of the order. */
const stateBytesPerEntry = 60;

/**
 * Drops readings that came before. What a reading is told by is kept as a 53-bit hash with its event time, for `within` and for at
 * most `max_entries`; the oldest go first, counted when they go too early. Readings without any of the fields of `by` pass.
 */
export class DedupStage implements Stage {
  readonly rule: string;
  readonly #withinMicros: number;
  readonly #entriesMax: number;
  readonly #withTime: boolean;
  readonly #takes: (name: string) => boolean;
  readonly #hash = new ReadingHash();
  /** Hash to event time. */
  readonly #seen = new HashTimes();
  #newestMicros = Number.NEGATIVE_INFINITY;
  #evicted = 0;

  constructor(rule: string, config: DedupConfig) {
    this.rule = rule;
    this.#withinMicros = (config.within ?? withinDefaultMs) * 1000;
    this.#entriesMax = config.max_entries ?? dedupEntriesDefault;
    const { by } = config;
    const names = new Set(by);
    this.#withTime = by === undefined;
    this.#takes = by === undefined ? () => true : (name) => names.has(name);
  }

  process(batch: Batch): StageOutput {
    const hashes = this.#hash.hashes(batch, this.#takes, this.#withTime);
    const before = this.#evicted;
    const output = rowsKept(batch, this.rule, (row) => {
      const hash = hashes[row]!;
      return Number.isNaN(hash) || this.#isNew(hash, batch.timeMicros[row]!);
    });
    const count = this.#evicted - before;
    return count === 0 ? output : { ...output, notes: [{ kind: 'entries_evicted', rule: this.rule, count }] };
  }

  #isNew(hash: number, time: number): boolean {
    const seen = this.#seen.get(hash);
    if (seen !== undefined && Math.abs(time - seen) <= this.#withinMicros) return false;
    // A time far behind the newest is that of a clock set back; one reading from the far future must not age all others.
    if (time > this.#newestMicros || time < this.#newestMicros - this.#withinMicros - latenessMicrosMax)
      this.#newestMicros = time;
    this.#seen.set(hash, time);
    this.#age();
    return true;
  }

  #age(): void {
    while (this.#seen.size > 0) {
      const isOld = this.#seen.get(this.#seen.at(0))! < this.#newestMicros - this.#withinMicros;
      if (!isOld && this.#seen.size <= this.#entriesMax) return;
      this.#seen.dropFirst();
      if (!isOld) this.#evicted++;
    }
  }

  snapshot(): Uint8Array<ArrayBuffer> {
    const writer = new ByteWriter(16 + 16 * this.#seen.size);
    writer.uint8(1);
    writer.float64(this.#newestMicros);
    writer.varint(this.#seen.size);
    for (let i = 0; i < this.#seen.size; i++) {
      const hash = this.#seen.at(i);
      writer.float64(hash);
      writer.float64(this.#seen.get(hash)!);
    }
    return writer.finish();
  }

  restore(bytes: Uint8Array): boolean {
    this.#clear();
    try {
      const reader = new ByteReader(bytes);
      if (reader.uint8() !== 1) return false;
      this.#newestMicros = reader.float64();
      const count = reader.count(dedupEntriesMax, 'readings remembered');
      for (let i = 0; i < count; i++) {
        const hash = reader.float64();
        if (!Number.isFinite(hash)) throw new MalformedBytes('a hash of a dedup');
        this.#seen.set(hash, reader.float64());
      }
      this.#age();
      if (reader.remaining === 0) return true;
    } catch (error) {
      if (!(error instanceof MalformedBytes)) throw error;
    }
    this.#clear();
    return false;
  }

  #clear(): void {
    this.#seen.clear();
    this.#newestMicros = Number.NEGATIVE_INFINITY;
  }

  inspect(): StageState {
    const { size } = this.#seen;
    return {
      series: size,
      seriesLimit: this.#entriesMax,
      bytes: size * stateBytesPerEntry,
      evicted: this.#evicted,
    };
  }
}
