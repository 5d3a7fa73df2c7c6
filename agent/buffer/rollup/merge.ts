import { MalformedBytes } from '../../base/byte-reader.ts';
import { pageBytes } from '../limits.ts';
import type { StoreCore } from '../store-core.ts';
import {
  mergeEntriesMax,
  mergeRowsMax,
  pieceBytesDue,
  pieceMillisDue,
  piecesDue,
  rollupLevels,
  rollupRowBytes,
} from './limits.ts';
import { tooManyPieces } from './pieces.ts';
import { readPiece, readRow, Rolled, rowBytes, type PieceEntry } from './rolled.ts';

/** Pieces wait to be merged, and there are enough of them, or they waited long enough. */
export function mergeDue(core: StoreCore, monotonicMillis: number): boolean {
  const { rollups } = core.memory;
  if (rollups.pieces === 0) {
    rollups.pieceSince = null;
    return false;
  }
  rollups.pieceSince ??= monotonicMillis;
  return (
    rollups.pieces >= piecesDue ||
    rollups.pieceBytes >= pieceBytesDue ||
    tooManyPieces(core) ||
    monotonicMillis - rollups.pieceSince >= pieceMillisDue
  );
}

interface PieceRow {
  id: number;
  stream: number;
  readings: number;
  bytes: Uint8Array;
}

interface Target {
  readonly stream: number;
  readonly level: number;
  readonly start: number;
  readonly series: number;
  readonly rolled: Rolled;
}

/**
 * Merges the oldest pieces into the windows of every level. One slice, inside a transaction. Answers how many were merged.
 */
export function mergePieces(core: StoreCore): number {
  const { rollups } = core.memory;
  const rows = core
    .prepare<PieceRow>('SELECT id, stream, readings, bytes FROM rollup_pieces ORDER BY id LIMIT ?')
    .all(mergeEntriesMax);
  const targets = new Map<string, Target>();
  const rowsMax = Math.min(mergeRowsMax, Math.floor(core.shares.walBytes / pageBytes / 8));
  let entries = 0;
  let merged = 0;
  for (const row of rows) {
    const piece = entriesOfPiece(core, row);
    // At least one piece, whatever it holds.
    if (merged > 0 && (entries + piece.length > mergeEntriesMax || targets.size > rowsMax)) break;
    entries += piece.length;
    for (const entry of piece) aim(core, targets, row.stream, entry);
    core.prepare('DELETE FROM rollup_pieces WHERE id = ?').run(row.id);
    core
      .prepare('UPDATE rollup_streams SET folded = folded + ? WHERE stream = ?')
      .run(row.readings, row.stream);
    rollups.pieces--;
    rollups.pieceBytes -= row.bytes.length;
    merged++;
  }
  for (const target of targets.values()) writeWindow(core, target);
  saveLevels(core);
  rollups.pieceSince = null;
  return merged;
}

function aim(core: StoreCore, targets: Map<string, Target>, stream: number, entry: PieceEntry): void {
  for (const [level, { micros }] of rollupLevels.entries()) {
    const start = Math.floor(entry.minute / micros) * micros;
    if (start < core.memory.rollups.levels[level]!.start) continue;
    const key = `${stream} ${level} ${start} ${entry.series}`;
    let target = targets.get(key);
    if (target === undefined) {
      target = { stream, level, start, series: entry.series, rolled: new Rolled() };
      targets.set(key, target);
    }
    target.rolled.merge(entry.rolled);
  }
}

function writeWindow(core: StoreCore, { stream, level, start, series, rolled }: Target): void {
  const known = core
    .prepare<{ bytes: Uint8Array }>(
      'SELECT bytes FROM rollups WHERE stream = ? AND level = ? AND start = ? AND series = ?',
    )
    .get(stream, level, start, series)?.bytes;
  const state = core.memory.rollups.levels[level]!;
  if (known !== undefined) {
    state.bytes -= known.length + rollupRowBytes;
    const before = sound(core, stream, () => readRow(known));
    if (before !== null) rolled.merge(before);
  }
  const bytes = rowBytes(rolled);
  state.bytes += bytes.length + rollupRowBytes;
  core
    .prepare('INSERT OR REPLACE INTO rollups VALUES (?, ?, ?, ?, ?)')
    .run(stream, level, start, series, bytes);
}

function entriesOfPiece(core: StoreCore, row: PieceRow): PieceEntry[] {
  return sound(core, row.stream, () => readPiece(row.bytes)) ?? [];
}

/** What the bytes say; null, reported, when they are damaged: a summary is less than the readings it was made of. */
export function sound<T>(core: StoreCore, stream: number, read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
    core.events.rollupDamaged(stream, error.message);
    return null;
  }
}

/** In step with what the tables hold. Inside a transaction. */
export function saveLevels(core: StoreCore): void {
  for (const [level, { start, bytes }] of core.memory.rollups.levels.entries()) {
    core.prepare('INSERT OR REPLACE INTO rollup_levels VALUES (?, ?, ?)').run(level, start, bytes);
  }
}
