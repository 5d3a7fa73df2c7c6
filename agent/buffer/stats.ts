import { correctionOf, countsOf } from './eras.ts';
import type { PassedLevel } from './passed-over.ts';
import { rollupBytes } from './rollup/upkeep.ts';
import type { StoreSettings } from './settings.ts';
import { oldestWall, tail } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { Fidelity } from '../ports/store.ts';
import { fidelityOf, isCoarse, rawLevel } from './rungs/levels.ts';
import { buffered, rawSums, storedBytes, type RungSums, type StreamState } from './stream-state.ts';

export interface StreamStats {
  readonly stream: string;
  readonly priority: number;
  /** Offset of the oldest reading kept; the head when there is none. */
  readonly tail: number;
  readonly head: number;
  readonly readings: number;
  readonly bytes: number;
  /** Of blocks, by how coarse they are, raw first; empty where there is none. */
  readonly rungs: readonly RungStats[];
  /** Levels the ladder passed over since the start. */
  readonly passedOver: readonly PassedLevel[];
  readonly journalReadings: number;
  readonly blocks: number;
  /** Commit time of the oldest reading kept, microseconds; null when there is none. */
  readonly oldestMicros: number | null;
  /** Readings kept whose times were counted while nobody had set the clock. */
  readonly clock: { readonly waiting: number; readonly rebased: number; readonly lost: number };
}

export interface RungStats extends RungSums {
  readonly level: number;
  readonly fidelity: Fidelity;
}

export interface StoreStats {
  /** Names the database; offsets count within it. */
  readonly epoch: string;
  readonly sizeBytes: number;
  /** Database, WAL and reserve: never above `sizeBytes`. */
  readonly occupiedBytes: number;
  /** What readings that are not urgent may still fill before {@link full}. */
  readonly freeBytes: number;
  /** What is done for want of room now: the way of `when_full`, or dropping where nothing can be coarser; null: nothing has to be. */
  readonly full: StoreSettings['whenFull'] | null;
  /** It is the device that has no more room, not the cap. */
  readonly deviceFull: boolean;
  readonly walBytes: number;
  readonly reserveBytes: number;
  /** Summaries by minute, hour and day; within the cap. */
  readonly rollupBytes: number;
  readonly appendBytesMax: number;
  readonly streams: readonly StreamStats[];
}

/** O(streams), whatever the backlog. */
export function statsOf(core: StoreCore): StoreStats {
  const streams: StreamStats[] = [];
  for (const stream of core.memory.streams.values()) {
    streams.push({
      stream: stream.name,
      priority: stream.priority,
      tail: tail(core, stream),
      head: stream.head,
      readings: buffered(stream),
      bytes: storedBytes(stream),
      rungs: rungsOf(stream),
      passedOver: core.passed.of(stream.name),
      journalReadings: stream.journalReadings,
      blocks: stream.blocks,
      oldestMicros: oldestWall(core, stream),
      clock: countsOf(core.memory, stream),
    });
  }
  return {
    epoch: core.epoch,
    sizeBytes: core.shares.sizeBytes,
    occupiedBytes: core.occupiedBytes(),
    ...roomOf(core),
    walBytes: core.space.walBytes(),
    reserveBytes: core.space.reserveBytes(),
    rollupBytes: rollupBytes(core),
    appendBytesMax: core.shares.appendBytes,
    streams,
  };
}

/** A block is let go of, or made coarser, at a time: beside that much room a buffer that has to is as full as it gets. */
function roomOf(core: StoreCore): Pick<StoreStats, 'freeBytes' | 'full' | 'deviceFull'> {
  const { settings, shares, memory } = core;
  const { headroomPages, urgentPages, pagesMax, sealSliceBytes } = shares;
  const climbs = settings.whenFull === 'coarsen' && !memory.ladderSpent;
  const drops = settings.whenFull === 'drop_oldest' || (settings.whenFull === 'coarsen' && !climbs);
  const kept = headroomPages + (drops ? 0 : urgentPages) + (climbs ? settings.ladderShare * pagesMax : 0);
  const pages = core.freePages() - kept;
  const freeBytes = Math.max(0, Math.floor(pages)) * core.figures.pageBytes();
  const refused = memory.pagesWanted > 0 && pages < memory.pagesWanted;
  const isFull =
    refused || freeBytes === 0 || (settings.whenFull !== 'block' && freeBytes < 2 * sealSliceBytes);
  const full = drops ? 'drop_oldest' : settings.whenFull;
  return { freeBytes, full: isFull ? full : null, deviceFull: isFull && !memory.mayGrow };
}

function rungsOf(stream: StreamState): RungStats[] {
  const rungs: RungStats[] = [{ level: rawLevel, fidelity: 'raw', ...rawSums(stream) }];
  for (const [level, sums] of stream.rungs) {
    rungs.push({ level, fidelity: isCoarse(level) ? fidelityOf(level) : 'raw', ...sums });
  }
  return rungs.filter(({ blocks }) => blocks > 0).sort((a, b) => a.level - b.level);
}

export interface BlockRow {
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
  readonly rowBytes: number;
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
  readonly fidelity: string;
  /** How coarse; see `rungs/README.md`. */
  readonly level: number;
  readonly summaries: number;
  readonly wallMicros: number;
}

/** Blocks of a stream in order, at most `limit` from offset `from` on. */
export function blocksOf(core: StoreCore, name: string, page: { from: number; limit: number }): BlockRow[] {
  const stream = core.memory.streams.get(name);
  if (stream === undefined) return [];
  const rows = core
    .prepare<BlockRow & { era: number }>(
      `SELECT first, count, bytes, row_bytes AS rowBytes, min_time AS minTimeMicros, max_time AS maxTimeMicros, fidelity, level, summaries,
         wall AS wallMicros, max(-boot, 0) AS era FROM blocks WHERE stream = ? AND first >= ? ORDER BY first LIMIT ?`,
    )
    .all(stream.id, page.from, page.limit);
  return rows.map(({ era, minTimeMicros, maxTimeMicros, wallMicros, ...row }) => {
    const shift = correctionOf(core.memory, era) ?? 0;
    return {
      ...row,
      minTimeMicros: minTimeMicros + shift,
      maxTimeMicros: maxTimeMicros + shift,
      wallMicros: wallMicros + shift,
    };
  });
}
