import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import { payloadBytes, type Entry, type Proposal } from './entry.ts';
import { noPeer, type PeerId } from './peer-id.ts';
import type { Progress } from './tracker/progress.ts';

/** Sends the next append to a member, unless it is paused; also without entries, when `evenEmpty`. False when nothing left. */
export function sendAppend(core: RaftCore, to: PeerId, evenEmpty: boolean): boolean {
  const progress = core.tracker.get(to)!;
  if (progress.paused) return false;
  const previous = progress.next - 1;
  const term = core.log.term(previous);
  if (term === undefined)
    return (evenEmpty || core.settings.pacing === 'lean') && sendSnapshot(core, to, progress);
  let entries: readonly Entry[] | undefined = [];
  // A full window sends no entries but may still tell a commit index.
  if (progress.state !== 'replicate' || !progress.inflights.full)
    entries = core.log.entriesFrom(progress.next, core.settings.limits.messageBytesMax);
  if (!evenEmpty && (entries === undefined || entries.length === 0)) return false;
  if (entries === undefined) return sendSnapshot(core, to, progress);
  const commit = core.log.committed;
  core.send({
    type: 'append',
    to,
    from: core.id,
    term: core.term,
    previous: { term, index: previous },
    entries,
    commit,
  });
  progress.sentEntries(entries.length, payloadBytes(entries));
  progress.sentCommit = commit;
  return true;
}

/** To a member that needs entries the log no longer holds. Only to one that lives, as a snapshot is dear. */
function sendSnapshot(core: RaftCore, to: PeerId, progress: Progress): boolean {
  if (!progress.recentActive) {
    core.note({ kind: 'snapshot-not-sent-inactive', to });
    return false;
  }
  const snapshot = core.log.snapshot();
  if (snapshot === undefined) {
    core.note({ kind: 'snapshot-not-ready', to });
    return false;
  }
  assert(snapshot.id.index > 0, 'a compacted log has a snapshot');
  core.note({ kind: 'snapshot-sent', to, snapshot: snapshot.id, progress });
  if (core.settings.pacing === 'eager') progress.becomeSnapshot(snapshot.id.index, progress.next);
  else progress.becomeSnapshot(snapshot.id.index);
  core.note({ kind: 'replication-paused', to, progress });
  core.send({ type: 'snapshot', to, from: core.id, term: core.term, snapshot });
  return true;
}

export function broadcastAppend(core: RaftCore): void {
  for (const id of core.tracker.ids) if (id !== core.id) sendAppend(core, id, true);
}

/** Tells each member no more of the commit index than its log is known to reach, so that it can follow. */
export function broadcastHeartbeat(core: RaftCore): void {
  const readMark = core.reads.mark;
  for (const id of core.tracker.ids) {
    if (id === core.id) continue;
    const progress = core.tracker.get(id)!;
    progress.hasFallenBack = false;
    const commit = Math.min(progress.match, core.log.committed);
    core.send({ type: 'heartbeat', to: id, from: core.id, term: core.term, commit, readMark });
    progress.sentCommit = commit;
  }
}

/** Commits what a quorum holds durably, as far as it is of this term (Raft §5.4.2). */
export function tryCommit(core: RaftCore): boolean {
  return core.log.tryCommit({ term: core.term, index: core.tracker.committed() });
}

/**
 * Gives proposals their place in the leader's log. Its own acknowledgement waits for its disk like everybody's. False when
 * that would exceed what may be proposed and uncommitted; one proposal always passes, and an empty one too.
 */
export function appendProposals(core: RaftCore, proposals: readonly Proposal[]): boolean {
  const bytes = payloadBytes(proposals);
  const total = core.uncommittedBytes + bytes;
  if (core.uncommittedBytes > 0 && bytes > 0 && total > core.settings.limits.uncommittedBytesMax) {
    core.note({ kind: 'proposal-over-limit' });
    return false;
  }
  core.uncommittedBytes = total;
  const start = core.log.lastIndex() + 1;
  const entries = proposals.map(({ kind, data }, at): Entry => ({
    term: core.term,
    index: start + at,
    kind,
    data,
  }));
  const index = core.log.append(entries);
  core.send({ type: 'append-answer', to: core.id, from: core.id, term: core.term, index, refused: null });
  return true;
}

export function sendTimeoutNow(core: RaftCore, to: PeerId): void {
  core.send({ type: 'timeout-now', to, from: core.id, term: core.term });
}

export function abortTransfer(core: RaftCore): void {
  core.transferee = noPeer;
}
