import type { RaftCore } from './core.ts';
import { answerVote, countVote, hup, ignoredInLease, learnCommit, rejectVote } from './elect.ts';
import { entriesBytes, payloadBytes } from './entry.ts';
import { answerAppend, followAppend, followHeartbeat } from './follow.ts';
import { stepLeader } from './lead.ts';
import type { Message, StorageAppendDone, StorageApplyDone } from './message.ts';
import { refused, taken, type StepOutcome } from './outcome.ts';
import { noPeer } from './peer-id.ts';
import { appliedTo } from './propose.ts';
import { followSnapshot } from './restore-snapshot.ts';
import { becomeFollower } from './roles.ts';

/** Takes one message in. Terms first: a higher one is joined, a lower one answered or passed over (Raft §5.1). */
export function step(core: RaftCore, message: Message): StepOutcome {
  if (message.term > core.term) {
    if (!joinHigherTerm(core, message)) return taken;
  } else if (message.term !== 0 && message.term < core.term) {
    answerLowerTerm(core, message);
    return taken;
  }
  switch (message.type) {
    case 'campaign':
      hup(core, core.settings.preVote ? 'pre-election' : 'election');
      return taken;
    case 'storage-append-done':
      takeDurable(core, message);
      return taken;
    case 'storage-apply-done':
      takeApplied(core, message);
      return taken;
    case 'vote':
    case 'pre-vote':
      learnCommit(core, message);
      answerVote(core, message);
      return taken;
    case 'vote-answer':
    case 'pre-vote-answer':
      learnCommit(core, message);
      if (core.role === 'candidate' || core.role === 'pre-candidate') countVote(core, message);
      return taken;
    default:
      if (core.role === 'leader') return stepLeader(core, message);
      return core.role === 'follower' ? stepFollower(core, message) : stepCandidate(core, message);
  }
}

/** False when the message is to be passed over without joining its term. */
function joinHigherTerm(core: RaftCore, message: Message): boolean {
  const { type, from, term } = message;
  if ((type === 'vote' || type === 'pre-vote') && ignoredInLease(core, message)) return false;
  // A pre-vote asks for a term nobody is in yet; a granted one promises it.
  if (type === 'pre-vote' || (type === 'pre-vote-answer' && message.granted)) return true;
  core.note({ kind: 'higher-term', type, from, term });
  const isFromLeader = type === 'append' || type === 'heartbeat' || type === 'snapshot';
  becomeFollower(core, term, isFromLeader ? from : noPeer);
  return true;
}

function answerLowerTerm(core: RaftCore, message: Message): void {
  const { type, from, term } = message;
  const { checkQuorum, preVote, frankVotes } = core.settings;
  const isFromLeader = type === 'heartbeat' || type === 'append';
  if ((checkQuorum || preVote || frankVotes) && isFromLeader) {
    // With leases or pre-votes this member may never be asked to vote; a learner never stands itself; and one that does may ask none but
    // those who have left: only this answer frees a leader of a lower term (Raft §5.1).
    answerAppend(core, from, 0, null);
  } else if (type === 'pre-vote' || (type === 'vote' && frankVotes)) {
    // A silent refusal would keep a candidate of a lower term from catching up (Raft §5.1).
    rejectVote(core, message);
  } else if (type === 'storage-append-done') {
    // The entries may have been replaced since by a leader of this term; a snapshot, being committed, was not.
    if (message.upTo !== null) core.note({ kind: 'stale-append-done', term });
    takeDurableSnapshot(core, message);
    core.endDoubt();
  } else core.note({ kind: 'stale-message', type, from, term });
}

function takeDurable(core: RaftCore, message: StorageAppendDone): void {
  const { unstable } = core.log;
  const before = unstable.bytes;
  if (message.upTo !== null) unstable.stableTo(message.upTo);
  if (unstable.bytes < before || unstable.length === 0) core.isFull = false;
  takeDurableSnapshot(core, message);
  core.endDoubt();
}

function takeDurableSnapshot(core: RaftCore, message: StorageAppendDone): void {
  if (message.snapshot === null) return;
  const { index } = message.snapshot.id;
  core.log.unstable.snapshotStableTo(index);
  appliedTo(core, index, 0);
}

function takeApplied(core: RaftCore, message: StorageApplyDone): void {
  core.isFull = false;
  const last = message.entries.at(-1);
  if (last === undefined) return;
  appliedTo(core, last.index, entriesBytes(message.entries));
  core.uncommittedBytes = Math.max(0, core.uncommittedBytes - payloadBytes(message.entries));
}

function stepCandidate(core: RaftCore, message: Message): StepOutcome {
  switch (message.type) {
    case 'propose':
      core.note({ kind: 'proposal-without-leader' });
      return refused('no-leader');
    case 'read-index':
      return refused('no-leader');
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      // Somebody has won this term.
      becomeFollower(core, message.term, message.from);
      return stepFollower(core, message);
    case 'timeout-now':
      core.note({ kind: 'timeout-now-ignored', from: message.from });
      return taken;
    default:
      return taken;
  }
}

function stepFollower(core: RaftCore, message: Message): StepOutcome {
  switch (message.type) {
    case 'append':
      hearLeader(core, message);
      followAppend(core, message);
      return taken;
    case 'heartbeat':
      hearLeader(core, message);
      followHeartbeat(core, message);
      return taken;
    case 'snapshot':
      hearLeader(core, message);
      followSnapshot(core, message);
      return taken;
    case 'timeout-now':
      core.note({ kind: 'timeout-now', from: message.from });
      // The leader asks for it: no pre-vote, and no lease stands in the way.
      hup(core, 'transfer');
      return taken;
    case 'read-index-answer':
      core.readStates.push({ index: message.index, context: message.context });
      return taken;
    case 'forget-leader':
      forgetLeader(core);
      return taken;
    case 'propose':
    case 'read-index':
    case 'transfer-leader':
      return passToLeader(core, message);
    default:
      return taken;
  }
}

function hearLeader(core: RaftCore, message: Message): void {
  core.electionElapsed = 0;
  core.lead = message.from;
}

function passToLeader(
  core: RaftCore,
  message: Extract<Message, { type: 'propose' | 'read-index' | 'transfer-leader' }>,
): StepOutcome {
  const { lead } = core;
  if (lead === noPeer) {
    if (message.type === 'propose') core.note({ kind: 'proposal-without-leader' });
    else
      core.note({ kind: message.type === 'read-index' ? 'read-without-leader' : 'transfer-without-leader' });
    return refused('no-leader');
  }
  if (message.type === 'propose' && !core.settings.forwardProposals) {
    core.note({ kind: 'proposal-not-forwarded', lead });
    return refused('leader-elsewhere');
  }
  const from = message.from === noPeer ? core.id : message.from;
  if (message.type === 'transfer-leader') core.send({ ...message, to: lead, from, term: core.term });
  else core.send({ ...message, to: lead, from });
  return taken;
}

/** The host knows the leader is gone: pre-votes may pass at once. Not with leases, which rest on that memory. */
function forgetLeader(core: RaftCore): void {
  if (core.settings.readMode === 'lease') return core.note({ kind: 'forget-refused-by-lease' });
  if (core.lead === noPeer) return;
  core.note({ kind: 'leader-forgotten', lead: core.lead });
  core.lead = noPeer;
}
