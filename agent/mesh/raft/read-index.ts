import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import type { LogIndex } from './entry.ts';
import type { ReadIndexMessage } from './message.ts';
import { refused, taken, type StepOutcome } from './outcome.ts';
import { noPeer } from './peer-id.ts';
import { broadcastHeartbeat } from './replicate.ts';

/** A leader takes a read. It waits for the first commit of the term: before that the leader may not know what is committed. */
export function readAsLeader(core: RaftCore, message: ReadIndexMessage): StepOutcome {
  if (!core.roomForRead) return refused('reads-full');
  else if (core.committedInTerm) startRead(core, message);
  else core.pendingReads.push(message);
  return taken;
}

function startRead(core: RaftCore, message: ReadIndexMessage): void {
  if (core.tracker.isAlone(core.id) || core.reads.mode === 'lease')
    return answerRead(core, message, core.log.committed);
  core.reads.add(message, core.log.committed);
  core.reads.confirm(core.id, core.reads.mark);
  broadcastHeartbeat(core);
}

/** The first commit of the term has come. */
export function releasePendingReads(core: RaftCore): void {
  if (core.pendingReads.length === 0) return;
  assert(core.committedInTerm, 'reads are released by a commit of the term');
  const messages = core.pendingReads;
  core.pendingReads = [];
  for (const message of messages) startRead(core, message);
}

/** Gives the answer to whoever asked: the own host, or the member that passed the read on. */
export function answerRead(core: RaftCore, request: ReadIndexMessage, index: LogIndex): void {
  const { from, context } = request;
  if (from === noPeer || from === core.id) {
    core.readStates.push({ index, context });
    return;
  }
  core.send({ type: 'read-index-answer', to: from, from: core.id, term: core.term, index, context });
}
