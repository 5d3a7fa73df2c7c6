import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import { noData, type Term } from './entry.ts';
import { noPeer, type PeerId } from './peer-id.ts';
import { appendProposals } from './replicate.ts';

/** In the same term the vote stays: a candidate that yields has still voted for itself. */
export function becomeFollower(core: RaftCore, term: Term, lead: PeerId): void {
  core.reset(term);
  core.lead = lead;
  core.role = 'follower';
  core.note({ kind: 'became-follower' });
}

/** Raft §5.2: a new term, and the own vote. */
export function becomeCandidate(core: RaftCore): void {
  assert(core.role !== 'leader', 'a leader does not stand for election');
  core.reset(core.term + 1);
  core.vote = core.id;
  core.role = 'candidate';
  core.note({ kind: 'became-candidate' });
}

/** Asks whether an election could be won. Neither term nor vote moves, nor the clock of the election. */
export function becomePreCandidate(core: RaftCore): void {
  assert(core.role !== 'leader', 'a leader does not stand for election');
  core.tracker.resetVotes();
  core.lead = noPeer;
  core.role = 'pre-candidate';
  core.note({ kind: 'became-pre-candidate' });
}

/** Opens the term with an empty entry: with it everything before is committed too (Raft §8). */
export function becomeLeader(core: RaftCore): void {
  assert(core.role === 'candidate', 'a leader has stood for election');
  core.reset(core.term);
  core.lead = core.id;
  core.role = 'leader';
  const own = core.tracker.get(core.id);
  assert(own !== undefined, 'a leader is a member');
  own.becomeReplicate();
  own.recentActive = true;
  // Nobody has looked for changes in the uncommitted tail; so there may be one as far as it reaches.
  core.pendingChangeIndex = core.log.lastIndex();
  const taken = appendProposals(core, [{ kind: 'normal', data: noData }]);
  assert(taken, 'the entry that opens a term is empty and always passes');
  core.note({ kind: 'became-leader' });
}
