import type { Batch } from '../reading/batch.ts';
import { countBlock } from './block-sums.ts';
import { blockPrefix, encodeBlock, encodingBlock, type EncodedBlock } from './codec/block.ts';
import { concatBatches, concatenating } from './codec/concat.ts';
import type { SectionOrders } from './codec/section-orders.ts';
import { atOnce, type Steps } from './codec/steps.ts';
import { quarantine } from './damage.ts';
import { bootColumn, bootOf } from './eras.ts';
import { blocksUnjoinedMin, journalRowsMax, sealAgeReadingsMin } from './limits.ts';
import { contentOf, Damage } from './content.ts';
import { fidelityOf, rawLevel, type Level } from './rungs/levels.ts';
import { removeJournalRows } from './segments.ts';
import type { Moment, StoreCore } from './store-core.ts';
import type { JournalRow, Segment, StreamState } from './stream-state.ts';

/** The stream that should be sealed next: one that is full, one that is old, or under pressure the one that holds most. */
export function dueForSealing(core: StoreCore, now: Moment): StreamState | null {
  const { readings, bytes, ageMillis } = core.settings.seal;
  let fullest: StreamState | null = null;
  let aged: StreamState | null = null;
  for (const stream of core.memory.streams.values()) {
    const oldest = stream.journal[0];
    if (oldest === undefined) continue;
    if (fullest === null || stream.journalBytes > fullest.journalBytes) fullest = stream;
    if (stream.journalReadings >= readings || stream.journalBytes >= bytes) return stream;
    const worthIt = stream.journalReadings >= sealAgeReadingsMin || stream.journalBytes >= bytes / 8;
    const old =
      bootOf(core.memory, oldest) !== core.memory.boot ||
      now.monotonicMillis - oldest.monotonicMillis >= ageMillis;
    if (worthIt && old) aged = stream;
  }
  return aged ?? (journalPressing(core) ? fullest : null);
}

/** More waits than one block takes: what comes in is faster than sealing in steps. */
export function isBehind(core: StoreCore, stream: StreamState): boolean {
  const { readings, bytes } = core.settings.seal;
  return stream.journalReadings >= 2 * readings || stream.journalBytes >= 2 * bytes;
}

/** The stream whose journal rows take most; null when there are none. */
export function fullestJournal(core: StoreCore): StreamState | null {
  let fullest: StreamState | null = null;
  for (const stream of core.memory.streams.values()) {
    if (stream.journalBytes > (fullest?.journalBytes ?? 0)) fullest = stream;
  }
  return fullest;
}

/** The journal holds more than it should: sealing goes before the next commit. */
export function journalPressing(core: StoreCore): boolean {
  const memory = core.memory;
  return memory.journalBytes > core.shares.journalBytes || memory.journalRows > journalRowsMax;
}

/** The oldest run of journal rows of a stream, as one block that is not stored yet. */
export interface SealedRun {
  readonly rows: readonly JournalRow[];
  readonly joined: Batch;
  readonly block: EncodedBlock;
}

/** The oldest row of a stream cannot be read. */
export interface DamagedRow {
  readonly row: JournalRow;
  readonly reason: string;
}

/**
 * Makes a block of the oldest run of journal rows of a stream: in steps, outside of a transaction, while the store goes on. It is to
 * be thrown away when the mirror in memory was loaded anew. Null when there is nothing.
 */
export function* sealing(
  core: StoreCore,
  stream: StreamState,
  orders?: SectionOrders,
): Steps<SealedRun | DamagedRow | null> {
  const { rows, batches, damaged } = yield* oldestRun(core, stream);
  if (rows.length === 0) return damaged;
  const joined = yield* concatenating(batches);
  const block = yield* encodingBlock(batches, { joined, ...(orders === undefined ? {} : { orders }) });
  return { rows, joined, block };
}

/**
 * Puts the block in the place of its rows, inside a transaction. What a cursor reads stays the same. The rows go first, so that the
 * block finds their pages free and sealing works in a full buffer. False when they are not the stream's oldest rows any more.
 */
export function storeSealed(core: StoreCore, stream: StreamState, sealed: SealedRun | DamagedRow): boolean {
  if ('reason' in sealed) {
    if (stream.journal[0] !== sealed.row) return false;
    quarantine(core, stream, { kind: 'journal', row: sealed.row }, sealed.reason);
    return true;
  }
  const { rows, joined, block } = sealed;
  if (!rows.every((row, i) => stream.journal[i] === row)) return false;
  const opening = rows[0]!;
  const { bytes, readings, ...times } = block;
  const rowBytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  core.folding.sealed(stream, opening, joined);
  removeJournalRows(core, stream, 0, rows.length);
  const sums = { count: readings, rowBytes, level: rawLevel, summaries: 0, roundings: 0 };
  storeBlock(core, stream, { opening, bytes, ...times, ...sums });
  if (++stream.blocksUnjoined >= blocksUnjoinedMin) core.memory.toCompact.add(stream);
  core.events.sealed(stream.name, { readings, rowBytes, bytes: bytes.length });
  return true;
}

