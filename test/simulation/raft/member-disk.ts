import type { Entry, LogIndex, Term } from '#agent/mesh/raft/entry.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';
import type { Registers } from './registers.ts';

export interface DiskHabits {
  /** Ticks one write takes. */
  readonly writeMin: number;
  readonly writeMax: number;
  /** Share of writes that stall for up to `stallMax` ticks. */
  readonly stalls: number;
  readonly stallMax: number;
  /** Probability that a crash leaves the write it met half done, instead of undone. */
  readonly torn: number;
  /** Probability that a power cut takes the last of what was synced with it: a device that lies. Only where the group can do without this member. */
  readonly losesEnd: number;
}

export const quickDisk: DiskHabits = {
  writeMin: 0.01,
  writeMax: 0.05,
  stalls: 0,
  stallMax: 0,
  torn: 0,
  losesEnd: 0,
};

export interface Write {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly mustSync: boolean;
}

/** What befalls a disk: a life lost to a failing or full device, an end cut off that may have been promised, damage, a new life from a snapshot, a ballot lost. */
export type DiskEvent = 'diskLosses' | 'doubts' | 'damages' | 'heals' | 'ruins';

/** What a process is told of its disk. */
export interface DiskUser {
  /** A life begins: what a member starts from. It may be in the midst of one already, which ends. */
  opened(start: { readonly log: LogReader; readonly doubt: LogIndex }): void;
  /** The life ends: drop the member. The disk tries by itself to begin another. */
  lost(): void;
  /** Nothing that is held can be believed, and what was voted is not known: the member comes back under another id, or not at all. */
  ruined(): void;
  /** A snapshot of a state machine that reaches this index would `heal`; asked again until it comes. */
  wantsSnapshot(from: LogIndex): void;
  /** For those who count. */
  befell(event: DiskEvent): void;
}

/** What becomes of a write that a crash meets. */
export interface CrashOptions {
  /** Rows of it may stay behind. Only where the group can do without this member. */
  readonly mayTear: boolean;
}

/** A member's disk: its log, term and vote, and its state machine. Outlives the process. */
export interface MemberDisk {
  habits: DiskHabits;
  /** The state machine as of its last sync. */
  registers: Registers;
  /** Writes fail for lack of room until then, in ticks. */
  fullUntil: number;
  /** Writes fail until then, and may stand all the same. */
  failingUntil: number;
  /** What is durable; of the dead as it was last seen. */
  readonly log: LogReader;
  /** The newest that `log` holds. */
  readonly snapshot: Snapshot;
  readonly hardState: HardState;
  /** How far it may have promised what it has lost; 0: it has lost nothing. */
  readonly doubt: LogIndex;
  /** What it promised may not all be there: the group must do without it. */
  readonly isImpaired: boolean;
  /** Writes asked for and not done. */
  readonly waiting: number;
  /** Of the write under way, in ticks. */
  readonly stalledFor: number;

  /** A process begins. */
  begin(user: DiskUser): void;
  /** Queued behind all before it; `done` is called when it is durable. False: there is no room. */
  write(write: Write, done: () => void): boolean;
  /** In one go, for a host that waits. False: there is no room. */
  writeNow(write: Write): boolean;
  keepSnapshot(snapshot: Snapshot): void;
  /** @param index ≤ that of the newest snapshot kept */
  compact(index: LogIndex): void;
  /** A snapshot that was wanted has come. */
  heal(snapshot: Snapshot): void;
  /** Whether it holds that entry durably, or had it, promised it and keeps quiet until it has it back. */
  vouchesFor(index: LogIndex, term: Term): boolean;
  /** Whether a change of membership may be in a write that a crash has met. */
  readonly mayHoldChange: boolean;
  crash(options: CrashOptions): void;
  /** Between two processes: so many of the last entries are gone, though they had been synced. */
  loseEnd(count: number): void;
  /** Between two processes: something on it goes bad. Answers what. */
  spoil(): string;
}
