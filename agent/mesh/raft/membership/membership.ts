import type { PeerId } from '../peer-id.ts';
import type { JointQuorum } from '../quorum/joint.ts';

/**
 * Who belongs to the group. Outside a change `outgoing` and `learnersNext` are empty and `autoLeave` is false.
 * Invariants: learners ∩ (incoming ∪ outgoing) = ∅; learnersNext ⊆ outgoing.
 */
export interface Membership extends JointQuorum {
  /** Receive the log, count in no quorum. */
  readonly learners: ReadonlySet<PeerId>;
  /** Voters of `outgoing` that become learners when the change ends: until then their vote is still needed. */
  readonly learnersNext: ReadonlySet<PeerId>;
  /** The leader ends the joint phase by itself as soon as it is applied. */
  readonly autoLeave: boolean;
}

/** The same as plain lists, ascending: what a snapshot carries. */
export interface MembershipRecord {
  readonly voters: readonly PeerId[];
  readonly votersOutgoing: readonly PeerId[];
  readonly learners: readonly PeerId[];
  readonly learnersNext: readonly PeerId[];
  readonly autoLeave: boolean;
}

const nobody: ReadonlySet<PeerId> = new Set();

export const emptyMembership: Membership = {
  incoming: nobody,
  outgoing: nobody,
  learners: nobody,
  learnersNext: nobody,
  autoLeave: false,
};

export const emptyRecord: MembershipRecord = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

export const isJoint = (membership: JointQuorum): boolean => membership.outgoing.size > 0;

export const ascending = (ids: Iterable<PeerId>): PeerId[] => [...ids].sort((a, b) => a - b);

export function recordOf(membership: Membership): MembershipRecord {
  return {
    voters: ascending(membership.incoming),
    votersOutgoing: ascending(membership.outgoing),
    learners: ascending(membership.learners),
    learnersNext: ascending(membership.learnersNext),
    autoLeave: membership.autoLeave,
  };
}

/** Whether two records name the same membership, in whatever order. */
export function sameRecord(a: MembershipRecord, b: MembershipRecord): boolean {
  const same = (left: readonly PeerId[], right: readonly PeerId[]): boolean =>
    ascending(left).join() === ascending(right).join();
  return (
    same(a.voters, b.voters) &&
    same(a.votersOutgoing, b.votersOutgoing) &&
    same(a.learners, b.learners) &&
    same(a.learnersNext, b.learnersNext) &&
    a.autoLeave === b.autoLeave
  );
}

export function isMember(record: MembershipRecord, id: PeerId): boolean {
  return record.voters.includes(id) || record.learners.includes(id) || record.votersOutgoing.includes(id);
}
