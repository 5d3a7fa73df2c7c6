import type { RaftCore } from './core.ts';
import { hup } from './elect.ts';
import { checkQuorum } from './lead.ts';
import { noPeer } from './peer-id.ts';
import { leaveJointIfDue } from './propose.ts';
import { abortTransfer, broadcastHeartbeat } from './replicate.ts';

/** One tick of the group's clock. */
export function tick(core: RaftCore): void {
  core.hasRefusedInTick = false;
  if (core.rationTicks > 0) core.rationTicks--;
  if (core.role === 'leader') tickLeader(core);
  else tickElection(core);
}

function tickElection(core: RaftCore): void {
  core.electionElapsed++;
  if (!core.promotable || core.electionElapsed < core.electionTimeout) return;
  core.electionElapsed = 0;
  hup(core, core.settings.preVote ? 'pre-election' : 'election');
}

function tickLeader(core: RaftCore): void {
  core.heartbeatElapsed++;
  core.electionElapsed++;
  if (core.electionElapsed >= core.settings.electionTicks) {
    core.electionElapsed = 0;
    if (core.settings.checkQuorum) checkQuorum(core);
    // A transfer that takes longer has failed, and proposals must not wait for it.
    if (core.role === 'leader' && core.transferee !== noPeer) abortTransfer(core);
    if (core.settings.retryLeave) leaveJointIfDue(core);
  }
  if (core.role !== 'leader' || core.heartbeatElapsed < core.settings.heartbeatTicks) return;
  core.heartbeatElapsed = 0;
  broadcastHeartbeat(core);
}
