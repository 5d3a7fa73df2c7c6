import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';

/** Where the block begins that holds an offset; else, or before it, the next lower one; the offset when there is none. */
export function holderOf(core: StoreCore, stream: StreamState, offset: number): number {
  const row = core
    .prepare<{ first: number }>(
      'SELECT first FROM blocks WHERE stream = ? AND first <= ? ORDER BY first DESC LIMIT 1',
    )
    .get(stream.id, offset);
  return row?.first ?? offset;
}

/** Readings in blocks below an offset: those sealed before anything was folded. */
export function readingsBelow(core: StoreCore, stream: StreamState, offset: number): number {
  if (offset === 0) return 0;
  const row = core
    .prepare<{ readings: number | null }>(
      'SELECT sum(count) AS readings FROM blocks WHERE stream = ? AND first < ?',
    )
    .get(stream.id, offset);
  return row?.readings ?? 0;
}

/** Raw readings in blocks from an offset on that may be folded: those that wait for it. */
export function readingsFrom(core: StoreCore, stream: StreamState, offset: number): number {
  const row = core
    .prepare<{ readings: number | null }>(
      `SELECT sum(first + count - max(first, ?)) AS readings FROM blocks
       WHERE stream = ? AND first >= ? AND first + count > ? AND boot >= 0 AND fidelity = 'raw'`,
    )
    .get(offset, stream.id, holderOf(core, stream, offset), offset);
  return row?.readings ?? 0;
}
