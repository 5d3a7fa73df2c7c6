import { assert } from '../../../base/assert.ts';
import {
  entriesBytes,
  isChangeKind,
  runWithin,
  type Entry,
  type EntryId,
  type LogIndex,
  type Term,
} from '../entry.ts';
import type { Observe } from '../note.ts';
import type { Snapshot } from '../snapshot.ts';
import type { LogReader } from './log-reader.ts';
import { Unstable } from './unstable.ts';

/** Entries as a leader of `term` sends them: they follow `previous`. */
export interface LogSlice {
  readonly previous: EntryId;
  readonly entries: readonly Entry[];
}

/**
 * The whole log: what is durable, what is not yet, how far it is committed and applied.
 * Invariant: applied ≤ applying ≤ committed ≤ last, and first - 1 ≤ applied.
 */
export class RaftLog {
  readonly #reader: LogReader;
  readonly #observe: Observe;
  readonly #applyingBytesMax: number;
  readonly unstable: Unstable;
  /** A quorum holds everything up to here; it never changes again. Only rises. */
  #committed: LogIndex;
  /** Handed to the state machine up to here. */
  #applying: LogIndex;
  /** The state machine has answered up to here. */
  #applied: LogIndex;
  /** Bytes handed over and not answered. */
  #applyingBytes = 0;
  /** No further entries are handed over: the bytes are used up, or the last hand-over was cut short by them. */
  #applyingPaused = false;

  constructor(reader: LogReader, options: { readonly applyingBytesMax: number; readonly observe: Observe }) {
    this.#reader = reader;
    this.#observe = options.observe;
    this.#applyingBytesMax = options.applyingBytesMax;
    this.unstable = new Unstable(reader.lastIndex() + 1, options.observe);
    const start = reader.firstIndex() - 1;
    this.#committed = start;
    this.#applying = start;
    this.#applied = start;
  }

  get committed(): LogIndex {
    return this.#committed;
  }
  get applying(): LogIndex {
    return this.#applying;
  }
  get applied(): LogIndex {
    return this.#applied;
  }

  /** At start only: what the durable record says is committed. */
  restoreCommit(commit: LogIndex): void {
    assert(
      commit >= this.#committed && commit <= this.lastIndex(),
      `the recorded commit ${commit} is outside ${this.#committed} … ${this.lastIndex()}`,
    );
    this.#committed = commit;
  }

  firstIndex(): LogIndex {
    return this.unstable.firstIndex() ?? this.#reader.firstIndex();
  }

  lastIndex(): LogIndex {
    return this.unstable.lastIndex() ?? this.#reader.lastIndex();
  }

  lastId(): EntryId {
    const index = this.lastIndex();
    const term = this.term(index);
    assert(term !== undefined, `the term of the last entry ${index} is known`);
    return { term, index };
  }

