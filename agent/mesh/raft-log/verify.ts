import { emptyHardState } from '../raft/state.ts';
import type { Entry, EntryId, LogIndex } from '../raft/entry.ts';
import { logStart } from '../raft/log/log-reader.ts';
import { noPeer } from '../raft/peer-id.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import type { LogImage } from './image.ts';
import { limits } from './limits.ts';
import type { LogDamage } from './port.ts';
import {
  chainStart,
  entryFault,
  entryOf,
  isBallotSound,
  isHeadSound,
  sameChain,
  snapshotOf,
  type Ballot,
  type BallotRow,
  type Chain,
  type Head,
} from './rows.ts';
import type { LogTables } from './tables.ts';

/** Rows that are to be cut off from `from` on. */
export interface Truncation {
  readonly from: LogIndex;
  /** Up to where rows were written and may have been acknowledged; < from: none of them was. */
  readonly promised: LogIndex;
  readonly reason: string;
}

export type Verdict =
  | {
      readonly kind: 'sound';
      /** As it is to be: rows of a truncation taken off. */
      readonly head: Head;
      readonly image: LogImage;
      readonly truncation: Truncation | null;
      /** The second copy of term and vote is to be written anew. */
      readonly mendBallot: boolean;
    }
  | { readonly kind: 'damaged'; readonly damage: LogDamage };

const emptyHead: Head = {
  term: 0,
  vote: noPeer,
  commit: 0,
  before: logStart,
  beforeChain: chainStart,
  last: 0,
  lastChain: chainStart,
  doubt: 0,
};

/** Nothing was ever written: a member that has never run, or a file that was not finished. */
export const isBlank = (tables: LogTables): boolean =>
  tables.readHead() === null &&
  tables.readBallot() === null &&
  tables.readSnapshot() === null &&
  tables.lastIndex() === 0;

/**
 * Reads all of it and says what it is worth (README.md, Recovery). What may be cut off is the end beyond the recorded commit; when that
 * may have been acknowledged, votes are withheld until a leader has brought the log back to that length. Anything else that is
 * wrong is damage.
 */
export function verify(tables: LogTables): Verdict {
  if (isBlank(tables)) {
    const image = { hardState: emptyHardState, snapshot: null, before: logStart, entries: [], doubt: 0 };
    return { kind: 'sound', head: emptyHead, image, truncation: null, mendBallot: false };
  }
  const row = tables.readHead();
  const ballot = soundBallot(tables);
  // Only the newest head tells how far this member had promised. The rows do not: the last of them may be gone with it.
  if (row === null) return damaged('the head is missing', tables.lastIndex(), null);
  if (!isHeadSound(row)) return damaged('the head does not match its checksum', tables.lastIndex(), null);
  const { crc: _crc, ...head } = row;
  if (isOutdated(head, tables.readBallot()))
    return damaged('the head is older than the vote', Math.max(head.last, tables.lastIndex()), null);
  const snapshot = soundSnapshot(tables);
  if (snapshot === undefined) return damaged('the snapshot does not match its checksum', head.last, head);
  if ((snapshot?.id.index ?? 0) < head.before.index)
    return damaged('the snapshot is missing', head.last, head);
  return judge({ head, snapshot, tables, mendBallot: !sameBallot(ballot, head) });
}

