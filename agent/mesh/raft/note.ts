import type { EntryId, LogIndex, Term } from './entry.ts';
import type { MembershipChange } from './membership/change.ts';
import type { ChangeProblem } from './membership/changer.ts';
import type { Membership, MembershipRecord } from './membership/membership.ts';
import type { MessageType } from './message.ts';
import type { PeerId } from './peer-id.ts';
import type { Progress } from './tracker/progress.ts';

/** Takes notes as they fall. What a note refers to (a progress, a membership) may be looked at during the call only. */
export type Observe = (note: Note) => void;

/** Everything worth knowing that a member does by itself, as values; events.ts turns them into log lines and counters. */
export type Note =
  | LogNote
  | RoleNote
  | VoteNote
  | ReplicationNote
  | SnapshotNote
  | MembershipNote
  | LeadershipNote;
export type NoteKind = Note['kind'];

type VoteRequest = 'vote' | 'pre-vote';
type VoteReply = 'vote-answer' | 'pre-vote-answer';

export type LogNote =
  | { readonly kind: 'conflict-found'; readonly existing: Term; readonly conflicting: EntryId }
  | { readonly kind: 'log-restoring'; readonly snapshot: EntryId }
  | { readonly kind: 'unstable-replaced'; readonly from: LogIndex }
  | { readonly kind: 'unstable-truncated'; readonly from: LogIndex }
  | { readonly kind: 'stable-entry-missing'; readonly index: LogIndex }
  | { readonly kind: 'stable-entry-in-snapshot'; readonly index: LogIndex }
  | { readonly kind: 'stable-entry-replaced'; readonly durable: EntryId; readonly term: Term }
  | { readonly kind: 'stale-append-done'; readonly term: Term };

export type RoleNote =
  | { readonly kind: 'started'; readonly voters: readonly PeerId[]; readonly last: EntryId }
  | { readonly kind: 'became-follower' }
  | { readonly kind: 'became-pre-candidate' }
  | { readonly kind: 'became-candidate' }
  | { readonly kind: 'became-leader' }
  | { readonly kind: 'higher-term'; readonly type: MessageType; readonly from: PeerId; readonly term: Term }
  | { readonly kind: 'stale-message'; readonly type: MessageType; readonly from: PeerId; readonly term: Term }
  | { readonly kind: 'quorum-lost' };

export type VoteNote =
  | { readonly kind: 'campaign-while-leading' }
  | { readonly kind: 'campaign-unpromotable' }
  | { readonly kind: 'campaign-before-change-applied' }
  | { readonly kind: 'campaign-started' }
  | {
      readonly kind: 'vote-requested';
      readonly type: VoteRequest;
      readonly to: PeerId;
      readonly last: EntryId;
    }
  | {
      readonly kind: 'vote-received';
      readonly type: VoteReply;
      readonly from: PeerId;
      readonly granted: boolean;
    }
  | {
      readonly kind: 'votes-counted';
      readonly type: VoteReply;
      readonly granted: number;
      readonly rejected: number;
    }
  | { readonly kind: 'commit-learnt-from-vote'; readonly from: PeerId; readonly commit: EntryId }
  | {
      readonly kind: 'vote-ignored-in-lease';
      readonly type: VoteRequest;
      readonly from: PeerId;
      readonly candidateLast: EntryId;
      readonly last: EntryId;
      readonly ticksLeft: number;
    }
  | VoteVerdict<'vote-cast'>
  | VoteVerdict<'vote-rejected'>;

export interface VoteVerdict<Kind extends string> {
  readonly kind: Kind;
  readonly type: VoteRequest;
  readonly from: PeerId;
  readonly candidateLast: EntryId;
  readonly last: EntryId;
}

