import { fail, ok, type Result } from '../../../base/result.ts';
import type { LogIndex } from '../entry.ts';
import type { PeerId } from '../peer-id.ts';
import { Progress } from '../tracker/progress.ts';
import type { Tracker } from '../tracker/tracker.ts';
import { routeOf, type ChangeStep, type MembershipChange } from './change.ts';
import { isJoint, type Membership } from './membership.ts';

/** A membership under construction, and the progress of exactly its members. */
export interface Draft {
  readonly incoming: Set<PeerId>;
  readonly outgoing: Set<PeerId>;
  readonly learners: Set<PeerId>;
  readonly learnersNext: Set<PeerId>;
  autoLeave: boolean;
  readonly progress: Map<PeerId, Progress>;
}

/** Why a change cannot be put into effect. */
export type ChangeProblem =
  | 'already-joint'
  | 'not-joint'
  | 'no-voters-to-leave'
  | 'joint-needs-leave'
  | 'several-voters-changed'
  | 'all-voters-removed';

export type DraftResult = Result<Draft, ChangeProblem>;

/** What a change starts from. */
export interface ChangeBase {
  readonly tracker: Tracker;
  /** The log's last index, where a new member's progress begins to probe. */
  readonly lastIndex: LogIndex;
}

/** The membership after `change`, by the route it asks for. */
export function draftChange(base: ChangeBase, change: MembershipChange): DraftResult {
  const route = routeOf(change);
  if (route.kind === 'leave') return endJoint(base);
  if (route.kind === 'enter') return enterJoint(base, route.autoLeave, change.steps);
  return changeSimply(base, change.steps);
}

/** Starts a joint phase: the voters of now become `outgoing`, and `steps` change `incoming` (Raft §6). */
export function enterJoint(base: ChangeBase, autoLeave: boolean, steps: readonly ChangeStep[]): DraftResult {
  const draft = draftOf(base.tracker);
  if (isJoint(draft)) return fail('already-joint');
  if (draft.incoming.size === 0) return fail('no-voters-to-leave');
  for (const id of draft.incoming) draft.outgoing.add(id);
  const problem = takeSteps(base, draft, steps);
  if (problem !== undefined) return fail(problem);
  draft.autoLeave = autoLeave;
  return ok(draft);
}

/** Ends a joint phase: `outgoing` goes, and who waited to become a learner becomes one. */
export function endJoint(base: ChangeBase): DraftResult {
  const draft = draftOf(base.tracker);
  if (!isJoint(draft)) return fail('not-joint');
  for (const id of draft.learnersNext) {
    draft.learners.add(id);
    draft.progress.get(id)!.isLearner = true;
  }
  draft.learnersNext.clear();
  for (const id of draft.outgoing) {
    if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.progress.delete(id);
  }
  draft.outgoing.clear();
  draft.autoLeave = false;
  return ok(draft);
}

/** A change without a joint phase: at most one voter comes or goes, so that old and new majorities overlap. */
export function changeSimply(base: ChangeBase, steps: readonly ChangeStep[]): DraftResult {
  const draft = draftOf(base.tracker);
  if (isJoint(draft)) return fail('joint-needs-leave');
  const problem = takeSteps(base, draft, steps);
  if (problem !== undefined) return fail(problem);
  const difference = base.tracker.membership.incoming.symmetricDifference(draft.incoming);
  return difference.size > 1 ? fail('several-voters-changed') : ok(draft);
}

function draftOf(tracker: Tracker): Draft {
  const { incoming, outgoing, learners, learnersNext, autoLeave } = tracker.membership;
  const progress = new Map<PeerId, Progress>();
  for (const id of tracker.ids) progress.set(id, tracker.get(id)!.fork());
  return {
    incoming: new Set(incoming),
    outgoing: new Set(outgoing),
    learners: new Set(learners),
    learnersNext: new Set(learnersNext),
    autoLeave,
    progress,
  };
}

function takeSteps(base: ChangeBase, draft: Draft, steps: readonly ChangeStep[]): ChangeProblem | undefined {
  for (const step of steps) {
    // A step for nobody: a change that was refused after it entered the log.
    if (step.peer === 0) continue;
    if (step.action === 'add-voter') makeVoter(base, draft, step.peer);
    else if (step.action === 'add-learner') makeLearner(base, draft, step.peer);
    else if (step.action === 'remove') remove(draft, step.peer);
  }
  return draft.incoming.size === 0 ? 'all-voters-removed' : undefined;
}

function makeVoter(base: ChangeBase, draft: Draft, id: PeerId): void {
  const progress = draft.progress.get(id);
  draft.incoming.add(id);
  if (progress === undefined) {
    draft.progress.set(id, newProgress(base, false));
    return;
  }
  progress.isLearner = false;
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
}

/** A voter of `outgoing` stays one until the joint phase ends, and is noted in `learnersNext`. */
function makeLearner(base: ChangeBase, draft: Draft, id: PeerId): void {
  const progress = draft.progress.get(id);
  if (progress === undefined) {
    draft.learners.add(id);
    draft.progress.set(id, newProgress(base, true));
    return;
  }
  if (progress.isLearner) return;
  remove(draft, id);
  draft.progress.set(id, progress);
  if (draft.outgoing.has(id)) draft.learnersNext.add(id);
  else {
    progress.isLearner = true;
    draft.learners.add(id);
  }
}

/** A voter of `outgoing` keeps its progress, as its vote and its log still count. */
function remove(draft: Draft, id: PeerId): void {
  draft.incoming.delete(id);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  if (!draft.outgoing.has(id)) draft.progress.delete(id);
}

/** A new member counts as active until the next check, so that adding it does not depose the leader. */
function newProgress(base: ChangeBase, isLearner: boolean): Progress {
  const next = Math.max(base.lastIndex, 1);
  const progress = new Progress({ match: 0, next }, base.tracker.newInflights(), isLearner);
  progress.recentActive = true;
  return progress;
}

/** The first invariant of a membership that does not hold, in words. */
export function brokenInvariant(
  membership: Membership,
  progress: ReadonlyMap<PeerId, Progress>,
): string | undefined {
  const { incoming, outgoing, learners, learnersNext } = membership;
  for (const id of [...incoming, ...outgoing, ...learners, ...learnersNext]) {
    if (!progress.has(id)) return `member ${id} has no progress`;
  }
  for (const id of learnersNext) {
    if (!outgoing.has(id)) return `${id} is to become a learner and is no outgoing voter`;
    if (progress.get(id)!.isLearner) return `${id} is to become a learner and is one already`;
  }
  for (const id of learners) {
    if (incoming.has(id) || outgoing.has(id)) return `${id} is learner and voter`;
    if (!progress.get(id)!.isLearner) return `${id} is a learner and is not tracked as one`;
  }
  if (isJoint(membership)) return undefined;
  if (learnersNext.size > 0) return 'learners wait for the end of a joint phase that is not on';
  return membership.autoLeave ? 'a membership that is not joint is to be left' : undefined;
}