  /** Undefined when compacted away or beyond the end. */
  term(index: LogIndex): Term | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return undefined;
    return this.#reader.term(index);
  }

  holds(id: EntryId): boolean {
    return this.term(id.index) === id.term;
  }

  /** Whether a log that ends at `last` holds everything this one may have committed (Raft §5.4.1). */
  isUpToDate(last: EntryId): boolean {
    const own = this.lastId();
    return last.term > own.term || (last.term === own.term && last.index >= own.index);
  }

  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#reader.snapshot();
  }

  /** Entries from `start` on; none when it is beyond the end, undefined when it is compacted away. */
  entriesFrom(start: LogIndex, bytesMax: number): readonly Entry[] | undefined {
    const last = this.lastIndex();
    return start > last ? [] : this.#slice(start, last + 1, bytesMax);
  }

  /** Appends a leader's own entries. Nothing committed is ever replaced. */
  append(entries: readonly Entry[]): LogIndex {
    if (entries.length > 0) {
      const first = entries[0]!.index;
      assert(first > this.#committed, `entry ${first} would replace a committed one (${this.#committed})`);
      this.unstable.replaceFrom(entries);
    }
    return this.lastIndex();
  }

  /**
   * Takes what a leader sent and its commit index. Undefined when the log does not hold `slice.previous`; else the index up to
   * which this log now agrees with the leader's.
   */
  tryAppend(slice: LogSlice, commit: LogIndex): LogIndex | undefined {
    if (!this.holds(slice.previous)) return undefined;
    const end = slice.previous.index + slice.entries.length;
    const conflict = this.#firstNew(slice.entries);
    if (conflict !== undefined) {
      assert(
        conflict > this.#committed,
        `entry ${conflict} conflicts with a committed one (${this.#committed})`,
      );
      this.append(slice.entries.slice(conflict - slice.previous.index - 1));
    }
    this.commitTo(Math.min(commit, end));
    return end;
  }

  /** Index of the first entry this log does not hold. */
  #firstNew(entries: readonly Entry[]): LogIndex | undefined {
    for (const entry of entries) {
      if (this.holds(entry)) continue;
      if (entry.index <= this.lastIndex())
        this.#observe({ kind: 'conflict-found', existing: this.term(entry.index) ?? 0, conflicting: entry });
      return entry.index;
    }
    return undefined;
  }

  /**
   * The last index ≤ `index` whose term is ≤ `term`: no entry between can be held by a log whose entry at `index` has that term.
   * With it one refusal skips a whole term (Raft §5.3). The found term is 0 when the entry is compacted away.
   */
  lastAtOrBelowTerm(index: LogIndex, term: Term): EntryId {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: LogIndex): void {
    if (index <= this.#committed) return;
    const last = this.lastIndex();
    assert(index <= last, `commit ${index} is beyond the last entry ${last}: was the log damaged or lost?`);
    this.#committed = index;
  }

  /** Commits up to `at`, when that moves on and the log holds that very entry: a leader commits entries of its own term only. */
  tryCommit(at: EntryId): boolean {
    if (at.term === 0 || at.index <= this.#committed || !this.holds(at)) return false;
    this.commitTo(at.index);
    return true;
  }

  /** A snapshot replaces the log, and all of it is committed. */
  restore(snapshot: Snapshot): void {
    this.#observe({ kind: 'log-restoring', snapshot: snapshot.id });
    assert(snapshot.id.index > this.#committed, 'a snapshot is newer than what is committed');
    this.#committed = snapshot.id.index;
    this.unstable.restore(snapshot);
  }

  /** Committed and not yet handed over, as far as may be handed over now. Without `allowUnstable`, durable entries only. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const room = this.#applyingBytesMax - this.#applyingBytes;
    assert(room > 0, 'entries are handed over only while there is room');
    const entries = this.#slice(this.#applying + 1, this.#applicable(allowUnstable) + 1, room);
    assert(entries !== undefined, 'entries that are not applied are not compacted');
    return entries;
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyingPaused || this.unstable.snapshot !== null) return false;
    return this.#applying < this.#applicable(allowUnstable);
  }

  #applicable(allowUnstable: boolean): LogIndex {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }

  /** `entries` (not empty) are handed to the state machine. */
  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const index = entries.at(-1)!.index;
    assert(index <= this.#committed, `entry ${index} is handed over before it is committed`);
    this.#applying = index;
    this.#applyingBytes += entriesBytes(entries);
    this.#applyingPaused =
      this.#applyingBytes >= this.#applyingBytesMax || index < this.#applicable(allowUnstable);
  }

  /** The state machine has applied up to `index`; `bytes` of what was handed over are answered. */
  appliedTo(index: LogIndex, bytes: number): void {
    assert(
      index >= this.#applied && index <= this.#committed,
      `applied ${index} is outside ${this.#applied} … ${this.#committed}`,
    );
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyingPaused = this.#applyingBytes >= this.#applyingBytesMax;
  }

  /** Whether a membership change is committed and not applied. Reads page by page, as the run may be long. */
  hasUnappliedChange(): boolean {
    for (let at = this.#applied + 1; at <= this.#committed;) {
      const page = this.#slice(at, this.#committed + 1, this.#applyingBytesMax);
      assert(page !== undefined && page.length > 0, 'entries that are not applied are not compacted');
      if (page.some(({ kind }) => isChangeKind(kind))) return true;
      at += page.length;
    }
    return false;
  }

  /** start ≤ end ≤ last + 1. Undefined when `start` is compacted away. */
  #slice(start: LogIndex, end: LogIndex, bytesMax: number): readonly Entry[] | undefined {
    assert(start <= end && end <= this.lastIndex() + 1, `entries ${start} … ${end} are outside the log`);
    if (start < this.firstIndex()) return undefined;
    if (start === end) return [];
    const { offset, entries } = this.unstable;
    if (start >= offset) return runWithin(entries, { start: start - offset, end: end - offset }, bytesMax);
    const cut = Math.min(end, offset);
    const durable = this.#reader.entries(start, cut, bytesMax);
    if (durable === undefined || end <= offset || durable.length < cut - start) return durable;
    const bytes = entriesBytes(durable);
    if (bytes >= bytesMax) return durable;
    const rest = runWithin(entries, { start: 0, end: end - offset }, bytesMax - bytes);
    if (rest.length === 1 && bytes + entriesBytes(rest) > bytesMax) return durable;
    return [...durable, ...rest];
  }
}
