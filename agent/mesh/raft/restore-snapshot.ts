import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import { answerAppend } from './follow.ts';
import { isMember, sameRecord } from './membership/membership.ts';
import { restoreTracker } from './membership/restore.ts';
import type { SnapshotMessage } from './message.ts';
import { switchMembership } from './reconfigure.ts';
import type { Snapshot } from './snapshot.ts';

/** A leader's snapshot takes the place of the log, if it goes further (Raft §7). */
export function followSnapshot(core: RaftCore, message: SnapshotMessage): void {
  const { id } = message.snapshot;
  if (restore(core, message.snapshot)) {
    core.note({ kind: 'snapshot-taken', snapshot: id });
    answerAppend(core, message.from, core.log.lastIndex(), null);
  } else {
    core.note({ kind: 'snapshot-ignored', snapshot: id });
    answerAppend(core, message.from, core.log.committed, null);
  }
}

function restore(core: RaftCore, snapshot: Snapshot): boolean {
  const { id, membership } = snapshot;
  if (id.index <= core.log.committed) return false;
  assert(core.role === 'follower', 'only a follower restores a snapshot');
  if (!isMember(membership, core.id)) {
    core.note({ kind: 'snapshot-without-me', membership });
    return false;
  }
  // The log holds all of it: then it is all committed, and no data need be replaced.
  if (core.log.holds(id)) {
    core.note({ kind: 'snapshot-fast-forwarded', snapshot: id, last: core.lastId() });
    core.log.commitTo(id.index);
    return false;
  }
  core.log.restore(snapshot);
  const tracker = restoreTracker(membership, core.tracker.limits, core.log.lastIndex());
  core.tracker = tracker;
  const record = switchMembership(core, tracker.membership, tracker.progress);
  assert(sameRecord(record, membership), 'a restored membership is that of the snapshot');
  core.note({ kind: 'snapshot-restored', snapshot: id, last: core.lastId() });
  return true;
}
