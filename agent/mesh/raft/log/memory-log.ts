import { assert } from '../../../base/assert.ts';
import { noData, runWithin, type Entry, type LogIndex, type Term } from '../entry.ts';
import { emptyRecord, type MembershipRecord } from '../membership/membership.ts';
import type { Snapshot } from '../snapshot.ts';
import { emptyHardState, type HardState } from '../state.ts';
import { logStart, type LogReader } from './log-reader.ts';

/** A log that is durable as long as the process: for simulation, tests, and as the cache before a log on disk. */
export class MemoryLog implements LogReader {
  #hardState: HardState = emptyHardState;
  #snapshot: Snapshot = { id: logStart, membership: emptyRecord, data: noData };
  /** The entry before the first: compacted, or covered by the snapshot. */
  #before = logStart;
  /** #entries[i].index = #before.index + 1 + i */
  #entries: Entry[] = [];

  initialState(): { readonly hardState: HardState; readonly membership: MembershipRecord } {
    return { hardState: this.#hardState, membership: this.#snapshot.membership };
  }

  firstIndex(): LogIndex {
    return this.#before.index + 1;
  }

  lastIndex(): LogIndex {
    return this.#before.index + this.#entries.length;
  }

  term(index: LogIndex): Term | undefined {
    if (index === this.#before.index) return this.#before.term;
    return this.#entries[index - this.firstIndex()]?.term;
  }

  entries(start: LogIndex, end: LogIndex, bytesMax: number): readonly Entry[] | undefined {
    const first = this.firstIndex();
    if (start < first) return undefined;
    assert(end <= this.lastIndex() + 1, `entries up to ${end} of a log that ends at ${this.lastIndex()}`);
    return runWithin(this.#entries, { start: start - first, end: end - first }, bytesMax);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  setHardState(state: HardState): void {
    this.#hardState = state;
  }

  /** Appends; entries from the first new index on are replaced. Entries that are compacted already are passed over. */
  append(entries: readonly Entry[]): void {
    const first = this.firstIndex();
    const fresh = entries.filter((entry) => entry.index >= first);
    if (fresh.length === 0) return;
    const at = fresh[0]!.index - first;
    assert(at <= this.#entries.length, `entry ${fresh[0]!.index} leaves a hole after ${this.lastIndex()}`);
    this.#entries.length = at;
    for (const entry of fresh) this.#entries.push(entry);
  }

  /** Replaces the whole log by a snapshot newer than the one held. False when it is not newer. */
  applySnapshot(snapshot: Snapshot): boolean {
    if (this.#snapshot.id.index >= snapshot.id.index && this.#snapshot.id.index !== 0) return false;
    this.#snapshot = snapshot;
    this.#before = snapshot.id;
    this.#entries = [];
    return true;
  }

  /** Keeps a snapshot of the state machine; the log stays until `compact`. */
  keepSnapshot(snapshot: Snapshot): boolean {
    if (snapshot.id.index <= this.#snapshot.id.index) return false;
    assert(this.term(snapshot.id.index) === snapshot.id.term, 'a snapshot is of an entry in the log');
    this.#snapshot = snapshot;
    return true;
  }

  /** Drops the entries up to `index`. False when they are gone already. */
  compact(index: LogIndex): boolean {
    if (index <= this.#before.index) return false;
    assert(index <= this.lastIndex(), `compacting to ${index} beyond the last entry ${this.lastIndex()}`);
    const term = this.term(index)!;
    this.#entries = this.#entries.slice(index - this.#before.index);
    this.#before = { index, term };
    return true;
  }
}
