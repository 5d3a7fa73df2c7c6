import type { LogIndex } from '#agent/mesh/raft/entry.ts';
import { majoritySize, type AcknowledgedIndex, type Majority } from '#agent/mesh/raft/quorum/majority.ts';

/** The dumb twin of committedByMajority: of the acknowledged indices, the largest that enough members have reached. */
export function committedByCounting(members: Majority, acknowledged: AcknowledgedIndex): LogIndex {
  if (members.size === 0) return Infinity;
  const known = [...members].map(acknowledged).filter((index) => index !== undefined);
  const reached = known.filter(
    (candidate) => known.filter((index) => index >= candidate).length >= majoritySize(members.size),
  );
  return Math.max(0, ...reached);
}
