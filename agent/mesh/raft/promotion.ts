import type { LogIndex } from './entry.ts';
import type { MemberStatus } from './member.ts';
import type { PeerId } from './peer-id.ts';

/**
 * The learners a leader may promote without holding the group up: heard since the last check of the quorum, replicating, and at most
 * `lagMax` entries behind what is committed. Empty on others than leaders.
 */
export function promotableLearners(status: MemberStatus, lagMax: LogIndex): PeerId[] {
  const ready: PeerId[] = [];
  for (const [id, progress] of status.progress) {
    const isFollowing = progress.isLearner && progress.state === 'replicate' && progress.recentActive;
    if (isFollowing && progress.match + lagMax >= status.hardState.commit) ready.push(id);
  }
  return ready;
}
