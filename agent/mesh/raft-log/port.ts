import type { Entry, LogIndex } from '../raft/entry.ts';
import type { LogReader } from '../raft/log/log-reader.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import type { HardState } from '../raft/state.ts';

/**
 * The durable log of one member, as its host sees it. Orders go in by `submit` and are carried out in that order; reports come
 * out by the listener, which enqueues and returns. The member reads `reader`, which shows what is durable and nothing else.
 *
 * A life begins with the report `ready` and ends with `lost`, `damaged` or `stop`. When it ends, drop the member: its orders are
 * not answered any more, and whether the last of them stand is known only when the next `ready` comes.
 */
export interface RaftLogStorage {
  /** Opens the log. Safe to call twice: the second does nothing. */
  start(listener: (report: LogReport) => void): void;
  /** Only within a life, and at most `limits.ordersWaitingMax` unanswered ones. Ids are the host's and rise. */
  submit(order: LogOrder): void;
  /** Only within a life. Changes just before `done` is reported, never otherwise. */
  readonly reader: LogReader;
  /** Orders that are not answered. A disk that leaves one unanswered for an election timeout is a reason to step down. */
  readonly waiting: number;
  /** What the log holds: compact by whichever bound of `limits` it meets first. */
  readonly size: LogSize;
  /**
   * False while this log is shorter than what it may have acknowledged before it was cut (README.md, Doubt). A member that was given the
   * `doubt` of `ready` keeps to that by itself; this is for people.
   */
  readonly mayVote: boolean;
  /** Ends the life and closes. Orders submitted before are carried out first where the disk works. Safe to call twice. */
  stop(): Promise<void>;
}

export interface LogSize {
  readonly entries: number;
  readonly bytes: number;
}

export type LogOrder = AppendOrder | KeepSnapshotOrder | CompactOrder | HealOrder | AcceptLossOrder;

/** One write of a Ready, or a `storage-append`: all of it in one synced transaction, or nothing. */
export interface AppendOrder {
  readonly kind: 'append';
  readonly id: number;
  /** When it changed. */
  readonly hardState: HardState | null;
  /** Without holes; from the first one on they replace what is there. */
  readonly entries: readonly Entry[];
  /** Received from a leader: replaces the whole log, before the entries. */
  readonly snapshot: Snapshot | null;
}

/** Keeps a snapshot of the own state machine; the entries stay until they are compacted. An older one than is held changes nothing. */
export interface KeepSnapshotOrder {
  readonly kind: 'keep-snapshot';
  readonly id: number;
  readonly snapshot: Snapshot;
}

/** Drops the entries up to `upTo` ≤ the index of the snapshot held. Done in steps; writes go between them. */
export interface CompactOrder {
  readonly kind: 'compact';
  readonly id: number;
  readonly upTo: LogIndex;
}

/**
 * For a log that is damaged or in doubt: begins anew from a snapshot of anybody's applied state. One that ends before what this member
 * may have acknowledged leaves a doubt. Give it to the own state machine first, and never one that ends before what that has applied.
 * Answered by `ready` or `refused`.
 */
export interface HealOrder {
  readonly kind: 'heal';
  readonly id: number;
  readonly snapshot: Snapshot;
}

/** An operator's word that what was cut off is lost and the member shall vote all the same (`mesh recover`). */
export interface AcceptLossOrder {
  readonly kind: 'accept-loss';
  readonly id: number;
}

export type LogReport = ReadyReport | DoneReport | LostReport | DamagedReport | RefusedReport | FailedReport;

/** A life begins: make a member over `reader`. */
export interface ReadyReport {
  readonly kind: 'ready';
  /** Votes are withheld below this index; 0: no doubt. See `mayVote`. */
  readonly doubt: LogIndex;
}

/** The order is durable: what it promised may leave. */
export interface DoneReport {
  readonly kind: 'done';
  readonly id: number;
}

/** `full`: no room. `io`: the device failed. `busy`: another process holds the file. */
export type LogTrouble = 'full' | 'io' | 'busy';

/** The disk failed: step down, refuse, wait. The storage tries again by itself; `ready` or `damaged` follows. */
export interface LostReport {
  readonly kind: 'lost';
  readonly trouble: LogTrouble;
  readonly message: string;
}

export interface DamagedReport {
  readonly kind: 'damaged';
  readonly damage: LogDamage;
}

/** What this member acknowledged is not all there. It neither votes nor appends until it is healed. */
export interface LogDamage {
  readonly reason: string;
  /** All this member may have acknowledged: a snapshot that ends before it heals, and leaves a doubt. */
  readonly needIndex: LogIndex;
  /** Term, vote and how far the log had reached are known. Null: nothing heals it, the member comes back under a new id. */
  readonly ballot: Pick<HardState, 'term' | 'vote'> | null;
}

export interface RefusedReport {
  readonly kind: 'refused';
  readonly id: number;
  readonly reason: string;
}

/** Misuse that waiting does not cure: a newer file, another member's log. Nothing follows. */
export interface FailedReport {
  readonly kind: 'failed';
  readonly error: Error;
}
