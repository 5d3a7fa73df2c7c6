import type { Batch } from '../reading/batch.ts';
import { blockPrefix, encodeBlock } from './codec/block.ts';
import { quarantine } from './damage.ts';
import { bootColumn, bootOf, countEra } from './eras.ts';
import { blocksUnjoinedMin, journalRowsMax, sealAgeReadingsMin } from './limits.ts';
import { contentOf, Damage } from './read.ts';
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
  removeJournalRows(core, stream, 0, rows.length);
  const bytes = insertBlock(core, stream, { opening: first, batches, rowBytes });
  // Blocks lie below every journal row: only the first one ever is the oldest.
  if (stream.oldestBlock === null) {
    stream.oldestBlock = { first: first.first, wallMicros: first.wallMicros, era: first.era };
  }
  if (++stream.blocksUnjoined >= blocksUnjoinedMin) core.memory.toCompact.add(stream);
  core.events.sealed(stream.name, { readings, rowBytes, bytes });
}

/** Stores batches as a block that begins with `opening` and has its clocks. Answers its bytes. Inside a transaction. */
export function insertBlock(
  core: StoreCore,
  stream: StreamState,
  run: { opening: Segment; batches: readonly Batch[]; rowBytes: number },
): number {
  const { opening, batches, rowBytes } = run;
  const block = encodeBlock(batches);
  const payload = core.prepare('INSERT INTO payloads (bytes) VALUES (?)').run(block.bytes).lastInsertRowid;
  core
    .prepare('INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      stream.id,
      opening.first,
      block.readings,
      block.bytes.length,
      rowBytes,
      block.minTimeMicros,
      block.maxTimeMicros,
      'raw',
      opening.wallMicros,
      opening.monotonicMillis,
      bootColumn(opening),
      payload,
    );
  stream.blocks++;
  stream.blockReadings += block.readings;
  stream.blockBytes += block.bytes.length;
  countEra(stream.blockEras, opening.era, block.readings);
  core.touchStream(stream);
  return block.bytes.length;
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
