import type { ByteReader } from '../base/byte-reader.ts';
import { MalformedBytes } from '../base/byte-reader.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import type { Batch, Tags } from '../reading/batch.ts';
import { seriesKey } from '../reading/batch.ts';

/**
 * State per series, at most `limit`; the series unheard for longest is forgotten first, and counted. Decoders intern
 * tags, so the text key of a tags object is computed once.
 */
export class SeriesMap<State extends object> {
  readonly limit: number;
  /** Series forgotten since start. */
  evicted = 0;
  readonly #create: () => State;
  /** In order of last use, oldest first. */
  readonly #states = new Map<string, State>();
  /**
   * Stands before the oldest key: what it has passed was taken out at once. A new iterator for every eviction would walk over all
   * that was taken out before, tens of microseconds each.
   */
  #oldest = this.#states.keys();
  readonly #keys = new WeakMap<Tags, string>();
  /** Since changes were asked for last: series that were touched, in order, and forgotten ones. Null: nobody asks. */
  readonly #changes: { readonly touched: Set<string>; readonly gone: Set<string> } | null;

  /** `isDurable`: what changes is told by {@link writeChanges}. */
  constructor(limit: number, create: () => State, { isDurable } = { isDurable: false }) {
    this.limit = limit;
    this.#create = create;
    this.#changes = isDurable ? { touched: new Set(), gone: new Set() } : null;
  }

  get size(): number {
    return this.#states.size;
  }

  /** The state there is, without touching it. */
  peek(tags: Tags): State | undefined {
    return this.#states.get(this.#keyOf(tags));
  }

  touch(tags: Tags): State {
    const key = this.#keyOf(tags);
    this.mark(key);
    let state = this.#states.get(key);
    if (state !== undefined) {
      // With room to spare nothing can be evicted soon, and the order of use need not be kept to the reading.
      if (this.#states.size * 2 > this.limit) {
        this.#states.delete(key);
        this.#states.set(key, state);
      }
      return state;
    }
    if (this.#states.size >= this.limit) this.#evict();
    state = this.#create();
    this.#states.set(key, state);
    return state;
  }

  /** The series of this key is among the changed ones. */
  mark(key: string): void {
    if (this.#changes === null) return;
    // In the order of use, in which series are forgotten.
    if (this.#states.size * 2 > this.limit) this.#changes.touched.delete(key);
    this.#changes.touched.add(key);
  }

  /**
   * A function from row to state that touches each series of the batch once. While a batch is processed its own series count
   * as in use, even beyond the limit.
   */
  over(batch: Batch): (row: number) => State {
    if (batch.series.length === 1) {
      const only = this.touch(batch.series[0]!);
      return () => only;
    }
    const states: (State | undefined)[] = Array.from({ length: batch.series.length });
    const { seriesIndex, series } = batch;
    return (row) => {
      const index = seriesIndex[row]!;
      return (states[index] ??= this.touch(series[index]!));
    };
  }

  /** Keys as {@link seriesTags} reads them. */
  entries(): IterableIterator<[string, State]> {
    return this.#states.entries();
  }

  clear(): void {
    this.#states.clear();
    this.#oldest = this.#states.keys();
    this.forgetChanges();
  }

  /** Everything up to here is saved. */
  forgetChanges(): void {
    this.#changes?.touched.clear();
    this.#changes?.gone.clear();
  }

  /** Series gone, then those changed, as far as `isChanged` says so. False, and nothing written, when there are none of either. */
  writeChanges(
    writer: ByteWriter,
    writeState: (state: State) => void,
    isChanged: (state: State) => boolean = () => true,
  ): boolean {
    if (this.#changes === null) return false;
    const { touched, gone } = this.#changes;
    const changed: [string, State][] = [];
    for (const key of touched) {
      const state = this.#states.get(key);
      if (state !== undefined && isChanged(state)) changed.push([key, state]);
    }
    if (gone.size + changed.length > 0) {
      writer.varint(gone.size);
      for (const key of gone) writer.text(key);
      writer.varint(changed.length);
      for (const [key, state] of changed) {
        writer.text(key);
        writeState(state);
      }
    }
    const some = gone.size + changed.length > 0;
    this.forgetChanges();
    return some;
  }

  /** Takes over what {@link writeChanges} wrote. @throws {MalformedBytes} and is then half changed: clear it. */
  readChanges(reader: ByteReader, readState: (known: State | undefined) => State): void {
    // Some came and went since the save before.
    for (let left = reader.varint(); left > 0; left--) this.#states.delete(readKey(reader));
    for (let left = reader.varint(); left > 0; left--) {
      const key = readKey(reader);
      const known = this.#states.get(key);
      const state = readState(known);
      if (known === undefined && this.#states.size >= this.limit) this.#evict();
      else if (this.#states.size * 2 > this.limit) this.#states.delete(key);
      this.#states.set(key, state);
    }
    this.forgetChanges();
  }

  write(writer: ByteWriter, writeState: (state: State) => void): void {
    writer.varint(this.#states.size);
    for (const [key, state] of this.#states) {
      writer.text(key);
      writeState(state);
    }
  }

  /** @throws {MalformedBytes} and is then half filled: clear it. */
  read(reader: ByteReader, readState: () => State): void {
    const count = reader.varint();
    for (let i = 0; i < count; i++) {
      const key = readKey(reader);
      const state = readState();
      if (this.#states.has(key)) throw new MalformedBytes('a series occurs twice');
      if (this.#states.size >= this.limit) this.#evict();
      this.#states.set(key, state);
    }
  }

  #keyOf(tags: Tags): string {
    let key = this.#keys.get(tags);
    if (key === undefined) {
      key = seriesKey(tags);
      this.#keys.set(tags, key);
    }
    return key;
  }

  #evict(): void {
    let next = this.#oldest.next();
    if (next.done === true) {
      // It came to the end while the map was empty.
      this.#oldest = this.#states.keys();
      next = this.#oldest.next();
    }
    if (next.done === true) return;
    this.#states.delete(next.value);
    this.#changes?.touched.delete(next.value);
    this.#changes?.gone.add(next.value);
    this.evicted++;
  }
}

/** @throws {MalformedBytes} for what is not the key of any tags. */
function readKey(reader: ByteReader): string {
  const key = reader.text();
  try {
    if (seriesKey(seriesTags(key)) === key) return key;
  } catch {
    // Told below.
  }
  throw new MalformedBytes('the key of a series');
}

/** The tags of which `seriesKey` made the key. */
export function seriesTags(key: string): Tags {
  return JSON.parse(`{${key.slice(0, -1)}}`) as Tags;
}
