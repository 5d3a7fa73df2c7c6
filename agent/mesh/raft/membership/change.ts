import { noData, type ChangeKind, type Proposal } from '../entry.ts';
import { limits } from '../limits.ts';
import { peerId, type PeerId } from '../peer-id.ts';
import { readFields, writeBytesField, writeVarintField } from './wire.ts';

/** `update` changes nothing here; it carries `context` to the state machine (a new address, say). */
export type ChangeAction = 'add-voter' | 'remove' | 'update' | 'add-learner';

export interface ChangeStep {
  readonly action: ChangeAction;
  readonly peer: PeerId;
}

/**
 * `auto`: one step goes straight, several go through a joint phase that ends by itself. `implicit`: a joint phase that ends
 * by itself. `explicit`: a joint phase that lasts until an empty change is proposed.
 */
export type Transition = 'auto' | 'implicit' | 'explicit';

/** A change of membership. Without steps and with `auto` it ends a joint phase. */
export interface MembershipChange {
  /** `single`: exactly one step, `auto`; the older record that every member can read. */
  readonly form: 'single' | 'general';
  readonly transition: Transition;
  readonly steps: readonly ChangeStep[];
  /** For the state machine; not looked at here. */
  readonly context: Uint8Array;
}

export const leaveJoint: MembershipChange = {
  form: 'general',
  transition: 'auto',
  steps: [],
  context: noData,
};

/** How a change is put into effect when it is applied. */
export type ChangeRoute =
  | { readonly kind: 'leave' }
  | { readonly kind: 'enter'; readonly autoLeave: boolean }
  | { readonly kind: 'simple' };

export function routeOf(change: MembershipChange): ChangeRoute {
  if (change.transition === 'auto' && change.steps.length === 0) return { kind: 'leave' };
  if (change.transition === 'auto' && change.steps.length === 1) return { kind: 'simple' };
  return { kind: 'enter', autoLeave: change.transition !== 'explicit' };
}

const actions: readonly ChangeAction[] = ['add-voter', 'remove', 'update', 'add-learner'];
const transitions: readonly Transition[] = ['auto', 'implicit', 'explicit'];

/** The bytes of etcd's raftpb.ConfChange and ConfChangeV2; `leaveJoint` has none. */
export function encodeChange(change: MembershipChange): Proposal {
  if (change.form === 'single') {
    const step = change.steps[0]!;
    const bytes: number[] = [];
    writeVarintField(bytes, 2, actions.indexOf(step.action));
    writeVarintField(bytes, 3, step.peer);
    if (change.context.length > 0) writeBytesField(bytes, 4, change.context);
    return { kind: 'change-single', data: Uint8Array.from(bytes) };
  }
  if (change === leaveJoint) return { kind: 'change', data: noData };
  const bytes: number[] = [];
  writeVarintField(bytes, 1, transitions.indexOf(change.transition));
  for (const step of change.steps) writeBytesField(bytes, 2, encodeStep(step));
  if (change.context.length > 0) writeBytesField(bytes, 3, change.context);
  return { kind: 'change', data: Uint8Array.from(bytes) };
}

function encodeStep(step: ChangeStep): number[] {
  const bytes: number[] = [];
  writeVarintField(bytes, 1, actions.indexOf(step.action));
  writeVarintField(bytes, 2, step.peer);
  return bytes;
}

/** The change in an entry's data; undefined when the bytes are none, name an unknown action or more than `stepsMax` steps. */
export function decodeChange(kind: ChangeKind, data: Uint8Array): MembershipChange | undefined {
  const fields = readFields(data);
  if (fields === undefined) return undefined;
  let context: Uint8Array = noData;
  if (kind === 'change-single') {
    const numbers = new Map<number, number>();
    for (const field of fields) {
      if (typeof field.value === 'number') numbers.set(field.number, field.value);
      else if (field.number === 4) context = field.value;
    }
    const step = stepOf(numbers.get(2), numbers.get(3));
    return step && { form: 'single', transition: 'auto', steps: [step], context };
  }
  let transition: Transition | undefined = 'auto';
  const steps: ChangeStep[] = [];
  for (const field of fields) {
    if (field.number === 1 && typeof field.value === 'number') transition = transitions[field.value];
    else if (field.number === 2 && typeof field.value !== 'number') {
      const step = decodeStep(field.value);
      if (step === undefined || steps.length >= limits.changeStepsMax) return undefined;
      steps.push(step);
    } else if (field.number === 3 && typeof field.value !== 'number') context = field.value;
  }
  return transition && { form: 'general', transition, steps, context };
}

function decodeStep(data: Uint8Array): ChangeStep | undefined {
  const numbers = new Map<number, number>();
  for (const field of readFields(data) ?? []) {
    if (typeof field.value === 'number') numbers.set(field.number, field.value);
  }
  return stepOf(numbers.get(1), numbers.get(2));
}

function stepOf(action = 0, peer = 0): ChangeStep | undefined {
  const name = actions[action];
  return name && { action: name, peer: peerId(peer) };
}