function judge(found: {
  readonly head: Head;
  readonly snapshot: Snapshot | null;
  readonly tables: LogTables;
  readonly mendBallot: boolean;
}): Verdict {
  const { head, snapshot, tables, mendBallot } = found;
  const run = readRun(tables, head);
  const fault = run.fault ?? endFault(head, run);
  const from = run.fault === null && fault !== null ? head.last : run.end.index + 1;
  if (fault !== null && from <= head.commit) return damaged(fault, head.last, head);
  const sound = fault === null ? run.entries : run.entries.slice(0, from - head.before.index - 1);
  if (snapshot !== null && !holdsSnapshot(head, sound, snapshot))
    return damaged(`the snapshot at ${snapshot.id.index} is not of this log`, head.last, head);
  const isBeyond = fault === null && tables.lastIndex() > head.last;
  const doubt = fault === null ? head.doubt : Math.max(head.doubt, head.last);
  const reason = fault ?? 'rows that no write finished';
  const truncation =
    fault === null && !isBeyond ? null : { from, promised: fault === null ? 0 : head.last, reason };
  const kept =
    fault === null ? head : { ...head, last: from - 1, lastChain: chainBefore(run, from, head), doubt };
  const { term, vote, commit, before } = head;
  const image = { hardState: { term, vote, commit }, snapshot, before, entries: sound, doubt };
  return { kind: 'sound', head: kept, image, truncation, mendBallot };
}

interface Run {
  /** Sound rows that follow the head's `before`, up to its `last`. */
  readonly entries: Entry[];
  readonly end: EntryId;
  /** chains[i] belongs to entries[i]. */
  readonly chains: Chain[];
  /** Why the run ends before the head's `last`. */
  readonly fault: string | null;
}

function readRun(tables: LogTables, head: Head): Run {
  const entries: Entry[] = [];
  const chains: Chain[] = [];
  let previous = { id: head.before, chain: head.beforeChain };
  while (previous.id.index < head.last) {
    const count = Math.min(limits.verifyPageEntries, head.last - previous.id.index);
    const rows = tables.readEntries(previous.id.index, count);
    if (rows.length === 0)
      return { entries, chains, end: previous.id, fault: `entry ${previous.id.index + 1} is missing` };
    for (const row of rows) {
      const fault =
        row.term > head.term ? `entry ${row.index} is of a term to come` : entryFault(row, previous);
      if (fault !== null) return { entries, chains, end: previous.id, fault };
      entries.push(entryOf(row));
      chains.push(row.chain);
      previous = { id: { index: row.index, term: row.term }, chain: row.chain };
    }
  }
  return { entries, chains, end: previous.id, fault: null };
}

/** The last row may be an old one that its place once held: it is sound by itself, and not what was written last. */
function endFault(head: Head, run: Run): string | null {
  const chain = run.chains.at(-1) ?? head.beforeChain;
  return sameChain(chain, head.lastChain) ? null : `entry ${head.last} is not the one written last`;
}

function chainBefore(run: Run, index: LogIndex, head: Head): Chain {
  const at = index - head.before.index - 2;
  return at < 0 ? head.beforeChain : run.chains[at]!;
}

function holdsSnapshot(head: Head, entries: readonly Entry[], snapshot: Snapshot): boolean {
  const { index, term } = snapshot.id;
  if (index === head.before.index) return term === head.before.term;
  // It is of applied state, so of committed entries, none of which is cut off.
  return index <= head.commit && entries[index - head.before.index - 1]?.term === term;
}

function soundBallot(tables: LogTables): Ballot | null {
  const row = tables.readBallot();
  return row !== null && isBallotSound(row) ? { term: row.term, vote: row.vote } : null;
}

/** Null: there is none. Undefined: there is one that is not what was written. */
function soundSnapshot(tables: LogTables): Snapshot | null | undefined {
  const row = tables.readSnapshot();
  return row === null ? null : (snapshotOf(row) ?? undefined);
}

/** Both are written together, so the copy goes further only when the head is a page of former times. */
export const isOutdated = (head: Head, ballot: BallotRow | null): boolean =>
  ballot !== null &&
  isBallotSound(ballot) &&
  (ballot.term > head.term ||
    (ballot.term === head.term && ballot.vote !== head.vote && ballot.vote !== noPeer));

const sameBallot = (a: Ballot | null, b: Ballot): boolean =>
  a !== null && a.term === b.term && a.vote === b.vote;

function damaged(reason: string, needIndex: LogIndex, ballot: Ballot | null): Verdict {
  const known = ballot === null ? null : { term: ballot.term, vote: ballot.vote };
  return { kind: 'damaged', damage: { reason, needIndex, ballot: known } };
}