/** Seals the oldest run of journal rows of a stream at once, inside a transaction. */
export function sealOldest(core: StoreCore, stream: StreamState): void {
  const sealed = atOnce(sealing(core, stream));
  if (sealed !== null) storeSealed(core, stream, sealed);
}

/** Stores batches (`joined`: as one) as a raw block that begins with `opening` and has its clocks. Answers its bytes. Inside a transaction. */
export function insertBlock(
  core: StoreCore,
  stream: StreamState,
  run: { opening: Segment; batches: readonly Batch[]; joined?: Batch; rowBytes: number },
): number {
  const { opening, batches, joined = concatBatches(batches), rowBytes } = run;
  const { bytes, readings, ...times } = encodeBlock(batches, { joined });
  const sums = { count: readings, rowBytes, level: rawLevel, summaries: 0, roundings: 0 };
  storeBlock(core, stream, { opening, bytes, ...times, ...sums });
  return bytes.length;
}

/** A block of any level, encoded. */
export interface BlockToStore {
  readonly opening: Segment;
  readonly bytes: Uint8Array;
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
  /** Readings it covers. */
  readonly count: number;
  readonly rowBytes: number;
  readonly level: Level;
  readonly summaries: number;
  readonly roundings: number;
}

/** Inside a transaction. */
export function storeBlock(core: StoreCore, stream: StreamState, block: BlockToStore): number {
  const { opening, bytes, level, count, rowBytes, summaries } = block;
  const { first, wallMicros, monotonicMillis, era } = opening;
  const payload = core.prepare('INSERT INTO payloads (bytes) VALUES (?)').run(bytes).lastInsertRowid;
  const fidelity = fidelityOf(level);
  core
    .prepare(
      `INSERT INTO blocks (stream, first, count, bytes, row_bytes, min_time, max_time, fidelity, wall, mono, boot,
         payload, level, summaries, roundings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      stream.id,
      first,
      count,
      bytes.length,
      rowBytes,
      block.minTimeMicros,
      block.maxTimeMicros,
      fidelity,
      wallMicros,
      monotonicMillis,
      bootColumn(opening),
      payload,
      level,
      summaries,
      block.roundings,
    );
  if (stream.oldestBlock === null || (stream.oldestBlock !== undefined && first < stream.oldestBlock.first)) {
    stream.oldestBlock = { first, wallMicros, era };
  }
  if (level === rawLevel) core.memory.ladderSpent = false;
  countBlock(core, stream, { count, bytes: bytes.length, level, summaries, era }, 1);
  return payload;
}

/** Journal rows from the oldest on that make one block: without a gap, within the bounds of a block and of a slice. */
function* oldestRun(
  core: StoreCore,
  stream: StreamState,
): Steps<{ rows: JournalRow[]; batches: Batch[]; damaged: DamagedRow | null }> {
  const rows: JournalRow[] = [];
  const batches: Batch[] = [];
  let readings = 0;
  let rowBytes = 0;
  // Rows are added behind meanwhile. When some are taken away in front, the run ends and is thrown away.
  for (const row of stream.journal) {
    const before = rows.at(-1);
    if (before !== undefined) {
      if (before.first + before.count !== row.first || before.era !== row.era) break;
      if (
        readings + row.count > core.settings.seal.readings ||
        rowBytes + row.bytes > core.shares.sealSliceBytes
      )
        break;
    }
    const batch = batchOf(core, stream, row);
    if ('reason' in batch) {
      if (rows.length === 0) return { rows, batches, damaged: batch };
      break;
    }
    batches.push(batch);
    rows.push(row);
    readings += row.count;
    rowBytes += row.bytes;
    yield batch.length * Math.max(1, batch.columns.length);
  }
  const fit = blockPrefix(batches);
  return { rows: rows.slice(0, fit), batches: batches.slice(0, fit), damaged: null };
}

function batchOf(core: StoreCore, stream: StreamState, row: JournalRow): Batch | DamagedRow {
  try {
    return contentOf(core, stream, { kind: 'journal', row }).batch;
  } catch (error) {
    if (error instanceof Damage) return { row, reason: error.message };
    throw error;
  }
}
