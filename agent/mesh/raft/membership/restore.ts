import { assert } from '../../../base/assert.ts';
import type { LogIndex } from '../entry.ts';
import type { PeerId } from '../peer-id.ts';
import { Tracker, type InflightLimits } from '../tracker/tracker.ts';
import { changeSimply, enterJoint, type DraftResult } from './changer.ts';
import type { ChangeAction, ChangeStep } from './change.ts';
import type { MembershipRecord } from './membership.ts';

/**
 * A tracker whose members are those of `record`, built by the same changes that a log would have applied: first the outgoing
 * voters one by one, then one joint change to the rest.
 */
export function restoreTracker(
  record: MembershipRecord,
  limits: InflightLimits,
  lastIndex: LogIndex,
): Tracker {
  const tracker = new Tracker(limits);
  const take = (result: DraftResult): void => {
    assert(result.ok, `the membership of a snapshot can be restored${result.ok ? '' : `: ${result.error}`}`);
    tracker.switchTo(result.value, result.value.progress);
  };
  const steps = (action: ChangeAction, ids: readonly PeerId[]): ChangeStep[] =>
    ids.map((peer) => ({ action, peer }));
  const incoming = [
    ...steps('remove', record.votersOutgoing),
    ...steps('add-voter', record.voters),
    ...steps('add-learner', record.learners),
    ...steps('add-learner', record.learnersNext),
  ];
  const singly = record.votersOutgoing.length === 0 ? incoming : steps('add-voter', record.votersOutgoing);
  for (const step of singly) take(changeSimply({ tracker, lastIndex }, [step]));
  if (record.votersOutgoing.length > 0) take(enterJoint({ tracker, lastIndex }, record.autoLeave, incoming));
  return tracker;
}
