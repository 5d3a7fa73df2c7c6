import type { Batch } from '../reading/batch.ts';
import { countBlock } from './block-sums.ts';
import { blockPrefix, encodeBlock } from './codec/block.ts';
import { concatBatches } from './codec/concat.ts';
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

/**
 * Turns the oldest run of journal rows of a stream into one block, inside a transaction. What a cursor reads stays the
 * same. The rows go first, so that the block finds their pages free and sealing works in a full buffer.
 */
export function sealOldest(core: StoreCore, stream: StreamState): void {
  const { rows, batches } = oldestRun(core, stream);
  const first = rows[0];
  if (first === undefined) return;
  const readings = rows.reduce((sum, row) => sum + row.count, 0);
  const rowBytes = rows.reduce((sum, row) => sum + row.bytes, 0);
  const joined = concatBatches(batches);
  core.folding.sealed(stream, first, joined);
  removeJournalRows(core, stream, 0, rows.length);
  const bytes = insertBlock(core, stream, { opening: first, batches, joined, rowBytes });
  if (++stream.blocksUnjoined >= blocksUnjoinedMin) core.memory.toCompact.add(stream);
  core.events.sealed(stream.name, { readings, rowBytes, bytes });
}

/** Stores batches (`joined`: as one) as a raw block that begins with `opening` and has its clocks. Answers its bytes. Inside a transaction. */
export function insertBlock(
  core: StoreCore,
  stream: StreamState,
  run: { opening: Segment; batches: readonly Batch[]; joined?: Batch; rowBytes: number },
): number {
  const { opening, batches, joined = concatBatches(batches), rowBytes } = run;
  const { bytes, readings, ...times } = encodeBlock(batches, { joined });
  const sums = { count: readings, rowBytes, level: rawLevel, summaries: 0 };
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
         payload, level, summaries) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
    );
  if (stream.oldestBlock === null || (stream.oldestBlock !== undefined && first < stream.oldestBlock.first)) {
    stream.oldestBlock = { first, wallMicros, era };
  }
  if (level === rawLevel) core.memory.ladderSpent = false;
  countBlock(core, stream, { count, bytes: bytes.length, level, summaries, era }, 1);
  return payload;
}

/** Journal rows from the oldest on that make one block: without a gap, within the bounds of a block and of a slice. */
function oldestRun(core: StoreCore, stream: StreamState): { rows: JournalRow[]; batches: Batch[] } {
  const rows: JournalRow[] = [];
  const batches: Batch[] = [];
  let readings = 0;
  let rowBytes = 0;
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
    try {
      batches.push(contentOf(core, stream, { kind: 'journal', row }).batch);
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      if (rows.length > 0) break;
      quarantine(core, stream, { kind: 'journal', row }, error.message);
      break;
    }
    rows.push(row);
    readings += row.count;
    rowBytes += row.bytes;
  }
  const fit = blockPrefix(batches);
  return { rows: rows.slice(0, fit), batches: batches.slice(0, fit) };
}
