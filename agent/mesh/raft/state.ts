import type { LogIndex, Term } from './entry.ts';
import { noPeer, type PeerId } from './peer-id.ts';

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/**
 * What must survive a crash beside the log: one record, written in one piece. Across writes `term` and `commit` never fall,
 * and within a term `vote` goes from nobody to one member and stays.
 */
export interface HardState {
  readonly term: Term;
  /** Whom this member voted for in `term`, or nobody. */
  readonly vote: PeerId;
  /** A lower bound of what is committed; may be stale after a crash. */
  readonly commit: LogIndex;
}

/** Worth telling a host, of no use after a crash. */
export interface SoftState {
  readonly lead: PeerId;
  readonly role: Role;
}

export const emptyHardState: HardState = { term: 0, vote: noPeer, commit: 0 };

export const sameHardState = (a: HardState, b: HardState): boolean =>
  a.term === b.term && a.vote === b.vote && a.commit === b.commit;
