import type { Entry, EntryId, LogIndex, Proposal, Term } from './entry.ts';
import type { PeerId } from './peer-id.ts';
import type { Snapshot } from './snapshot.ts';
import type { HardState } from './state.ts';

interface Addressed {
  readonly to: PeerId;
  readonly from: PeerId;
  /** The sender's term; 0 on what carries none: local events, forwarded proposals and reads. */
  readonly term: Term;
}

/** Between members. */
export type PeerMessage =
  | AppendMessage
  | AppendAnswer
  | VoteMessage
  | VoteAnswer
  | HeartbeatMessage
  | HeartbeatAnswer
  | SnapshotMessage
  | ProposeMessage
  | TransferMessage
  | TimeoutNowMessage
  | ReadIndexMessage
  | ReadIndexAnswer;

/** AppendEntries: the leader's entries after `previous`, and its commit index. */
export interface AppendMessage extends Addressed {
  readonly type: 'append';
  readonly previous: EntryId;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

/** Taken: the sender's log agrees with the leader's up to `index`. Refused: it does not hold the entry at `index`. */
export interface AppendAnswer extends Addressed {
  readonly type: 'append-answer';
  readonly index: LogIndex;
  /** When refused: where the logs may agree, and the refuser's term there (0: it has compacted that entry). */
  readonly refused: EntryId | null;
  /** From a member in doubt only: where its log ends. What it acknowledged beyond, it has lost. ≥ index, when taken. */
  readonly endsAt?: LogIndex;
}

/** RequestVote. A `pre-vote` asks for the term after the candidate's, and binds nobody. */
export interface VoteMessage extends Addressed {
  readonly type: 'vote' | 'pre-vote';
  readonly last: EntryId;
  /** What the sender knows to be committed. */
  readonly commit: EntryId;
  /** The leader itself asked for this election: its lease does not stand in the way. */
  readonly transfer: boolean;
}

/** A granted pre-vote carries the term that was asked for; every other answer the answerer's own. */
export interface VoteAnswer extends Addressed {
  readonly type: 'vote-answer' | 'pre-vote-answer';
  readonly granted: boolean;
  /** What the sender knows to be committed. */
  readonly commit: EntryId;
}

/** `commit` ≤ what the receiver is known to hold. */
export interface HeartbeatMessage extends Addressed {
  readonly type: 'heartbeat';
  readonly commit: LogIndex;
  /** Number of the last read that waits for this round; 0: none. */
  readonly readMark: number;
}

export interface HeartbeatAnswer extends Addressed {
  readonly type: 'heartbeat-answer';
  readonly readMark: number;
}

export interface SnapshotMessage extends Addressed {
  readonly type: 'snapshot';
  readonly snapshot: Snapshot;
}

/** Term 0, so that a proposal survives a change of leader on its way. */
export interface ProposeMessage extends Addressed {
  readonly type: 'propose';
  readonly entries: readonly Proposal[];
}

/** `from` is the member to lead. */
export interface TransferMessage extends Addressed {
  readonly type: 'transfer-leader';
}

/** The receiver is to start an election at once. */
export interface TimeoutNowMessage extends Addressed {
  readonly type: 'timeout-now';
}

/** `context` comes back with the answer and tells reads apart. */
export interface ReadIndexMessage extends Addressed {
  readonly type: 'read-index';
  readonly context: Uint8Array;
}

/** Once the reader has applied `index`, a read is linearizable. */
export interface ReadIndexAnswer extends Addressed {
  readonly type: 'read-index-answer';
  readonly index: LogIndex;
  readonly context: Uint8Array;
}

/** What a host tells its own member. `from` names whom it is about. */
export type LocalEvent = CampaignEvent | UnreachableEvent | SnapshotReport | ForgetLeaderEvent;

export interface CampaignEvent extends Addressed {
  readonly type: 'campaign';
}
export interface UnreachableEvent extends Addressed {
  readonly type: 'unreachable';
}
export interface SnapshotReport extends Addressed {
  readonly type: 'snapshot-report';
  readonly failed: boolean;
}
export interface ForgetLeaderEvent extends Addressed {
  readonly type: 'forget-leader';
}

/**
 * Work for the log's writer: everything in it becomes durable in one atomic write (a snapshot before it, and then without
 * entries), and only then do the responses leave. Orders are carried out in the order given.
 */
export interface StorageAppend {
  readonly type: 'storage-append';
  readonly to: PeerId;
  readonly from: PeerId;
  /** When it changed. */
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly responses: readonly Response[];
}

/** Work for the state machine: apply in order, then deliver the responses to this member. */
export interface StorageApply {
  readonly type: 'storage-apply';
  readonly to: PeerId;
  readonly from: PeerId;
  readonly entries: readonly Entry[];
  readonly responses: readonly Response[];
}

/** The disk holds the log up to `upTo` and the snapshot. The term is the one the order was given in. */
export interface StorageAppendDone extends Addressed {
  readonly type: 'storage-append-done';
  readonly upTo: EntryId | null;
  readonly snapshot: Snapshot | null;
}

export interface StorageApplyDone extends Addressed {
  readonly type: 'storage-apply-done';
  readonly entries: readonly Entry[];
}

/** What leaves when work is done: answers to other members, and news for this one. */
export type Response = PeerMessage | StorageAppendDone | StorageApplyDone;

/** Everything a member takes in. */
export type Message = PeerMessage | LocalEvent | StorageAppendDone | StorageApplyDone;

export type MessageType = Message['type'] | StorageAppend['type'] | StorageApply['type'];

/** What only a member of a term can say; with term 0 it is damaged or made up. */
export const needsTerm = (type: MessageType): boolean =>
  type === 'append' ||
  type === 'heartbeat' ||
  type === 'snapshot' ||
  type === 'timeout-now' ||
  isPromise(type) ||
  type === 'vote' ||
  type === 'pre-vote' ||
  type === 'heartbeat-answer';

/** What promises something durable: it leaves only after the write that carries it. */
export const isPromise = (type: MessageType): boolean =>
  type === 'append-answer' || type === 'vote-answer' || type === 'pre-vote-answer';

/** Accepted from members only; an answer from a stranger is not looked at. */
export const isAnswer = (type: MessageType): boolean =>
  isPromise(type) || type === 'heartbeat-answer' || type === 'read-index-answer' || type === 'unreachable';

/** Never to be taken from the network. */
export const isLocal = (type: MessageType): boolean =>
  type === 'campaign' ||
  type === 'unreachable' ||
  type === 'snapshot-report' ||
  type === 'forget-leader' ||
  type === 'storage-append-done' ||
  type === 'storage-apply-done';
