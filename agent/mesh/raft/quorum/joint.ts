import type { LogIndex } from '../entry.ts';
import type { PeerId } from '../peer-id.ts';
import {
  committedByMajority,
  voteByMajority,
  type AcknowledgedIndex,
  type Majority,
  type VoteResult,
} from './majority.ts';

/**
 * Two majorities that must both agree, used while one membership changes into another (Raft §6, joint consensus).
 * `outgoing` is empty outside a change, and then the pair decides as `incoming` does alone.
 */
export interface JointQuorum {
  readonly incoming: Majority;
  readonly outgoing: Majority;
}

export function committedByJoint(quorum: JointQuorum, acknowledged: AcknowledgedIndex): LogIndex {
  return Math.min(
    committedByMajority(quorum.incoming, acknowledged),
    committedByMajority(quorum.outgoing, acknowledged),
  );
}

export function voteByJoint(quorum: JointQuorum, votes: ReadonlyMap<PeerId, boolean>): VoteResult {
  const incoming = voteByMajority(quorum.incoming, votes);
  const outgoing = voteByMajority(quorum.outgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === 'lost' || outgoing === 'lost' ? 'lost' : 'pending';
}

/** Every voter of either half, ascending. */
export function votersOf(quorum: JointQuorum): PeerId[] {
  return [...new Set([...quorum.incoming, ...quorum.outgoing])].sort((a, b) => a - b);
}
