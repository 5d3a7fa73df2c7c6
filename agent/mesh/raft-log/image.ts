import { noData, type Entry, type EntryId, type LogIndex } from '../raft/entry.ts';
import { MemoryLog } from '../raft/log/memory-log.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import type { HardState } from '../raft/state.ts';

/** A whole log as it was found sound on the device. entries[i].index = before.index + 1 + i; before.index ≤ the snapshot's index. */
export interface LogImage {
  readonly hardState: HardState;
  /** Null only while before.index = 0. */
  readonly snapshot: Snapshot | null;
  readonly before: EntryId;
  readonly entries: readonly Entry[];
  /** See `Head.doubt`. */
  readonly doubt: LogIndex;
}

/** The image in the form a member reads. */
export function memoryLogOf({ hardState, snapshot, before, entries }: LogImage): MemoryLog {
  const log = new MemoryLog();
  const isWhole = snapshot?.id.index === before.index;
  if (snapshot !== null) log.applySnapshot(isWhole ? snapshot : { ...snapshot, id: before, data: noData });
  log.append(entries);
  if (snapshot !== null && !isWhole) log.keepSnapshot(snapshot);
  log.setHardState(hardState);
  return log;
}
