import type { RaftCore } from './core.ts';
import type { LogIndex } from './entry.ts';
import type { AppendAnswer, HeartbeatAnswer, Message, SnapshotReport } from './message.ts';
import { taken, type StepOutcome } from './outcome.ts';
import { noPeer, type PeerId } from './peer-id.ts';
import { proposeAsLeader } from './propose.ts';
import { answerRead, readAsLeader, releasePendingReads } from './read-index.ts';
import { broadcastAppend, sendAppend, sendTimeoutNow, tryCommit } from './replicate.ts';
import { becomeFollower } from './roles.ts';
import type { Progress } from './tracker/progress.ts';
import { transferAsLeader } from './transfer.ts';

/** What a leader does with a message of its term. */
export function stepLeader(core: RaftCore, message: Message): StepOutcome {
  if (message.type === 'propose') return proposeAsLeader(core, message.entries);
  if (message.type === 'read-index') return readAsLeader(core, message);
  if (message.type === 'forget-leader') return taken;
  const progress = core.tracker.get(message.from);
  if (progress === undefined) {
    core.note({ kind: 'stranger', from: message.from });
    return taken;
  }
  switch (message.type) {
    case 'append-answer':
      progress.recentActive = true;
      if (message.endsAt !== undefined && message.endsAt < progress.match && !progress.hasFallenBack)
        takeLoss(core, message.from, message.endsAt, progress);
      else if (message.refused === null) takeAcknowledgement(core, message, progress);
      else takeRefusal(core, message, progress);
      break;
    case 'heartbeat-answer':
      takeHeartbeatAnswer(core, message, progress);
      break;
    case 'snapshot-report':
      takeSnapshotReport(core, message, progress);
      break;
    case 'unreachable':
      // Appends in flight are probably lost.
      if (progress.state === 'replicate') progress.becomeProbe();
      core.note({ kind: 'unreachable', from: message.from, progress });
      break;
    case 'transfer-leader':
      transferAsLeader(core, message, progress);
      break;
    default:
      break;
  }
  return taken;
}

/**
 * The member has lost what it acknowledged. To count less is always safe: what is committed stays so, and nobody who is in doubt votes.
 * A late answer costs a probe, so one counts until the next heartbeat.
 */
function takeLoss(core: RaftCore, from: PeerId, endsAt: LogIndex, progress: Progress): void {
  core.note({ kind: 'loss-reported', from, endsAt, progress });
  progress.fallBack(endsAt);
  sendAppend(core, from, true);
}

function takeRefusal(core: RaftCore, message: AppendAnswer, progress: Progress): void {
  const { from, index } = message;
  const hint = message.refused!;
  core.note({ kind: 'append-answer-refused', from, index, hint });
  // The leader too can skip: what it holds above the member's term cannot be there.
  const next = hint.term > 0 ? core.log.lastAtOrBelowTerm(hint.index, hint.term).index : hint.index;
  const least = core.settings.pacing === 'eager' ? 1 : progress.match + 1;
  if (!progress.retreat(index, next, least)) return;
  core.note({ kind: 'progress-decreased', from, progress });
  if (progress.state === 'replicate') progress.becomeProbe();
  sendAppend(core, from, true);
}

function takeAcknowledgement(core: RaftCore, message: AppendAnswer, progress: Progress): void {
  const { from, index } = message;
  const eager = core.settings.pacing === 'eager';
  const wasPaused = progress.paused;
  const isNews = progress.acknowledge(index);
  // A probe is also answered by what was known already.
  if (!isNews && !(progress.match === index && progress.state === 'probe')) return;
  if (progress.state === 'probe') progress.becomeReplicate();
  else if (progress.state === 'replicate') progress.inflights.freeUpTo(index);
  else if (progress.match >= (eager ? progress.pendingSnapshot : core.log.firstIndex() - 1)) {
    // Its log meets the leader's again, by this snapshot or another.
    core.note({ kind: 'snapshot-caught-up', from, progress });
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  if (tryCommit(core)) {
    releasePendingReads(core);
    broadcastAppend(core);
  } else if (from !== core.id && (eager ? wasPaused : progress.canRaiseCommit(core.log.committed)))
    sendAppend(core, from, true);
  // Fill the window; each message is bounded, so there may be several. Ends when paused or nothing is left.
  if (from !== core.id) while (sendAppend(core, from, false));
  if (from === core.transferee && progress.match === core.log.lastIndex()) {
    core.note({ kind: 'transfer-caught-up', transferee: from });
    sendTimeoutNow(core, from);
  }
}

function takeHeartbeatAnswer(core: RaftCore, message: HeartbeatAnswer, progress: Progress): void {
  const { from, readMark } = message;
  progress.recentActive = true;
  progress.appendPaused = false;
  if (progress.match < core.log.lastIndex() || progress.state === 'probe') sendAppend(core, from, true);
  if (core.reads.mode !== 'safe' || readMark === 0) return;
  core.reads.confirm(from, readMark);
  for (const read of core.reads.takeConfirmed(core.tracker.membership))
    answerRead(core, read.request, read.index);
}

/** Waits for the member's own answer (or a heartbeat's) before it probes, as the snapshot is still to be applied. */
function takeSnapshotReport(core: RaftCore, message: SnapshotReport, progress: Progress): void {
  if (progress.state !== 'snapshot') return;
  if (message.failed) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  core.note({
    kind: message.failed ? 'snapshot-failed' : 'snapshot-succeeded',
    from: message.from,
    progress,
  });
  progress.appendPaused = true;
}

/** Once an election timeout: a leader that no quorum answers may have been replaced, and steps down. */
export function checkQuorum(core: RaftCore): void {
  if (!core.tracker.quorumActive()) {
    core.note({ kind: 'quorum-lost' });
    becomeFollower(core, core.term, noPeer);
  }
  for (const id of core.tracker.ids) if (id !== core.id) core.tracker.get(id)!.recentActive = false;
}
