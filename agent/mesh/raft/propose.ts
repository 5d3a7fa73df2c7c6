import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import { isChangeKind, noData, type LogIndex, type Proposal } from './entry.ts';
import { decodeChange, encodeChange, leaveJoint, type MembershipChange } from './membership/change.ts';
import { draftChange } from './membership/changer.ts';
import { isJoint } from './membership/membership.ts';
import type { ChangeRefusal } from './note.ts';
import { refused, taken, type StepOutcome } from './outcome.ts';
import { noPeer } from './peer-id.ts';
import { appendProposals, broadcastAppend } from './replicate.ts';

/** A leader takes proposals into its log, all or none, and sends them on. */
export function proposeAsLeader(core: RaftCore, proposals: readonly Proposal[]): StepOutcome {
  assert(proposals.length > 0, 'something is proposed');
  const { limits } = core.settings;
  // Removed while leading, and not yet stepped down.
  if (core.tracker.get(core.id) === undefined) return refused('not-a-member');
  if (core.transferee !== noPeer) {
    core.note({ kind: 'proposal-during-transfer', transferee: core.transferee });
    return refused('transfer');
  }
  if (proposals.some(({ data }) => data.length > limits.entryBytesMax)) return refused('too-large');
  if (core.log.committed - core.log.applied > limits.unappliedEntriesMax) return refused('apply-behind');
  const admitted = admitChanges(core, proposals);
  if (admitted === undefined) return refused('malformed');
  if (!appendProposals(core, admitted)) return refused('uncommitted-full');
  broadcastAppend(core);
  return taken;
}

/** A change that must not be made now becomes an empty entry, so that whoever waits for it learns. */
function admitChanges(core: RaftCore, proposals: readonly Proposal[]): readonly Proposal[] | undefined {
  if (proposals.every(({ kind }) => !isChangeKind(kind))) return proposals;
  const admitted: Proposal[] = [];
  for (const proposal of proposals) {
    const { kind } = proposal;
    if (!isChangeKind(kind)) {
      admitted.push(proposal);
      continue;
    }
    const change = decodeChange(kind, proposal.data);
    if (change === undefined) return undefined;
    const reason = refusalOf(core, change);
    if (reason !== undefined && core.settings.guardChanges) {
      core.note({ kind: 'change-refused', change, membership: core.tracker.membership, reason });
      admitted.push({ kind: 'refused-change', data: noData });
    } else {
      core.pendingChangeIndex = core.log.lastIndex() + admitted.length + 1;
      admitted.push(proposal);
    }
  }
  return admitted;
}

/** One change at a time, counted until it is applied; joint phases are entered and left in turn. */
function refusalOf(core: RaftCore, change: MembershipChange): ChangeRefusal | undefined {
  const { applied } = core.log;
  if (core.pendingChangeIndex > applied)
    return { why: 'change-pending', pending: core.pendingChangeIndex, applied };
  const joint = isJoint(core.tracker.membership);
  const leaves = change.steps.length === 0;
  if (joint && !leaves) return { why: 'joint-phase-on' };
  if (!joint && leaves) return { why: 'no-joint-phase' };
  if (!core.settings.guardImpossible) return undefined;
  // Everything before is applied, so what cannot be done now cannot be done then, and would stop every member for good.
  const draft = draftChange({ tracker: core.tracker, lastIndex: core.log.lastIndex() }, change);
  return draft.ok ? undefined : { why: 'impossible', problem: draft.error };
}

/** The state machine has applied up to `index`. A leader then ends a joint phase that is to end by itself. */
export function appliedTo(core: RaftCore, index: LogIndex, bytes: number): void {
  const applied = Math.max(index, core.log.applied);
  core.log.appliedTo(applied, bytes);
  leaveJointIfDue(core);
}

/** Refused, say during a transfer, it is tried again with the next entry that is applied, or the next check of the quorum. */
export function leaveJointIfDue(core: RaftCore): void {
  const { membership } = core.tracker;
  if (!membership.autoLeave || core.role !== 'leader' || core.log.applied < core.pendingChangeIndex) return;
  // An empty change has no payload, so no bound on sizes stands in its way.
  const outcome = proposeAsLeader(core, [encodeChange(leaveJoint)]);
  core.note({ kind: outcome.taken ? 'leave-joint-proposed' : 'leave-joint-not-proposed', membership });
}
