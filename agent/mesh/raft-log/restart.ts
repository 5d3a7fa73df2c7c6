import { assert } from '../../base/assert.ts';
import type { LogIndex } from '../raft/entry.ts';
import type { LogReader } from '../raft/log/log-reader.ts';
import type { MembershipRecord } from '../raft/membership/membership.ts';
import type { Snapshot } from '../raft/snapshot.ts';

/** A state machine as its own file holds it: how far it has applied, and the membership as of there. */
export interface AppliedState {
  readonly applied: LogIndex;
  readonly membership: MembershipRecord;
}

export type Restart =
  /** A member may start over `log`, with `applied`. */
  | { readonly kind: 'start'; readonly log: LogReader }
  /** The log no longer holds what the state machine needs next: give it this snapshot first, then ask again. */
  | { readonly kind: 'restore'; readonly snapshot: Snapshot }
  /** The log lost what is applied: no member starts until it is healed by a snapshot that reaches `needIndex`. */
  | { readonly kind: 'heal'; readonly needIndex: LogIndex };

/**
 * How the log and the state machine, two files synced apart, fit each other after a restart. What is applied is committed, whatever
 * the commit index on disk says; and the membership that counts is that of what is applied.
 */
export function restartFrom(log: LogReader, { applied, membership }: AppliedState): Restart {
  const last = log.lastIndex();
  if (applied > last) return { kind: 'heal', needIndex: applied };
  const snapshot = log.snapshot();
  if (applied < log.firstIndex() - 1) {
    assert(snapshot !== undefined, 'a log that begins with a snapshot has one');
    return { kind: 'restore', snapshot };
  }
  const { hardState } = log.initialState();
  const commit = Math.max(hardState.commit, applied);
  const initial = { hardState: { ...hardState, commit }, membership };
  return {
    kind: 'start',
    log: {
      initialState: () => initial,
      firstIndex: () => log.firstIndex(),
      lastIndex: () => log.lastIndex(),
      term: (index) => log.term(index),
      entries: (start, end, bytesMax) => log.entries(start, end, bytesMax),
      // One that does not name its receiver is of no use to it.
      snapshot: () => log.snapshot(),
    },
  };
}
