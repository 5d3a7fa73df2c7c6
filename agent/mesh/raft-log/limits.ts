import { KiB, MiB } from '../../base/units.ts';

/** Bounds of the room, each with its reason. */
export const limits = {
  /** Orders of one life that are not answered: a Ready makes one at most, so a host that makes more does not wait for its disk. */
  ordersWaitingMax: 4_096,
  /** Orders and bytes of entries in one transaction: what a sync carries at once, within half the log of SQLite. */
  groupOrdersMax: 256,
  groupBytesMax: 4 * MiB,
  /** Entries deleted in one step of a compaction: a few milliseconds on a slow card, between two writes. */
  compactEntriesMax: 1_024,
  /** Rows read at once while the log is checked at open. */
  verifyPageEntries: 1_024,
  /** The host compacts when the log holds more: it lives in memory too, and start-up reads all of it. */
  compactAtEntries: 16_384,
  compactAtBytes: 8 * MiB,
  /** State of a small control group; a larger one keeps a handle to a file in the snapshot's data. */
  snapshotBytesMax: 16 * MiB,
  /** Members named by one snapshot, on all its lists. */
  snapshotMembersMax: 256,
  /** Between two tries to open a log whose disk failed, doubling. */
  probePauseMsMin: 500,
  probePauseMsMax: 8_000,
  /** Must be writable before a life begins again after `full`: one message of entries, so that it does not end with the first. */
  probeBytes: 256 * KiB,
  /** SQLite's log is brought into the file at this size; what one group adds stays within twice of it. */
  walBytesMax: 8 * MiB,
  /** Damaged files kept for study. */
  asideFilesMax: 2,
} as const;
