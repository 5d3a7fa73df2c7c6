import { SedgeError } from '../../base/errors.ts';
import { DiskError } from '../../ports/database.ts';
import { keepFloor } from '../eras.ts';
import type { Moment, StoreCore } from '../store-core.ts';
import { behindDue, foldNext, writeDue, writeOpen } from './catch-up.ts';
import {
  retentionRowsMax,
  retentionStepMicros,
  rollupLevels,
  rollupRowBytes,
  trimPauseMillis,
} from './limits.ts';
import { mergeDue, mergePieces, saveLevels } from './merge.ts';
import { rollupBytesMax, tooManyPieces } from './pieces.ts';
import { loadRollups } from './rollup-memory.ts';

/** There is something to write, to fold, to merge or to let go of. */
export function rollUpDue(core: StoreCore, now: Moment): boolean {
  const { monotonicMillis } = now;
  return (
    writeDue(core, monotonicMillis) ||
    behindDue(core, monotonicMillis) ||
    mergeDue(core, monotonicMillis) ||
    trimDue(core, monotonicMillis)
  );
}

/** One slice, in a transaction of its own that need not be durable: a crash leaves blocks to be folded, and pieces to be merged, again. */
export function rollUp(core: StoreCore, now: Moment): void {
  if (!tooManyPieces(core) && writeDue(core, now.monotonicMillis)) {
    core.transaction(() => writeOpen(core), { durable: false });
    return;
  }
  if (behindDue(core, now.monotonicMillis)) {
    core.transaction(() => foldNext(core), { durable: false });
    return;
  }
  let more = false;
  const due = mergeDue(core, now.monotonicMillis);
  const wallMicros = core.memory.rollups.retention.look(now);
  core.transaction(
    () => {
      if (due) mergePieces(core);
      more = trimRollups(core, wallMicros);
    },
    { durable: false },
  );
  core.memory.rollups.trimmedMillis = more ? null : now.monotonicMillis;
}

/** The store closes: the floor of time is written, and what is folded, so that it need not be folded again. */
export function keepKnown(core: StoreCore): void {
  keepFloor(core);
  try {
    if (core.memory.rollups.filling.size > 0)
      core.transaction(() => core.folding.writeOpen(), { durable: true });
  } catch (error) {
    if (!(error instanceof DiskError) && !(error instanceof SedgeError)) throw error;
  }
}

/** Bytes of all windows, and of pieces. */
export function rollupBytes(core: StoreCore): number {
  return levelBytes(core) + core.memory.rollups.pieceBytes;
}

/** Pieces are not among them: letting windows go makes them no fewer. */
function levelBytes(core: StoreCore): number {
  return core.memory.rollups.levels.reduce((sum, level) => sum + level.bytes, 0);
}

/** Old windows may be let go of: looked at every ten minutes, and at once while summaries take too much. */
function trimDue(core: StoreCore, monotonicMillis: number): boolean {
  const { trimmedMillis } = core.memory.rollups;
  return trimmedMillis === null || monotonicMillis - trimmedMillis >= trimPauseMillis;
}

/**
 * Lets the oldest windows go: those beyond their level's time, and while windows take more than their share, of the finest level that has
 * any. One slice, inside a transaction. True when there was something to let go of.
 */
function trimRollups(core: StoreCore, wallMicros: number): boolean {
  const { levels } = core.memory.rollups;
  for (const [level, { keptMicros, micros }] of rollupLevels.entries()) {
    const horizon = Math.floor((wallMicros - keptMicros) / micros) * micros;
    const oldest = oldestStart(core, level);
    if (oldest === null) continue;
    if (Number.isFinite(keptMicros) && oldest < horizon && levels[level]!.start < horizon) {
      // Event times may lie anywhere: a window from long ago goes with its like, at once.
      letGo(core, level, Math.min(horizon, Math.max(oldest + retentionStepMicros, horizon - keptMicros)));
      return true;
    }
    if (levelBytes(core) > rollupBytesMax(core)) {
      const step = Math.max(micros, retentionStepMicros);
      letGo(core, level, Math.floor(oldest / step) * step + step);
      return true;
    }
  }
  return false;
}

function oldestStart(core: StoreCore, level: number): number | null {
  let oldest: number | null = null;
  const first = core.prepare<{ start: number | null }>(
    'SELECT min(start) AS start FROM rollups WHERE stream = ? AND level = ?',
  );
  for (const { id } of core.memory.streams.values()) {
    const start = first.get(id, level)?.start ?? null;
    if (start !== null && (oldest === null || start < oldest)) oldest = start;
  }
  return oldest;
}

/** The mark moves only once everything below it is gone: until then the windows that are left are not used, and not added to. */
function letGo(core: StoreCore, level: number, below: number): void {
  const state = core.memory.rollups.levels[level]!;
  state.start = Math.max(state.start, below);
  let rows = retentionRowsMax;
  for (const { id } of core.memory.streams.values()) {
    const gone = core
      .prepare<{ start: number; series: number; length: number }>(
        `SELECT start, series, length(bytes) AS length FROM rollups WHERE stream = ? AND level = ? AND start < ?
         ORDER BY start LIMIT ?`,
      )
      .all(id, level, below, rows);
    for (const { start, series, length } of gone) {
      core
        .prepare('DELETE FROM rollups WHERE stream = ? AND level = ? AND start = ? AND series = ?')
        .run(id, level, start, series);
      state.bytes -= length + rollupRowBytes;
    }
    rows -= gone.length;
    if (rows <= 0) break;
  }
  saveLevels(core);
}

/** Takes away the summaries of streams the config does not roll up any more. Inside a transaction. */
export function alignRollups(core: StoreCore): void {
  let gone = false;
  for (const stream of core.memory.streams.values()) {
    if (core.folding.takes(stream) || core.folding.rollupOf(stream) === null) continue;
    for (const table of ['rollups', 'rollup_pieces', 'rollup_names', 'rollup_streams']) {
      core.prepare(`DELETE FROM ${table} WHERE stream = ?`).run(stream.id);
    }
    core.memory.rollups.streams.set(stream.id, null);
    gone = true;
  }
  if (!gone) return;
  const { rollups } = core.memory;
  const pieces = loadRollups(core.db, 0);
  rollups.pieces = pieces.pieces;
  rollups.pieceBytes = pieces.pieceBytes;
  for (const [level, state] of rollups.levels.entries()) {
    const row = core
      .prepare<{ rows: number; bytes: number | null }>(
        'SELECT count(*) AS rows, sum(length(bytes)) AS bytes FROM rollups WHERE level = ?',
      )
      .get(level);
    state.bytes = (row?.bytes ?? 0) + rollupRowBytes * (row?.rows ?? 0);
  }
  saveLevels(core);
}
