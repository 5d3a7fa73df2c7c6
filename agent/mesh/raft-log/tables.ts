import type { LogIndex } from '../raft/entry.ts';
import type { BallotRow, EntryRow, HeadRow, SnapshotRow } from './rows.ts';

/**
 * Where one log is kept, as rows. The host's is a SQLite file, the simulator's is in memory. Synchronous, on one thread; every
 * call may throw a `DiskError`, after which the tables are closed and opened anew.
 */
export interface LogTables {
  /** All of `work` or nothing of it, synced when this returns. */
  transaction(work: () => void): void;
  readHead(): HeadRow | null;
  readBallot(): BallotRow | null;
  readSnapshot(): SnapshotRow | null;
  /** Rows above `after`, ascending, at most `count`. */
  readEntries(after: LogIndex, count: number): EntryRow[];
  readEntry(index: LogIndex): EntryRow | null;
  /** 0 when there is none. */
  lastIndex(): LogIndex;
  putHead(row: HeadRow): void;
  putBallot(row: BallotRow): void;
  /** In the place of the one before. */
  putSnapshot(row: SnapshotRow): void;
  insertEntry(row: EntryRow): void;
  deleteFrom(index: LogIndex): void;
  deleteUpTo(index: LogIndex): void;
  /** Writes and takes back this many bytes, synced. */
  proveRoom(bytes: number): void;
  /** What can wait and goes between two writes, such as a checkpoint. */
  upkeep(): void;
  close(): void;
}

/**
 * The files of one member's log. A log that is healed goes on in a file of the next generation, so that no crash can leave half of
 * either: one that has no head yet is unfinished and counts for nothing.
 */
export interface LogDevice {
  /** Ascending; none before the log was opened first. */
  generations(): number[];
  /** Created when it is not there. */
  open(generation: number): LogTables;
  /** Kept for study under another name, within `limits.asideFilesMax`. */
  setAside(generation: number): void;
  remove(generation: number): void;
}
