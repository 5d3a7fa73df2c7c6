import type { RaftCore } from './core.ts';
import type { TransferMessage } from './message.ts';
import { noPeer } from './peer-id.ts';
import { abortTransfer, sendAppend, sendTimeoutNow } from './replicate.ts';
import type { Progress } from './tracker/progress.ts';

/** Thesis §3.10: bring the successor's log up to date, then let it stand at once. Given up after an election timeout. */
export function transferAsLeader(core: RaftCore, message: TransferMessage, progress: Progress): void {
  if (progress.isLearner) return core.note({ kind: 'transfer-to-learner' });
  const transferee = message.from;
  const before = core.transferee;
  if (before === transferee) return core.note({ kind: 'transfer-already-on', transferee });
  if (before !== noPeer) {
    abortTransfer(core);
    core.note({ kind: 'transfer-aborted', transferee: before });
  }
  if (transferee === core.id) return core.note({ kind: 'transfer-to-self' });
  core.note({ kind: 'transfer-started', transferee });
  core.electionElapsed = 0;
  core.transferee = transferee;
  if (progress.match === core.log.lastIndex()) {
    sendTimeoutNow(core, transferee);
    core.note({ kind: 'transfer-at-once', transferee });
  } else sendAppend(core, transferee, true);
}
