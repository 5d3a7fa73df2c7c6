import type { Span } from '../../query/cover.ts';
import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';
import { readingsBelow, readingsFrom } from './block-counts.ts';
import { rollupLevels } from './limits.ts';
import type { StreamRollup } from './rollup-memory.ts';

/** Readings of a stream that are neither kept nor folded, and for how long of `rest`, the times no whole window covers, nothing is kept any more. */
export function notKept(
  core: StoreCore,
  stream: StreamState,
  of: { rollup: StreamRollup | null; foldedUntil: number; rest: readonly Span[] },
): { lost: number; goneSeconds: number } {
  const { rollup } = of;
  const { id, head, blockReadings, blockEras, journalReadings } = stream;
  if (rollup === null) return { lost: head - blockReadings - journalReadings, goneSeconds: 0 };
  const before = readingsBelow(core, stream, rollup.since);
  let untrusted = 0;
  for (const readings of blockEras.values()) untrusted += readings;
  const folded =
    rollup.folded +
    rollup.open.readings +
    readingsFrom(core, stream, of.foldedUntil) +
    untrusted +
    journalReadings;
  const lost = Math.max(0, rollup.since - before) + Math.max(0, head - rollup.since - folded);
  const oldest = core
    .prepare<{ time: number }>('SELECT min_time AS time FROM blocks WHERE stream = ? ORDER BY first LIMIT 1')
    .get(id)?.time;
  const first = core.prepare<{ start: number | null }>(
    'SELECT min(start) AS start FROM rollups WHERE stream = ? AND level = ?',
  );
  let rolled = Infinity;
  for (const level of rollupLevels.keys()) rolled = Math.min(rolled, first.get(id, level)?.start ?? Infinity);
  let goneSeconds = 0;
  for (const { from, until } of of.rest) {
    // Where blocks are still there the rest is read from them; before the first window there was nothing.
    const end = Math.min(until, oldest ?? stream.journal[0]?.wallMicros ?? until);
    const begin = Math.max(from, rolled);
    if (end > begin && Number.isFinite(end)) goneSeconds += (end - begin) / 1e6;
  }
  return { lost, goneSeconds };
}
