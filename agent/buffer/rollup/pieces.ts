import { pageBytes } from '../limits.ts';
import type { StoreCore } from '../store-core.ts';
import { pieceEntriesMax, piecesOverflow, piecesShareOfRollups, piecesShareOfSize } from './limits.ts';
import type { PieceEntry } from './rolled.ts';

/** Bytes of pieces one transaction may write. */
export function pieceBytesOfTransaction(walBytes: number): number {
  return Math.floor(walBytes / 8);
}

/** So few together that merging one piece fits a small log too: each summary goes to a window of every level. */
export function* inPieces(entries: Iterable<PieceEntry>, walBytes: number): Generator<readonly PieceEntry[]> {
  const summariesMax = Math.max(4, Math.floor(walBytes / pageBytes / 4));
  let piece: PieceEntry[] = [];
  let summaries = 0;
  for (const entry of entries) {
    const more = 1 + entry.rolled.fields.size;
    if (piece.length > 0 && (piece.length === pieceEntriesMax || summaries + more > summariesMax)) {
      yield piece;
      piece = [];
      summaries = 0;
    }
    piece.push(entry);
    summaries += more;
  }
  if (piece.length > 0) yield piece;
}

/** Bytes summaries may take by the config. */
export function rollupBytesMax({ shares, settings }: StoreCore): number {
  return Math.floor(shares.sizeBytes * settings.rollups.share);
}

/** So many pieces wait that they are merged before any more are made of what may wait. */
export function tooManyPieces(core: StoreCore): boolean {
  return core.memory.rollups.pieceBytes >= piecesMax(core);
}

/** Bytes of pieces that may still be written. */
export function piecesRoom(core: StoreCore): number {
  return piecesOverflow * piecesMax(core) - core.memory.rollups.pieceBytes;
}

function piecesMax(core: StoreCore): number {
  return Math.max(rollupBytesMax(core) * piecesShareOfRollups, core.shares.sizeBytes * piecesShareOfSize);
}
