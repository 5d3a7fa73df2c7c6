import type { RaftCore } from './core.ts';
import type { VoteAnswer, VoteMessage } from './message.ts';
import { noPeer } from './peer-id.ts';
import { votersOf } from './quorum/joint.ts';
import { broadcastAppend } from './replicate.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './roles.ts';

export type Campaign = 'pre-election' | 'election' | 'transfer';

/** Stands for election, if this member may. */
export function hup(core: RaftCore, campaign: Campaign): void {
  if (core.role === 'leader') return core.note({ kind: 'campaign-while-leading' });
  if (!core.promotable) return core.note({ kind: 'campaign-unpromotable' });
  // Its quorum may not be the group's any more.
  if (core.log.hasUnappliedChange()) return core.note({ kind: 'campaign-before-change-applied' });
  core.note({ kind: 'campaign-started' });
  runCampaign(core, campaign);
}

function runCampaign(core: RaftCore, campaign: Campaign): void {
  const pre = campaign === 'pre-election';
  if (pre) becomePreCandidate(core);
  else becomeCandidate(core);
  const term = pre ? core.term + 1 : core.term;
  const type = pre ? 'pre-vote' : 'vote';
  const last = core.lastId();
  const commit = core.committedId();
  for (const to of votersOf(core.tracker.membership)) {
    if (to === core.id) {
      // The own vote counts when it is durable, like everybody's.
      core.send({ type: answerTo(type), to, from: core.id, term, granted: true, commit });
      continue;
    }
    core.note({ kind: 'vote-requested', type, to, last });
    core.send({ type, to, from: core.id, term, last, commit, transfer: campaign === 'transfer' });
  }
}

const answerTo = (type: VoteMessage['type']): VoteAnswer['type'] =>
  type === 'vote' ? 'vote-answer' : 'pre-vote-answer';

/**
 * Whether a request of a higher term is to be passed over: a leader was heard within the election timeout, and this is not its own
 * wish (Raft §6, last part).
 */
export function ignoredInLease(core: RaftCore, message: VoteMessage): boolean {
  const left = core.settings.electionTicks - core.electionElapsed;
  if (message.transfer || !core.settings.checkQuorum || core.lead === noPeer || left <= 0) return false;
  core.note({
    kind: 'vote-ignored-in-lease',
    type: message.type,
    from: message.from,
    candidateLast: message.last,
    last: core.lastId(),
    ticksLeft: left,
  });
  return true;
}

/** Raft §5.2, §5.4.1: one vote a term, and only for a log that holds all this one may have committed. */
export function answerVote(core: RaftCore, message: VoteMessage): void {
  const mayVote =
    core.vote === message.from ||
    (core.vote === noPeer && core.lead === noPeer) ||
    (message.type === 'pre-vote' && message.term > core.term);
  // What this log has lost may be what the candidate lacks.
  if (!mayVote || core.doubt > 0 || !core.log.isUpToDate(message.last)) return rejectVote(core, message);
  const { type, from, last: candidateLast, term } = message;
  core.note({ kind: 'vote-cast', type, from, candidateLast, last: core.lastId() });
  // The term that was asked for: a pre-candidate would take the lower one for stale.
  const commit = core.committedId();
  core.send({ type: answerTo(type), to: from, from: core.id, term, granted: true, commit });
  if (type === 'vote') {
    core.electionElapsed = 0;
    core.vote = from;
  }
}

/**
 * What another knows to be committed is committed here too, if this log holds it. A member needs this that missed the last news of
 * a leader which then left the group: as long as it takes the old membership for the one in force, it asks the leaver for its vote, who may
 * hold the longer log and never stands itself (known from raft-rs). A campaign that rests on a membership now passed is over.
 */
export function learnCommit(core: RaftCore, { from, commit }: VoteMessage | VoteAnswer): void {
  if (!core.settings.frankVotes || core.role === 'leader' || !core.log.tryCommit(commit)) return;
  core.note({ kind: 'commit-learnt-from-vote', from, commit });
  if (core.role !== 'follower' && core.log.hasUnappliedChange()) becomeFollower(core, core.term, noPeer);
}

/** With the own term, so that a candidate of a lower one catches up. */
export function rejectVote(core: RaftCore, message: VoteMessage): void {
  const { type, from, last: candidateLast } = message;
  core.note({ kind: 'vote-rejected', type, from, candidateLast, last: core.lastId() });
  const commit = core.committedId();
  core.send({ type: answerTo(type), to: from, from: core.id, term: core.term, granted: false, commit });
}

/** An answer to the running campaign; one to another kind of campaign is passed over. */
export function countVote(core: RaftCore, message: VoteAnswer): void {
  const expected = core.role === 'pre-candidate' ? 'pre-vote-answer' : 'vote-answer';
  if (message.type !== expected) return;
  const { type, from, granted } = message;
  core.note({ kind: 'vote-received', type, from, granted });
  core.tracker.recordVote(from, granted);
  const tally = core.tracker.tally();
  core.note({ kind: 'votes-counted', type, granted: tally.granted, rejected: tally.rejected });
  if (tally.result === 'lost') becomeFollower(core, core.term, noPeer);
  if (tally.result !== 'won') return;
  if (core.role === 'pre-candidate') return runCampaign(core, 'election');
  // Its term and vote may be on their way to the disk still. Elected by others alone, and started anew without them, it would stand
  // in the same term again and lead in it twice.
  if (core.settings.ownVoteFirst && !core.tracker.hasVoted(core.id)) return;
  becomeLeader(core);
  broadcastAppend(core);
}
