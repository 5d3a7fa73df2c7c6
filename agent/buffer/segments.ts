import { assert } from '../base/assert.ts';
import { countBlock } from './block-sums.ts';
import { absorb, waitingIn, type CursorAccount } from './cursor.ts';
import { committedAt, countEra } from './eras.ts';
import { measure, missing, unite, type Interval } from './intervals.ts';
import { contentOf, Damage } from './content.ts';
import { isCoarse, type Level } from './rungs/levels.ts';
import type { StoreCore } from './store-core.ts';
import { journalIndexAt, type BlockPlace, type Place, type StreamState } from './stream-state.ts';

const blockColumns = `first, count, bytes, row_bytes AS rowBytes, fidelity, wall AS wallMicros, mono AS monotonicMillis,
  boot, max(-boot, 0) AS era, payload, level, summaries, roundings, min_time AS minTimeMicros, max_time AS maxTimeMicros`;

/** The block that holds `offset`, or else the next one above it. */
export function blockFrom(core: StoreCore, stream: StreamState, offset: number): BlockPlace | null {
  if (stream.blocks === 0) return null;
  const below = core
    .prepare<BlockPlace>(
      `SELECT ${blockColumns} FROM blocks WHERE stream = ? AND first <= ? ORDER BY first DESC LIMIT 1`,
    )
    .get(stream.id, offset);
  if (below !== undefined && below.first + below.count > offset) return below;
  return (
    core
      .prepare<BlockPlace>(
        `SELECT ${blockColumns} FROM blocks WHERE stream = ? AND first > ? ORDER BY first LIMIT 1`,
      )
      .get(stream.id, offset) ?? null
  );
}

/** The block that ends right before `offset`. */
export function blockEndingAt(core: StoreCore, stream: StreamState, offset: number): BlockPlace | null {
  const place = offset === 0 ? null : blockFrom(core, stream, offset - 1);
  return place !== null && place.first + place.count === offset ? place : null;
}

/** The oldest block of this level. */
export function blockAtLevel(core: StoreCore, stream: StreamState, level: Level): BlockPlace | null {
  return (
    core
      .prepare<BlockPlace>(
        `SELECT ${blockColumns} FROM blocks WHERE stream = ? AND level = ? ORDER BY first LIMIT 1`,
      )
      .get(stream.id, level) ?? null
  );
}

/** Puts a block at another level without a change of its bytes. Inside a transaction. */
export function setLevel(core: StoreCore, stream: StreamState, place: BlockPlace, level: Level): void {
  core
    .prepare('UPDATE blocks SET level = ? WHERE stream = ? AND first = ?')
    .run(level, stream.id, place.first);
  countBlock(core, stream, place, -1);
  countBlock(core, stream, { ...place, level }, 1);
}

/** Blocks that begin at `from` or above, ascending. */
export function blocksFrom(
  core: StoreCore,
  stream: StreamState,
  { from, limit }: { from: number; limit: number },
): BlockPlace[] {
  return core
    .prepare<BlockPlace>(
      `SELECT ${blockColumns} FROM blocks WHERE stream = ? AND first >= ? ORDER BY first LIMIT ?`,
    )
    .all(stream.id, from, limit);
}

/** The segment that holds `offset`, or else the next one above it; blocks and journal rows may interleave. */
export function segmentFrom(core: StoreCore, stream: StreamState, offset: number): Place | null {
  const block = blockFrom(core, stream, offset);
  const row = stream.journal[journalIndexAt(stream.journal, offset)];
  if (block === null && row === undefined) return null;
  if (row === undefined || (block !== null && block.first < row.first)) {
    assert(block !== null, 'one of the two is there');
    return { kind: 'block', row: block };
  }
  return { kind: 'journal', row };
}

/** Segments that overlap `from … until - 1`, ascending. */
export function segmentsIn(core: StoreCore, stream: StreamState, from: number, until: number): Place[] {
  const places: Place[] = [];
  for (let at = from; at < until;) {
    const place = segmentFrom(core, stream, at);
    if (place === null || place.row.first >= until) break;
    places.push(place);
    at = place.row.first + place.row.count;
  }
  return places;
}

/** Offset of the oldest reading kept; the head when there is none. */
export function tail(core: StoreCore, stream: StreamState): number {
  const block = oldestBlock(core, stream);
  const row = stream.journal[0];
  return Math.min(block?.first ?? stream.head, row?.first ?? stream.head);
}

