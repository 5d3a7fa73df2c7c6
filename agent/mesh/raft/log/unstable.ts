import { assert } from '../../../base/assert.ts';
import { entriesBytes, type Entry, type EntryId, type LogIndex, type Term } from '../entry.ts';
import type { Observe } from '../note.ts';
import type { Snapshot } from '../snapshot.ts';

/**
 * The end of the log that is not yet known to be durable: entries, and before them at most one snapshot that was received.
 * Parts of it may be on their way to the disk ("in progress"); they stay here until the disk has answered, as a leader
 * change may replace them meanwhile.
 */
export class Unstable {
  readonly #observe: Observe;
  /** Received, not durable. Its index < offset. */
  #snapshot: Snapshot | null = null;
  #snapshotInProgress = false;
  /** entries[i].index = offset + i; what is durable ends at offset - 1, as far as is known. */
  #entries: Entry[] = [];
  #offset: LogIndex;
  /** Entries before this index are in progress. offset ≤ offsetInProgress ≤ offset + entries.length. */
  #offsetInProgress: LogIndex;
  /** Bytes of `#entries`. */
  #bytes = 0;

  constructor(offset: LogIndex, observe: Observe) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
    this.#observe = observe;
  }

  get offset(): LogIndex {
    return this.#offset;
  }

  get offsetInProgress(): LogIndex {
    return this.#offsetInProgress;
  }

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  /** The log's first index when a snapshot here decides it. */
  firstIndex(): LogIndex | undefined {
    return this.#snapshot === null ? undefined : this.#snapshot.id.index + 1;
  }

  /** The log's last index when something here decides it. */
  lastIndex(): LogIndex | undefined {
    if (this.#entries.length > 0) return this.#offset + this.#entries.length - 1;
    return this.#snapshot?.id.index;
  }

  term(index: LogIndex): Term | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    return this.#snapshot?.id.index === index ? this.#snapshot.id.term : undefined;
  }

  /** Entries that no Ready has carried. */
  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.#offsetInProgress - this.#offset);
  }

  get hasNextEntries(): boolean {
    return this.#offsetInProgress < this.#offset + this.#entries.length;
  }

  /** A snapshot that no Ready has carried. */
  nextSnapshot(): Snapshot | null {
    return this.#snapshotInProgress ? null : this.#snapshot;
  }

  /** Everything here is now on its way to the disk. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.#offset + this.#entries.length;
    if (this.#snapshot !== null) this.#snapshotInProgress = true;
  }

  /**
   * The disk holds the log up to `id`. The term is compared because the entry at that index may have been replaced after the
   * write was ordered; then nothing is known to be durable (the ABA case: the answer must also carry the current term).
   */
  stableTo(id: EntryId): void {
    const term = this.term(id.index);
    if (term === undefined) return this.#observe({ kind: 'stable-entry-missing', index: id.index });
    if (id.index < this.#offset) return this.#observe({ kind: 'stable-entry-in-snapshot', index: id.index });
    if (term !== id.term) return this.#observe({ kind: 'stable-entry-replaced', durable: id, term });
    const count = id.index + 1 - this.#offset;
    this.#setEntries(this.#entries.slice(count));
    this.#offset = id.index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  snapshotStableTo(index: LogIndex): void {
    if (this.#snapshot?.id.index !== index) return;
    this.#snapshot = null;
    this.#snapshotInProgress = false;
  }

  /** A snapshot replaces the whole log. */
  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.id.index + 1;
    this.#offsetInProgress = this.#offset;
    this.#setEntries([]);
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Puts `entries` (not empty) in place; whatever stood at or after their first index goes. */
  replaceFrom(entries: readonly Entry[]): void {
    const from = entries[0]!.index;
    const end = this.#offset + this.#entries.length;
    if (from === end) {
      for (const entry of entries) this.#entries.push(entry);
      this.#bytes += entriesBytes(entries);
    } else if (from <= this.#offset) {
      this.#observe({ kind: 'unstable-replaced', from });
      this.#setEntries([...entries]);
      this.#offset = from;
      this.#offsetInProgress = from;
    } else {
      assert(from < end, `entry ${from} leaves a hole after ${end - 1}`);
      this.#observe({ kind: 'unstable-truncated', from });
      this.#setEntries([...this.#entries.slice(0, from - this.#offset), ...entries]);
      this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    }
  }

  /** The held entries, for reading by position: index - offset. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  #setEntries(entries: Entry[]): void {
    this.#entries = entries;
    this.#bytes = entries.length === 0 ? 0 : entriesBytes(entries);
  }
}
