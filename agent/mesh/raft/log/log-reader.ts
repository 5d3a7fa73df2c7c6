import type { Entry, EntryId, LogIndex, Term } from '../entry.ts';
import type { MembershipRecord } from '../membership/membership.ts';
import type { Snapshot } from '../snapshot.ts';
import type { HardState } from '../state.ts';

/**
 * What is durable, as the machine reads it: synchronous, from memory or a cache. Writing is the host's, from the effects of
 * a Ready. Invariant: first - 1 ≤ last; the term at first - 1 is known (the snapshot's id, or 0/0).
 */
export interface LogReader {
  /** Read once, at start. */
  initialState(): { readonly hardState: HardState; readonly membership: MembershipRecord };
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  /** Undefined when compacted away or not yet there; known for first - 1 … last. */
  term(index: LogIndex): Term | undefined;
  /**
   * Entries from `start` (≥ first) to before `end` (≤ last + 1), as many as fit `bytesMax` and one at least. Undefined when `start`
   * is compacted away.
   */
  entries(start: LogIndex, end: LogIndex, bytesMax: number): readonly Entry[] | undefined;
  /** The newest snapshot; undefined while one is being made, and then it is asked for again later. */
  snapshot(): Snapshot | undefined;
}

/** Nothing: the log of a member that has never run. */
export const logStart: EntryId = { term: 0, index: 0 };