export type ReplicationNote =
  | { readonly kind: 'stranger'; readonly from: PeerId }
  | {
      readonly kind: 'append-answer-refused';
      readonly from: PeerId;
      readonly index: LogIndex;
      readonly hint: EntryId;
    }
  | { readonly kind: 'progress-decreased'; readonly from: PeerId; readonly progress: Progress }
  | { readonly kind: 'replication-paused'; readonly to: PeerId; readonly progress: Progress }
  | { readonly kind: 'unreachable'; readonly from: PeerId; readonly progress: Progress }
  | {
      readonly kind: 'append-refused';
      readonly from: PeerId;
      readonly previous: EntryId;
      /** Of the entry held at previous.index; 0 when there is none. */
      readonly existing: Term;
    }
  | {
      readonly kind: 'append-clipped';
      readonly from: PeerId;
      readonly taken: number;
      readonly offered: number;
    }
  | { readonly kind: 'message-lost-in-full-outbox'; readonly type: MessageType; readonly to: PeerId };

export type SnapshotNote =
  | { readonly kind: 'snapshot-not-sent-inactive'; readonly to: PeerId }
  | { readonly kind: 'snapshot-not-ready'; readonly to: PeerId }
  | {
      readonly kind: 'snapshot-sent';
      readonly to: PeerId;
      readonly snapshot: EntryId;
      readonly progress: Progress;
    }
  | { readonly kind: 'doubt-ended' }
  | {
      readonly kind: 'loss-reported';
      readonly from: PeerId;
      readonly endsAt: LogIndex;
      readonly progress: Progress;
    }
  | { readonly kind: 'snapshot-caught-up'; readonly from: PeerId; readonly progress: Progress }
  | { readonly kind: 'snapshot-succeeded'; readonly from: PeerId; readonly progress: Progress }
  | { readonly kind: 'snapshot-failed'; readonly from: PeerId; readonly progress: Progress }
  | { readonly kind: 'snapshot-taken'; readonly snapshot: EntryId }
  | { readonly kind: 'snapshot-ignored'; readonly snapshot: EntryId }
  | { readonly kind: 'snapshot-without-me'; readonly membership: MembershipRecord }
  | { readonly kind: 'snapshot-fast-forwarded'; readonly snapshot: EntryId; readonly last: EntryId }
  | { readonly kind: 'snapshot-restored'; readonly snapshot: EntryId; readonly last: EntryId };

export type MembershipNote =
  | { readonly kind: 'membership-switched'; readonly membership: Membership }
  | {
      readonly kind: 'change-refused';
      readonly change: MembershipChange;
      readonly membership: Membership;
      readonly reason: ChangeRefusal;
    }
  | { readonly kind: 'leave-joint-proposed'; readonly membership: Membership }
  | { readonly kind: 'leave-joint-not-proposed'; readonly membership: Membership };

export type ChangeRefusal =
  | { readonly why: 'change-pending'; readonly pending: LogIndex; readonly applied: LogIndex }
  | { readonly why: 'impossible'; readonly problem: ChangeProblem }
  | { readonly why: 'joint-phase-on' }
  | { readonly why: 'no-joint-phase' };

export type LeadershipNote =
  | { readonly kind: 'proposal-over-limit' }
  | { readonly kind: 'proposal-without-leader' }
  | { readonly kind: 'proposal-not-forwarded'; readonly lead: PeerId }
  | { readonly kind: 'proposal-during-transfer'; readonly transferee: PeerId }
  | { readonly kind: 'read-without-leader' }
  | { readonly kind: 'transfer-without-leader' }
  | { readonly kind: 'transfer-to-learner' }
  | { readonly kind: 'transfer-already-on'; readonly transferee: PeerId }
  | { readonly kind: 'transfer-aborted'; readonly transferee: PeerId }
  | { readonly kind: 'transfer-to-self' }
  | { readonly kind: 'transfer-started'; readonly transferee: PeerId }
  | { readonly kind: 'transfer-at-once'; readonly transferee: PeerId }
  | { readonly kind: 'transfer-caught-up'; readonly transferee: PeerId }
  | { readonly kind: 'timeout-now'; readonly from: PeerId }
  | { readonly kind: 'timeout-now-ignored'; readonly from: PeerId }
  | { readonly kind: 'leader-forgotten'; readonly lead: PeerId }
  | { readonly kind: 'forget-refused-by-lease' };
