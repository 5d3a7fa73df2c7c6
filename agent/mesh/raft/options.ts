import type { Entropy } from '../../ports/entropy.ts';
import { assert } from '../../base/assert.ts';
import type { LogIndex } from './entry.ts';
import { limits, type RaftLimits } from './limits.ts';
import type { LogReader } from './log/log-reader.ts';
import type { Note } from './note.ts';
import type { PeerId } from './peer-id.ts';
import type { MemberView } from './member-view.ts';

/** `safe`: a quorum confirms the leader for every read. `lease`: the leader trusts its clock; needs `checkQuorum`. */
export type ReadMode = 'safe' | 'lease';

/**
 * How the leader tells a commit index and when it sends a snapshot. `lean`: a member is told what it was not told; a snapshot
 * leaves as soon as it is needed; any append that meets the log ends the wait for one. `eager`: a member whose flow was paused is
 * always sent one more append, only the awaited snapshot ends the wait and `next` stays where it was meanwhile, and probes may go back
 * behind `match`: the rules of etcd-io/raft until 2024, kept so that this core can be held to recordings of that time.
 */
export type Pacing = 'lean' | 'eager';

export interface RaftOptions {
  readonly id: PeerId;
  readonly log: LogReader;
  /** Spreads election timeouts over [electionTicks, 2 × electionTicks). */
  readonly entropy: Entropy;
  /** A follower that hears nothing for this long stands for election. > heartbeatTicks. */
  readonly electionTicks: number;
  /** A leader speaks this often. ≥ 1. */
  readonly heartbeatTicks: number;
  /** What the state machine holds already, after a restart; 0: only what the snapshot covers. */
  readonly applied?: LogIndex;
  /**
   * How far this member may have promised entries that its log has lost since (the storage knows); 0: it has lost nothing. Until its
   * log reaches that far again it gives no vote and does not stand, and it tells leaders where its log ends. README.md, Lost ends.
   */
  readonly doubt?: LogIndex;
  readonly limits?: Partial<RaftLimits>;
  /** Storage work comes as orders with responses (`Ready.append`, `Ready.apply`) instead of `advance`. */
  readonly asyncStorage?: boolean;
  /** A leader that hears from no quorum for an election timeout steps down, and votes wait while a leader is heard. Default true. */
  readonly checkQuorum?: boolean;
  /** Ask before disturbing: no term rises in an election that cannot be won (thesis §9.6). Default true. */
  readonly preVote?: boolean;
  readonly readMode?: ReadMode;
  /** A follower passes proposals on to the leader. Default true. */
  readonly forwardProposals?: boolean;
  /** A leader that is removed, or made a learner, steps down when that is applied. Default true. */
  readonly stepDownOnRemoval?: boolean;
  /** The guards on proposed membership changes. Off only where a layer above keeps them. Default true. */
  readonly guardChanges?: boolean;
  /**
   * Refuse a change that could not be applied (it would leave no voters, say), also where etcd-io/raft takes it and every member
   * stops for good when it comes to apply it. Default true.
   */
  readonly guardImpossible?: boolean;
  /**
   * Votes and refusals tell more than those of etcd-io/raft: what is committed, and the own term to a candidate or a leader of a lower one. Without,
   * members may wait for ever for one that left, or stand for ever in terms that others have passed. Default true.
   */
  readonly frankVotes?: boolean;
  /** A candidate leads only when its own vote is durable. Without, it may lead twice in a term, as in etcd-io/raft, when it dies in between. Default true. */
  readonly ownVoteFirst?: boolean;
  /** A joint phase that is to end by itself is ended at a check of the quorum too; else with an entry that is applied, which may never come. Default true. */
  readonly retryLeave?: boolean;
  /** Default `lean`. */
  readonly pacing?: Pacing;
  readonly observe?: (note: Note, member: MemberView) => void;
}

/** Options with every default in place. */
export interface Settings {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly limits: RaftLimits;
  readonly asyncStorage: boolean;
  readonly checkQuorum: boolean;
  readonly preVote: boolean;
  readonly readMode: ReadMode;
  readonly forwardProposals: boolean;
  readonly stepDownOnRemoval: boolean;
  readonly guardChanges: boolean;
  readonly guardImpossible: boolean;
  readonly frankVotes: boolean;
  readonly ownVoteFirst: boolean;
  readonly retryLeave: boolean;
  readonly pacing: Pacing;
}

export function settingsOf(options: RaftOptions): Settings {
  const settings: Settings = {
    electionTicks: options.electionTicks,
    heartbeatTicks: options.heartbeatTicks,
    limits: { ...limits, ...options.limits },
    asyncStorage: options.asyncStorage ?? false,
    checkQuorum: options.checkQuorum ?? true,
    preVote: options.preVote ?? true,
    readMode: options.readMode ?? 'safe',
    forwardProposals: options.forwardProposals ?? true,
    stepDownOnRemoval: options.stepDownOnRemoval ?? true,
    guardChanges: options.guardChanges ?? true,
    guardImpossible: options.guardImpossible ?? true,
    frankVotes: options.frankVotes ?? true,
    ownVoteFirst: options.ownVoteFirst ?? true,
    retryLeave: options.retryLeave ?? true,
    pacing: options.pacing ?? 'lean',
  };
  const bounds = settings.limits;
  assert(Number.isSafeInteger(options.id) && options.id > 0, 'a member id is a positive integer');
  assert(settings.heartbeatTicks >= 1, 'a heartbeat takes one tick at least');
  assert(settings.electionTicks > settings.heartbeatTicks, 'an election timeout outlasts a heartbeat');
  assert(bounds.inflightMessagesMax >= 1, 'one message at least may be in flight');
  assert(bounds.inflightBytesMax >= bounds.messageBytesMax, 'a whole message fits in flight');
  assert(settings.readMode === 'safe' || settings.checkQuorum, 'leases rest on the check of the quorum');
  return settings;
}
