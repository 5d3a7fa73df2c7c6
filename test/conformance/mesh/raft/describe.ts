import { isChangeKind, type Entry } from '#agent/mesh/raft/entry.ts';
import { decodeChange, type ChangeStep, type MembershipChange } from '#agent/mesh/raft/membership/change.ts';
import { ascending, type Membership, type MembershipRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { Message, MessageType, StorageAppend, StorageApply } from '#agent/mesh/raft/message.ts';
import { appendThread, applyThread, noPeer, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { Majority } from '#agent/mesh/raft/quorum/majority.ts';
import type { Ready } from '#agent/mesh/raft/ready.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { HardState, Role } from '#agent/mesh/raft/state.ts';
import type { Progress } from '#agent/mesh/raft/tracker/progress.ts';
import { hex, list, quote } from './go-format.ts';
import type { Release } from './release.ts';

/** Our state in the words of etcd-io/raft, as its scripts expect them. */
export const messageNames: Readonly<Record<MessageType, string>> = {
  append: 'MsgApp',
  'append-answer': 'MsgAppResp',
  vote: 'MsgVote',
  'vote-answer': 'MsgVoteResp',
  'pre-vote': 'MsgPreVote',
  'pre-vote-answer': 'MsgPreVoteResp',
  heartbeat: 'MsgHeartbeat',
  'heartbeat-answer': 'MsgHeartbeatResp',
  snapshot: 'MsgSnap',
  propose: 'MsgProp',
  'transfer-leader': 'MsgTransferLeader',
  'timeout-now': 'MsgTimeoutNow',
  'read-index': 'MsgReadIndex',
  'read-index-answer': 'MsgReadIndexResp',
  campaign: 'MsgHup',
  unreachable: 'MsgUnreachable',
  'snapshot-report': 'MsgSnapStatus',
  'forget-leader': 'MsgForgetLeader',
  'storage-append': 'MsgStorageAppend',
  'storage-append-done': 'MsgStorageAppendResp',
  'storage-apply': 'MsgStorageApply',
  'storage-apply-done': 'MsgStorageApplyResp',
};

/** Names that scripts may filter by and that travel in no message of ours: ticks are calls here. */
export const otherMessageNames: readonly string[] = ['MsgBeat', 'MsgCheckQuorum'];

export const roleNames: Readonly<Record<Role, string>> = {
  follower: 'StateFollower',
  'pre-candidate': 'StatePreCandidate',
  candidate: 'StateCandidate',
  leader: 'StateLeader',
};

const progressNames = { probe: 'StateProbe', replicate: 'StateReplicate', snapshot: 'StateSnapshot' };
const entryNames = {
  normal: 'EntryNormal',
  'refused-change': 'EntryNormal',
  change: 'EntryConfChangeV2',
  'change-single': 'EntryConfChange',
};
const actionLetters = { 'add-voter': 'v', 'add-learner': 'l', remove: 'r', update: 'u' };
export const actionNames = {
  'add-voter': 'ConfChangeAddNode',
  'add-learner': 'ConfChangeAddLearnerNode',
  remove: 'ConfChangeRemoveNode',
  update: 'ConfChangeUpdateNode',
};
export const transitionNames = {
  auto: 'ConfChangeTransitionAuto',
  implicit: 'ConfChangeTransitionJointImplicit',
  explicit: 'ConfChangeTransitionJointExplicit',
};

/** Everything the harness carries about: messages, and orders to the storage. */
export type Envelope = Message | StorageAppend | StorageApply;

interface Fields {
  readonly logTerm?: number;
  readonly index?: number;
  readonly rejectHint?: number;
  readonly term?: number;
  readonly commit?: number;
  readonly vote?: number;
  readonly entries?: readonly Entry[];
  readonly snapshot?: Snapshot | null;
  readonly responses?: readonly Envelope[];
}

/** The fields as etcd's one message type has them. */
function fieldsOf(message: Envelope): Fields {
  switch (message.type) {
    case 'append':
      return {
        logTerm: message.previous.term,
        index: message.previous.index,
        commit: message.commit,
        entries: message.entries,
      };
    case 'append-answer':
      if (message.refused === null) return { index: message.index };
      return {
        index: message.index,
        logTerm: message.refused.term,
        rejectHint: message.refused.index,
      };
    case 'vote':
    case 'pre-vote':
      return { logTerm: message.last.term, index: message.last.index };
    case 'vote-answer':
    case 'pre-vote-answer':
      return message.granted ? {} : { rejectHint: 0 };
    case 'heartbeat':
      return { commit: message.commit };
    case 'snapshot':
      return { snapshot: message.snapshot };
    case 'snapshot-report':
      return message.failed ? { rejectHint: 0 } : {};
    case 'propose':
      return { entries: message.entries.map((entry) => ({ ...entry, term: 0, index: 0 })) };
    case 'read-index':
      return { entries: [{ term: 0, index: 0, kind: 'normal', data: message.context }] };
    case 'read-index-answer':
      return {
        index: message.index,
        entries: [{ term: 0, index: 0, kind: 'normal', data: message.context }],
      };
    case 'storage-append':
      return {
        ...message.hardState,
        entries: message.entries,
        snapshot: message.snapshot,
        responses: message.responses,
      };
    case 'storage-append-done':
      return {
        logTerm: message.upTo?.term,
        index: message.upTo?.index,
        snapshot: message.snapshot,
      } as Fields;
    case 'storage-apply':
      return { entries: message.entries, responses: message.responses };
    case 'storage-apply-done':
      return { entries: message.entries };
    default:
      return {};
  }
}

/** `nesting`: where entries, responses and snapshot stand, on lines of their own or on the message's. */
export function describeMessage(message: Envelope, nesting: Release['nesting'], indent = ''): string {
  const fields = fieldsOf(message);
  const { logTerm = 0, index = 0, commit = 0, vote = 0, entries = [], responses = [] } = fields;
  const term = 'term' in message ? message.term : (fields.term ?? 0);
  let text = `${indent}${target(message.from)}->${target(message.to)} ${messageNames[message.type]}`;
  text += ` Term:${term} Log:${logTerm}/${index}`;
  if (fields.rejectHint !== undefined) text += ` Rejected (Hint: ${fields.rejectHint})`;
  if (commit !== 0) text += ` Commit:${commit}`;
  if (vote !== 0) text += ` Vote:${vote}`;
  if (message.type === 'append-answer' && message.endsAt !== undefined) text += ` EndsAt:${message.endsAt}`;
  const inner = nesting === 'lines' ? `${indent}  ` : '';
  const many = (items: readonly string[]): string =>
    nesting === 'lines'
      ? `[${items.map((item) => `\n${item}`).join('')}\n${indent}]`
      : `[${items.join(', ')}]`;
  if (entries.length === 1) text += ` Entries:[${describeEntry(entries[0]!)}]`;
  else if (entries.length > 1)
    text += ` Entries:${many(entries.map((entry) => `${inner}${describeEntry(entry)}`))}`;
  if (fields.snapshot && fields.snapshot.id.index !== 0)
    text += `${nesting === 'lines' ? `\n${inner}` : ' '}Snapshot: ${describeSnapshot(fields.snapshot)}`;
  if (responses.length > 0)
    text += ` Responses:${many(responses.map((response) => describeMessage(response, nesting, inner)))}`;
  return text;
}

function target(id: PeerId): string {
  if (id === noPeer) return 'None';
  if (id === appendThread) return 'AppendThread';
  return id === applyThread ? 'ApplyThread' : hex(id);
}

export function describeEntry(entry: Entry): string {
  const head = `${entry.term}/${entry.index} ${entryNames[entry.kind]}`;
  if (!isChangeKind(entry.kind)) return `${head} ${quote(entry.data)}`;
  const change = decodeChange(entry.kind, entry.data);
  const steps = change === undefined ? 'cannot be read' : describeSteps(change.steps);
  return steps === '' ? head : `${head} ${steps}`;
}

export const describeEntries = (entries: readonly Entry[]): string =>
  entries.map((entry) => `${describeEntry(entry)}\n`).join('');

const describeSteps = (steps: readonly ChangeStep[]): string =>
  steps.map(({ action, peer }) => `${actionLetters[action]}${peer}`).join(' ');

export function describeChange(change: MembershipChange): string {
  let text = `transition:${transitionNames[change.transition]}`;
  for (const { action, peer } of change.steps)
    text += ` changes:{type:${actionNames[action]} node_id:${peer}}`;
  return change.context.length > 0 ? `${text} context:${quote(change.context)}` : text;
}

export const describeHardState = ({ term, vote, commit }: HardState): string =>
  `Term:${term}${vote === noPeer ? '' : ` Vote:${vote}`} Commit:${commit}`;

const describeRecord = (record: MembershipRecord): string =>
  `Voters:${list(record.voters)} VotersOutgoing:${list(record.votersOutgoing)} Learners:${list(record.learners)} ` +
  `LearnersNext:${list(record.learnersNext)} AutoLeave:${record.autoLeave}`;

const describeSnapshot = ({ id, membership }: Snapshot): string =>
  `Index:${id.index} Term:${id.term} ConfState:${describeRecord(membership)}`;

export function describeReady(ready: Ready, nesting: Release['nesting']): string {
  let text = '';
  if (ready.softState !== null)
    text += `Lead:${ready.softState.lead} State:${roleNames[ready.softState.role]}\n`;
  if (ready.hardState !== null) text += `HardState ${describeHardState(ready.hardState)}\n`;
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(({ index, context }) => `{${index} ${list([...context])}}`);
    text += `ReadStates [${states.join(' ')}]\n`;
  }
  if (ready.entries.length > 0) text += `Entries:\n${describeEntries(ready.entries)}`;
  if (ready.snapshot !== null) text += `Snapshot ${describeSnapshot(ready.snapshot)}\n`;
  if (ready.committed.length > 0) text += `CommittedEntries:\n${describeEntries(ready.committed)}`;
  const messages = envelopesOf(ready);
  if (messages.length > 0) text += 'Messages:\n';
  for (const message of messages) text += `${describeMessage(message, nesting)}\n`;
  return text === '' ? '<empty Ready>' : `Ready MustSync=${ready.mustSync}:\n${text}`;
}

/** All that leaves with a Ready, in etcd's order. */
export function envelopesOf(ready: Ready): Envelope[] {
  const orders: Envelope[] = [];
  if (ready.append !== null) orders.push(ready.append);
  if (ready.apply !== null) orders.push(ready.apply);
  return [...ready.messages, ...ready.answers, ...orders];
}

export const describeMajority = (members: Majority): string => `(${ascending(members).map(hex).join(' ')})`;

export function describeMembership(membership: Membership): string {
  let text = `voters=${describeMajority(membership.incoming)}`;
  if (membership.outgoing.size > 0) text += `&&${describeMajority(membership.outgoing)}`;
  if (membership.learners.size > 0) text += ` learners=${describeMajority(membership.learners)}`;
  if (membership.learnersNext.size > 0) text += ` learners_next=${describeMajority(membership.learnersNext)}`;
  return membership.autoLeave ? `${text} autoleave` : text;
}

export function describeProgress(progress: Readonly<Progress>): string {
  let text = `${progressNames[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) text += ' learner';
  if (progress.paused) text += ' paused';
  if (progress.pendingSnapshot > 0) text += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) text += ' inactive';
  const { count, full } = progress.inflights;
  if (count > 0) text += ` inflight=${count}${full ? '[full]' : ''}`;
  return text;
}

export function describeProgressOf(progress: ReadonlyMap<PeerId, Readonly<Progress>>): string {
  return ascending(progress.keys())
    .map((id) => `${id}: ${describeProgress(progress.get(id)!)}\n`)
    .join('');
}
