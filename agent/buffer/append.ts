import { assert } from '../base/assert.ts';
import type { FilteredCount, SavedState } from '../reading/journal-entry.ts';
import type { MarkRun } from '../reading/mark-bytes.ts';
import { deadLetterStream } from './dead-letter.ts';
import { bootColumn, countEra, eraOf } from './eras.ts';
import { pageBytes, urgentPriorityMin } from './limits.ts';
import { storeMarks } from './marks.ts';
import { storeState } from './pipeline-state.ts';
import { makeRoom } from './retention.ts';
import { absorbEverywhere } from './segments.ts';
import type { Moment, StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/** One journal row to be: an encoded batch and how many readings it holds. */
export interface RowToStore {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** A journal entry whose batch is encoded already. Invariant: `received = sum(rows.count) + sum(filtered.count)`. */
export interface EntryToStore {
  readonly stream: string;
  readonly received: number;
  readonly filtered: readonly FilteredCount[];
  readonly marks: readonly MarkRun[];
  readonly rows: readonly RowToStore[];
  /** See `JournalEntry.clockBase`. */
  readonly clockBase?: number | null;
  readonly state?: SavedState;
}

/** Pages an append may fill at most: overflow chains end in a partly filled page, small rows share leaves. */
export function pagesFor(entries: readonly EntryToStore[]): number {
  return Math.ceil(2 + leavesFor(entries));
}

/** The same for several appends that share a transaction: what they touch together is counted once. */
export function pagesForAll(appends: readonly (readonly EntryToStore[])[]): number {
  let pages = 8;
  for (const entries of appends) pages += leavesFor(entries);
  return Math.ceil(pages);
}

function leavesFor(entries: readonly EntryToStore[]): number {
  let pages = 0;
  for (const entry of entries) {
    pages += 0.05;
    for (const { bytes } of entry.marks) pages += bytes.length / 2_800;
    for (const row of entry.rows) pages += pagesForRow(row);
    if (entry.state !== undefined) pages += pagesForRow(entry.state);
  }
  return pages * 1.03;
}

export function pagesForRow({ bytes }: { readonly bytes: Uint8Array }): number {
  return bytes.length < 800 ? (bytes.length + 48) / 3_200 : Math.ceil(bytes.length / 4_064) + 1;
}

export function bytesOf(entries: readonly EntryToStore[]): number {
  let bytes = 0;
  for (const entry of entries) {
    for (const row of entry.rows) bytes += row.bytes.length;
    bytes += entry.state?.bytes.length ?? 0;
  }
  return bytes;
}

/**
 * Stores one append inside a transaction. False, and nothing touched, when it finds no room and may not make any. Under
 * `drop_oldest` it always finds an end: what outranks nothing that is kept is dropped itself, with an account.
 */
export function storeEntries(core: StoreCore, entries: readonly EntryToStore[], now: Moment): boolean {
  for (const entry of entries) assertEntry(entry);
  const needed = pagesFor(entries);
  const room = admit(core, entries, needed);
  if (room === 'refused') return false;
  for (const entry of entries) {
    const stream = core.stream(entry.stream);
    core.account(stream, { account: 'received', rule: '', count: entry.received });
    for (const { rule, count } of entry.filtered) core.account(stream, { account: 'filtered', rule, count });
    const era = entry.rows.length === 0 ? 0 : eraOf(core, entry.clockBase);
    for (const row of entry.rows) {
      if (room === 'dropped') dropIncoming(core, stream, row.count);
      else insertRow(core, stream, row, { ...now, era });
    }
    storeMarks(core, entry.marks);
    if (entry.state !== undefined) storeState(core, stream, entry.state);
  }
  return true;
}

export function insertRow(
  core: StoreCore,
  stream: StreamState,
  row: RowToStore,
  now: Moment & { readonly era: number },
): void {
  const memory = core.memory;
  const seq = memory.nextSeq++;
  const wallMicros = Math.round(now.wallMicros);
  const monotonicMillis = Math.round(now.monotonicMillis);
  core
    .prepare(
      'INSERT INTO journal (seq, stream, first, count, wall, mono, boot, row) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
    .run(
      seq,
      stream.id,
      stream.head,
      row.count,
      wallMicros,
      monotonicMillis,
      bootColumn({ boot: memory.boot, era: now.era }),
      row.bytes,
    );
  const bytes = row.bytes.length;
  stream.journal.push({
    seq,
    first: stream.head,
    count: row.count,
    bytes,
    wallMicros,
    monotonicMillis,
    boot: memory.boot,
    era: now.era,
  });
  stream.head += row.count;
  stream.journalReadings += row.count;
  stream.journalBytes += bytes;
  countEra(stream.journalEras, now.era, row.count);
  memory.journalRows++;
  memory.journalBytes += bytes;
  memory.bytesSinceSpaceCheck += bytes + pageBytes;
}

/** Readings get their offsets and are dropped at once: receivers see a gap, the ledger a rule. */
export function dropIncoming(core: StoreCore, stream: StreamState, count: number): void {
  const first = stream.head;
  stream.head += count;
  core.touchStream(stream);
  core.account(stream, { account: 'dropped', rule: 'drop_oldest', count });
  absorbEverywhere(core, stream, { from: first, until: first + count, account: 'dropped' });
  core.events.dropped(stream.name, { first, count, rule: 'drop_oldest' });
}

function admit(
  core: StoreCore,
  entries: readonly EntryToStore[],
  needed: number,
): 'room' | 'refused' | 'dropped' {
  if (entries.every((entry) => entry.rows.length === 0))
    return core.claimPages(needed, 8) ? 'room' : 'refused';
  let priority = 0;
  let deadLetterOnly = true;
  for (const entry of entries) {
    if (entry.rows.length === 0) continue;
    priority = Math.max(priority, core.priorityOf(entry.stream));
    deadLetterOnly &&= entry.stream === deadLetterStream;
  }
  const { headroomPages, urgentPages } = core.shares;
  const { whenFull } = core.settings;
  // Coarsening goes before dropping: until the ladder is spent, what does not fit waits for it.
  const spent = whenFull === 'coarsen' && core.memory.ladderSpent;
  const drops = whenFull === 'drop_oldest' || spent || deadLetterOnly;
  const kept = headroomPages + (drops || priority >= urgentPriorityMin ? 0 : urgentPages);
  if (core.claimPages(needed, kept)) {
    core.memory.pagesWanted = 0;
    return 'room';
  }
  if (!drops) {
    core.memory.pagesWanted = needed;
    return 'refused';
  }
  if (makeRoom(core, { pages: needed + kept, priorityMax: priority }) && core.claimPages(needed, kept)) {
    return 'room';
  }
  return 'dropped';
}

function assertEntry(entry: EntryToStore): void {
  let sum = 0;
  for (const row of entry.rows) {
    assert(row.count > 0, 'a row holds readings');
    sum += row.count;
  }
  for (const { count } of entry.filtered) {
    assert(count > 0, 'a filtered count is positive');
    sum += count;
  }
  assert(sum === entry.received, `${entry.stream}: received ${entry.received}, accounted ${sum}`);
}
