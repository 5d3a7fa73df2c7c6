import { hash } from 'node:crypto';
import { ByteWriter } from '../../base/byte-writer.ts';
import { crc32c } from '../../base/crc32c.ts';
import type { Entry, EntryId, EntryKind, LogIndex, Term } from '../raft/entry.ts';
import type { MembershipRecord } from '../raft/membership/membership.ts';
import { peerId, type PeerId } from '../raft/peer-id.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import { limits } from './limits.ts';

/** First 8 bytes of SHA-256 over (chain before, term, index, crc): a row in the wrong place, or left from another history, breaks it. */
export type Chain = Uint8Array;
export const chainBytes = 8;

/** Where a chain begins: an empty log, or one that begins with a leader's snapshot. */
export const chainStart: Chain = new Uint8Array(chainBytes);

/** What a row says; nothing of it is believed before its checksums are. */
export interface EntryRow {
  readonly index: LogIndex;
  readonly term: Term;
  /** Position in {@link entryKinds}. */
  readonly kind: number;
  readonly data: Uint8Array;
  /** CRC-32C of everything above. */
  readonly crc: number;
  readonly chain: Chain;
}

/** The one record beside the entries, rewritten with every write. beforeIndex ≤ commit ≤ last. */
export interface Head {
  readonly term: Term;
  readonly vote: PeerId;
  readonly commit: LogIndex;
  /** The entry before the first that is kept. */
  readonly before: EntryId;
  readonly beforeChain: Chain;
  /** The last entry written, all of which may have been acknowledged. */
  readonly last: LogIndex;
  readonly lastChain: Chain;
  /** Votes are withheld while last < doubt; 0: no doubt. */
  readonly doubt: LogIndex;
}
export type HeadRow = Head & { readonly crc: number };

/** A second copy of term and vote, on a page of its own, rewritten when they change. */
export interface Ballot {
  readonly term: Term;
  readonly vote: PeerId;
}
export type BallotRow = Ballot & { readonly crc: number };

export interface SnapshotRow {
  readonly index: LogIndex;
  readonly term: Term;
  /** A {@link MembershipRecord} as JSON. */
  readonly membership: string;
  readonly data: Uint8Array;
  readonly crc: number;
}

/** Order is part of the format: append only. */
export const entryKinds: readonly EntryKind[] = ['normal', 'change', 'change-single', 'refused-change'];

export function entryRow(entry: Entry, before: Chain): EntryRow {
  const { index, term, data } = entry;
  const kind = entryKinds.indexOf(entry.kind);
  const crc = entryCrc({ index, term, kind, data });
  return { index, term, kind, data, crc, chain: chainOf({ index, term, crc }, before) };
}

/** What is wrong with a row that should follow `previous`; null when nothing is. */
export function entryFault(
  row: EntryRow,
  previous: { readonly id: EntryId; readonly chain: Chain },
): string | null {
  if (row.index !== previous.id.index + 1) return `entry ${previous.id.index + 1} is missing`;
  if (row.crc !== entryCrc(row)) return `entry ${row.index} does not match its checksum`;
  if (!sameChain(row.chain, chainOf(row, previous.chain))) return `entry ${row.index} breaks the chain`;
  if (row.term < previous.id.term || entryKinds[row.kind] === undefined)
    return `entry ${row.index} makes no sense`;
  return null;
}

export const entryOf = (row: EntryRow): Entry => ({
  index: row.index,
  term: row.term,
  kind: entryKinds[row.kind]!,
  data: row.data,
});

export const sameChain = (a: Chain, b: Chain): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

export const sealHead = (head: Head): HeadRow => ({ ...head, crc: headCrc(head) });
export const sealBallot = ({ term, vote }: Ballot): BallotRow => ({ term, vote, crc: crcOf(term, vote) });

export const isHeadSound = (row: HeadRow): boolean => row.crc === headCrc(row);
export const isBallotSound = (row: BallotRow): boolean => row.crc === crcOf(row.term, row.vote);

export function snapshotRow({ id, membership, data }: Snapshot): SnapshotRow {
  const row = { index: id.index, term: id.term, membership: JSON.stringify(membership), data };
  return { ...row, crc: snapshotCrc(row) };
}

/** Null when the row is not what was written. */
export function snapshotOf(row: SnapshotRow): Snapshot | null {
  if (row.crc !== snapshotCrc(row)) return null;
  const membership = membershipOf(row.membership);
  if (membership === null) return null;
  return { id: { index: row.index, term: row.term }, membership, data: row.data };
}

/** The fields of the row fixed in bytes, then its data. Numbers are written as doubles, which hold them exactly. */
const scratch = new DataView(new ArrayBuffer(40));
const scratchBytes = new Uint8Array(scratch.buffer);

function entryCrc({ index, term, kind, data }: Omit<EntryRow, 'crc' | 'chain'>): number {
  scratch.setFloat64(0, index, true);
  scratch.setFloat64(8, term, true);
  scratch.setUint8(16, kind);
  return crc32c(data, crc32c(scratchBytes.subarray(0, 17)));
}

function chainOf({ index, term, crc }: Pick<EntryRow, 'index' | 'term' | 'crc'>, before: Chain): Chain {
  scratchBytes.set(before.subarray(0, chainBytes));
  scratch.setFloat64(8, term, true);
  scratch.setFloat64(16, index, true);
  scratch.setUint32(24, crc, true);
  const digest = hash('sha256', scratchBytes.subarray(0, 28), { outputEncoding: 'buffer' });
  return new Uint8Array(digest.subarray(0, chainBytes));
}

function headCrc(head: Head): number {
  const { term, vote, commit, before, last, doubt } = head;
  return crcOf(term, vote, commit, before.index, before.term, head.beforeChain, last, head.lastChain, doubt);
}

const snapshotCrc = ({ index, term, membership, data }: Omit<SnapshotRow, 'crc'>): number =>
  crcOf(index, term, membership, data);

function crcOf(...fields: readonly (number | string | Uint8Array)[]): number {
  const writer = new ByteWriter(128);
  for (const field of fields) {
    if (typeof field === 'number') writer.float64(field);
    else if (typeof field === 'string') writer.text(field);
    else writer.bytes(field);
  }
  return crc32c(writer.finish());
}

function membershipOf(text: string): MembershipRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as Partial<Record<keyof MembershipRecord, unknown>>;
  const voters = idsOf(record.voters);
  const votersOutgoing = idsOf(record.votersOutgoing);
  const learners = idsOf(record.learners);
  const learnersNext = idsOf(record.learnersNext);
  const { autoLeave } = record;
  if (voters === null || votersOutgoing === null || learners === null || learnersNext === null) return null;
  if (typeof autoLeave !== 'boolean') return null;
  return { voters, votersOutgoing, learners, learnersNext, autoLeave };
}

function idsOf(value: unknown): PeerId[] | null {
  if (!Array.isArray(value) || value.length > limits.snapshotMembersMax) return null;
  return value.every((id) => Number.isSafeInteger(id) && id > 0)
    ? value.map((id: number) => peerId(id))
    : null;
}
