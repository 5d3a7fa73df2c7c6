import type { LogIndex } from '../entry.ts';
import type { PeerId } from '../peer-id.ts';

/** Members that decide by majority. Without members there is nothing to wait for, so the empty set agrees to everything. */
export type Majority = ReadonlySet<PeerId>;

/** What a member has acknowledged; undefined when nothing is known of it, which counts as 0. */
export type AcknowledgedIndex = (member: PeerId) => LogIndex | undefined;

export type VoteResult = 'pending' | 'lost' | 'won';

export const majoritySize = (members: number): number => Math.floor(members / 2) + 1;

/** The largest index that a majority has acknowledged; infinite for the empty set. */
export function committedByMajority(members: Majority, acknowledged: AcknowledgedIndex): LogIndex {
  const size = members.size;
  if (size === 0) return Infinity;
  const indices: LogIndex[] = [];
  // Sorted as they come: groups are small, and this runs for every acknowledgement.
  for (const member of members) {
    const index = acknowledged(member) ?? 0;
    let at = indices.length;
    indices.push(index);
    for (; at > 0 && indices[at - 1]! > index; at--) indices[at] = indices[at - 1]!;
    indices[at] = index;
  }
  return indices[size - majoritySize(size)]!;
}

/** `won` and `lost` are final: no vote still missing can change them. */
export function voteByMajority(members: Majority, votes: ReadonlyMap<PeerId, boolean>): VoteResult {
  if (members.size === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const member of members) {
    const vote = votes.get(member);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const needed = majoritySize(members.size);
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}