/** Commit time of the oldest reading kept. */
export function oldestWall(core: StoreCore, stream: StreamState): number | null {
  const block = oldestBlock(core, stream);
  const row = stream.journal[0];
  if (block !== null && (row === undefined || block.first < row.first))
    return committedAt(core.memory, block);
  return row === undefined ? null : committedAt(core.memory, row);
}

function oldestBlock(core: StoreCore, stream: StreamState): StreamState['oldestBlock'] & ({} | null) {
  if (stream.oldestBlock === undefined) {
    const row = core
      .prepare<{ first: number; wallMicros: number; era: number }>(
        'SELECT first, wall AS wallMicros, max(-boot, 0) AS era FROM blocks WHERE stream = ? ORDER BY first LIMIT 1',
      )
      .get(stream.id);
    stream.oldestBlock = row ?? null;
  }
  return stream.oldestBlock;
}

/** Takes a segment's bytes away. Accounts are the caller's. Inside a transaction. */
export function removeSegment(core: StoreCore, stream: StreamState, place: Place): void {
  if (place.kind === 'journal') {
    const index = journalIndexAt(stream.journal, place.row.first);
    assert(stream.journal[index]?.seq === place.row.seq, 'the journal row is the one in memory');
    removeJournalRows(core, stream, index, 1);
  } else {
    core.prepare('DELETE FROM blocks WHERE stream = ? AND first = ?').run(stream.id, place.row.first);
    core.prepare('DELETE FROM payloads WHERE id = ?').run(place.row.payload);
    core.decoded.forget(place.row.payload);
    countBlock(core, stream, place.row, -1);
    if (stream.oldestBlock?.first === place.row.first) stream.oldestBlock = undefined;
    if (stream.blocks === 0) stream.oldestBlock = null;
  }
  core.touchStream(stream);
}

/** Deletes `count` rows from `index` on, in the table and in memory. */
export function removeJournalRows(core: StoreCore, stream: StreamState, index: number, count: number): void {
  const statement = core.prepare('DELETE FROM journal WHERE seq = ?');
  for (const row of stream.journal.splice(index, count)) {
    statement.run(row.seq);
    stream.journalReadings -= row.count;
    stream.journalBytes -= row.bytes;
    countEra(stream.journalEras, row.era, -row.count);
    core.memory.journalBytes -= row.bytes;
    core.memory.journalRows--;
  }
  core.touchStream(stream);
}

/** Settles a range for every cursor of the stream that has not settled it yet. */
export function absorbEverywhere(
  core: StoreCore,
  stream: StreamState,
  range: { from: number; until: number; account: CursorAccount },
): void {
  for (const cursor of stream.cursors.values()) {
    if (cursor.parked) continue;
    if (absorb(cursor, range.from, range.until, range.account) > 0) core.touchCursor(stream, cursor);
  }
}

/**
 * Removes a segment before its time. What some uplink of the stream still waited for is accounted as dropped by `rule` and their cursors
 * skip it; what all had settled is accounted as such.
 */
export function dropSegment(core: StoreCore, stream: StreamState, place: Place, rule: string): void {
  const { first, count } = place.row;
  const until = first + count;
  if (rule !== 'damaged' && rule !== 'purged') fold(core, stream, place);
  else core.folding.tell(stream, place);
  removeSegment(core, stream, place);
  const lost = waitedFor(stream, first, until);
  core.account(stream, { account: 'dropped', rule, count: measure(lost) });
  const coarse = isCoarsePlace(place);
  if (coarse) core.account(stream, { account: 'lapsed', rule: '', count: measure(lost) });
  for (const range of missing(lost, first, until)) accountReleased(core, stream, range, coarse);
  absorbEverywhere(core, stream, { from: first, until, account: 'dropped' });
  forgetForfeits(core, stream, [first, until]);
  core.events.dropped(stream.name, { first, count: measure(lost), rule });
}

function isCoarsePlace(place: Place): boolean {
  return place.kind === 'block' && isCoarse(place.row.level);
}

/** What leaves the store and is in no summary yet goes into one. */
function fold(core: StoreCore, stream: StreamState, place: Place): void {
  if (place.kind === 'block') return core.folding.blockLeaves(stream, place.row);
  if (!core.folding.wants(stream)) return;
  try {
    core.folding.released(stream, place.row, contentOf(core, stream, place).batch);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
  }
}

