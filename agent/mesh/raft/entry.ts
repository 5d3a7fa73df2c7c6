/** A leadership period: 0 before the first election, then 1, 2, 3 … */
export type Term = number;

/** Position in the replicated log: 1, 2, 3 … without holes; 0 stands before the first entry. */
export type LogIndex = number;

/** Term and index together name an entry: two logs that hold the same id hold the same entries up to it (Log Matching). */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

/**
 * `normal` carries data for the state machine (empty: the no-op a leader opens its term with). `change` and `change-single`
 * carry a membership change, see membership/change.ts. `refused-change` stands where a change was proposed that must not be made: it
 * has no data and changes nothing, and tells whoever waits for the change.
 */
export type EntryKind = 'normal' | ChangeKind | 'refused-change';
export type ChangeKind = 'change' | 'change-single';

export interface Entry extends EntryId {
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** An entry before a leader has given it its place. */
export interface Proposal {
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

export const noData = new Uint8Array(0);

export const isChangeKind = (kind: EntryKind): kind is ChangeKind =>
  kind === 'change' || kind === 'change-single';

/** Bytes of an unsigned integer in base 128. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/**
 * Bytes one entry takes in a message or a Ready: what its protobuf record would take, a field without a value taking none.
 * Every limit in bytes but the uncommitted one is counted in this measure.
 */
export function entryBytes(entry: Entry): number {
  const size = entry.data.length;
  const head = 2 + varintBytes(entry.term) + varintBytes(entry.index) + (entry.kind === 'normal' ? 0 : 2);
  return size === 0 ? head : head + 1 + varintBytes(size) + size;
}

export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/** Bytes of data alone; the measure of what is proposed and not yet committed. An empty entry costs nothing and always passes. */
export function payloadBytes(entries: readonly Proposal[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** The longest run from `start` (inclusive) to `end` (exclusive) within `bytesMax`, and always one entry at least. */
export function runWithin(
  entries: readonly Entry[],
  range: { readonly start: number; readonly end: number },
  bytesMax: number,
): Entry[] {
  let bytes = 0;
  for (let at = range.start; at < range.end; at++) {
    bytes += entryBytes(entries[at]!);
    if (bytes > bytesMax && at > range.start) return entries.slice(range.start, at);
  }
  return entries.slice(range.start, range.end);
}
