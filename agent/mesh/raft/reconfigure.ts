import { assert } from '../../base/assert.ts';
import type { RaftCore } from './core.ts';
import { brokenInvariant, draftChange } from './membership/changer.ts';
import type { MembershipChange } from './membership/change.ts';
import { recordOf, type Membership, type MembershipRecord } from './membership/membership.ts';
import { noPeer, type PeerId } from './peer-id.ts';
import { abortTransfer, broadcastAppend, sendAppend, tryCommit } from './replicate.ts';
import { becomeFollower } from './roles.ts';
import type { Progress } from './tracker/progress.ts';

/** Puts a committed change into effect; the host calls it when it applies the entry, exactly once, in log order. */
export function applyChange(core: RaftCore, change: MembershipChange): MembershipRecord {
  const result = draftChange({ tracker: core.tracker, lastIndex: core.log.lastIndex() }, change);
  assert(result.ok, `a committed change can be applied${result.ok ? '' : `: ${result.error}`}`);
  return switchMembership(core, result.value, result.value.progress);
}

/** The new membership counts from now on. A leader commits and sends what that allows, or steps down if it is not in it. */
export function switchMembership(
  core: RaftCore,
  membership: Membership,
  progress: ReadonlyMap<PeerId, Progress>,
): MembershipRecord {
  const broken = brokenInvariant(membership, progress);
  assert(broken === undefined, `a membership is sound${broken === undefined ? '' : `: ${broken}`}`);
  core.tracker.switchTo(membership, progress);
  core.note({ kind: 'membership-switched', membership });
  const record = recordOf(membership);
  const own = core.tracker.get(core.id);
  core.isLearner = own?.isLearner ?? false;
  if (core.role !== 'leader') return record;
  if (own === undefined || own.isLearner) {
    if (core.settings.stepDownOnRemoval) becomeFollower(core, core.term, noPeer);
    return record;
  }
  if (record.voters.length === 0) return record;
  // A smaller quorum may hold what the larger did not.
  if (tryCommit(core)) broadcastAppend(core);
  else for (const id of core.tracker.ids) if (id !== core.id) sendAppend(core, id, false);
  const { transferee } = core;
  const isVoter = membership.incoming.has(transferee) || membership.outgoing.has(transferee);
  if (transferee !== noPeer && !isVoter) abortTransfer(core);
  return record;
}