/** What of the range some uplink still waits for: all of it, when no uplink takes the stream. */
function waitedFor(stream: StreamState, from: number, until: number): readonly Interval[] {
  let lost: readonly Interval[] = [];
  let takers = 0;
  for (const cursor of stream.cursors.values()) {
    if (cursor.parked) continue;
    takers++;
    for (const [first, end] of waitingIn(cursor, from, until)) lost = unite(lost, first, end);
  }
  return takers === 0 ? [[from, until]] : lost;
}

/**
 * Lets go of every segment in reach of the range that all uplinks of the stream have settled. A stream no uplink takes keeps its
 * readings.
 */
export function releaseSettled(core: StoreCore, stream: StreamState, from: number, until: number): void {
  for (const place of segmentsIn(core, stream, from, until)) {
    const { first, count } = place.row;
    if (waitedFor(stream, first, first + count).length > 0) continue;
    fold(core, stream, place);
    removeSegment(core, stream, place);
    const coarse = isCoarsePlace(place);
    if (place.kind === 'block') {
      core.account(stream, { account: 'released', rule: '', count: place.row.summaries });
    }
    accountReleased(core, stream, [first, first + count], coarse);
    forgetForfeits(core, stream, [first, first + count]);
  }
}

/**
 * Readings everybody settled: delivered, or dropped by the rule under which an uplink did without. What summaries stand for is accounted as
 * coarsened already.
 */
function accountReleased(
  core: StoreCore,
  stream: StreamState,
  [first, until]: Interval,
  coarse: boolean,
): void {
  let delivered = until - first;
  for (const [rule, forfeited] of forfeitedIn(core, stream, first, until)) {
    core.account(stream, { account: 'dropped', rule, count: forfeited });
    if (coarse) core.account(stream, { account: 'lapsed', rule: '', count: forfeited });
    delivered -= forfeited;
  }
  assert(delivered >= 0, 'no reading is forfeited twice');
  if (!coarse) core.account(stream, { account: 'delivered', rule: '', count: delivered });
}

interface ForfeitRow {
  rule: string;
  first: number;
  until: number;
}

/**
 * Notes that an uplink settled a range without taking it (it refused, or the operator purged): once released, these readings count as
 * dropped by `rule`, not as delivered. Inside a transaction.
 */
export function forfeit(core: StoreCore, stream: StreamState, rule: string, [first, until]: Interval): void {
  const touching = core
    .prepare<{ first: number }>('SELECT first FROM forfeits WHERE stream = ? AND rule = ? AND until = ?')
    .get(stream.id, rule, first);
  core
    .prepare('INSERT OR REPLACE INTO forfeits VALUES (?, ?, ?, ?)')
    .run(stream.id, rule, touching?.first ?? first, until);
}

/** Forfeited readings of the range, each counted once, for the first rule by name. */
function forfeitedIn(core: StoreCore, stream: StreamState, from: number, until: number): Map<string, number> {
  const counts = new Map<string, number>();
  let union: readonly Interval[] = [];
  let before = 0;
  for (const row of overlapping(core, stream, from, until)) {
    union = unite(union, Math.max(row.first, from), Math.min(row.until, until));
    const now = measure(union);
    if (now > before) counts.set(row.rule, (counts.get(row.rule) ?? 0) + now - before);
    before = now;
  }
  return counts;
}

/** What is gone needs no note any more; a range that reaches beyond is cut. */
function forgetForfeits(core: StoreCore, stream: StreamState, [from, until]: Interval): void {
  for (const row of overlapping(core, stream, from, until)) {
    core
      .prepare('DELETE FROM forfeits WHERE stream = ? AND rule = ? AND first = ?')
      .run(stream.id, row.rule, row.first);
    const insert = core.prepare('INSERT INTO forfeits VALUES (?, ?, ?, ?)');
    if (row.first < from) insert.run(stream.id, row.rule, row.first, from);
    if (row.until > until) insert.run(stream.id, row.rule, until, row.until);
  }
}

function overlapping(core: StoreCore, stream: StreamState, from: number, until: number): ForfeitRow[] {
  if (stream.cursors.size === 0) return [];
  return core
    .prepare<ForfeitRow>(
      'SELECT rule, first, until FROM forfeits WHERE stream = ? AND first < ? AND until > ? ORDER BY rule, first',
    )
    .all(stream.id, until, from);
}
