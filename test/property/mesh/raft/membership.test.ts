import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeChange,
  encodeChange,
  type ChangeAction,
  type ChangeStep,
  type MembershipChange,
} from '#agent/mesh/raft/membership/change.ts';
import {
  brokenInvariant,
  changeSimply,
  draftChange,
  endJoint,
  enterJoint,
} from '#agent/mesh/raft/membership/changer.ts';
import { recordOf, sameRecord } from '#agent/mesh/raft/membership/membership.ts';
import { restoreTracker } from '#agent/mesh/raft/membership/restore.ts';
import { peerId } from '#agent/mesh/raft/peer-id.ts';
import { Tracker } from '#agent/mesh/raft/tracker/tracker.ts';

const limits = { messagesMax: 4, bytesMax: Infinity };
const step = fc.record<ChangeStep>({
  action: fc.constantFrom<ChangeAction>('add-voter', 'add-learner', 'remove', 'update'),
  peer: fc.integer({ min: 1, max: 7 }).map(peerId),
});
const steps = fc.array(step, { maxLength: 8 });
const change = fc.record<MembershipChange>({
  form: fc.constant('general'),
  transition: fc.constantFrom('auto', 'implicit', 'explicit'),
  steps,
  context: fc.uint8Array({ maxLength: 20 }),
});

/** A membership that random simple changes lead to. */
function grown(changes: readonly ChangeStep[]): Tracker {
  const tracker = new Tracker(limits);
  for (const one of [{ action: 'add-voter', peer: peerId(1) } as const, ...changes]) {
    const result = changeSimply({ tracker, lastIndex: 1 }, [one]);
    if (result.ok) tracker.switchTo(result.value, result.value.progress);
  }
  return tracker;
}

test('a joint change and its end lead where the same steps lead one by one', () => {
  fc.assert(
    fc.property(steps, steps, (before, wanted) => {
      const joint = grown(before);
      const entered = enterJoint({ tracker: joint, lastIndex: 1 }, true, wanted);
      fc.pre(entered.ok);
      joint.switchTo(entered.value, entered.value.progress);
      const left = endJoint({ tracker: joint, lastIndex: 1 });
      expect(left.ok).toBe(true);
      if (left.ok) joint.switchTo(left.value, left.value.progress);

      const single = grown(before);
      for (const one of wanted) {
        const result = changeSimply({ tracker: single, lastIndex: 1 }, [one]);
        // The last voter may go only to come back; one by one that is refused.
        fc.pre(result.ok);
        single.switchTo(result.value, result.value.progress);
      }
      expect(recordOf(joint.membership)).toEqual(recordOf(single.membership));
      expect([...joint.ids]).toEqual([...single.ids]);
    }),
    { numRuns: 500 },
  );
});

test('whatever is changed, the membership is sound and a snapshot of it restores the same', () => {
  fc.assert(
    fc.property(steps, fc.array(change, { maxLength: 4 }), (before, changes) => {
      const tracker = grown(before);
      for (const one of changes) {
        const result = draftChange({ tracker, lastIndex: 9 }, one);
        if (!result.ok) continue;
        tracker.switchTo(result.value, result.value.progress);
        expect(brokenInvariant(tracker.membership, tracker.progress)).toBeUndefined();
        const record = recordOf(tracker.membership);
        expect(sameRecord(recordOf(restoreTracker(record, limits, 9).membership), record)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

test('a change that fails leaves the membership as it was', () => {
  fc.assert(
    fc.property(steps, change, (before, one) => {
      const tracker = grown(before);
      const was = recordOf(tracker.membership);
      const learners = [...tracker.progress.values()].map(({ isLearner }) => isLearner);
      draftChange({ tracker, lastIndex: 9 }, one);
      expect(recordOf(tracker.membership)).toEqual(was);
      expect([...tracker.progress.values()].map(({ isLearner }) => isLearner)).toEqual(learners);
    }),
  );
});

test('decoding undoes encoding', () => {
  fc.assert(
    fc.property(change, step, (general, one) => {
      const entry = encodeChange(general);
      expect(decodeChange('change', entry.data)).toEqual(general);
      const single: MembershipChange = { ...general, form: 'single', transition: 'auto', steps: [one] };
      expect(decodeChange('change-single', encodeChange(single).data)).toEqual(single);
    }),
  );
});

test('bytes that are no change are refused, never thrown over', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
      for (const kind of ['change', 'change-single'] as const) {
        const decoded = decodeChange(kind, data);
        if (decoded !== undefined) expect(decoded.steps.length).toBeLessThanOrEqual(64);
      }
    }),
    { numRuns: 2_000 },
  );
});
