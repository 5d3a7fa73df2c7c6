import type { Aggregation } from '../../query/aggregation.ts';
import type { Span } from '../../query/cover.ts';
import type { Tags } from '../../reading/batch.ts';
import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';
import { readingsBelow, readingsFrom } from './block-counts.ts';
import { missedWindowsMax, rollupLevels } from './limits.ts';
import { sound } from './merge.ts';
import { readRow } from './rolled.ts';
import type { StreamRollup } from './rollup-memory.ts';

/** Readings of a stream that are neither kept nor folded, and for how long of `rest`, the times no whole window covers, nothing is kept any more. */
export function notKept(
  core: StoreCore,
  stream: StreamState,
  of: { rollup: StreamRollup | null; foldedUntil: number; rest: readonly Span[] },
): { lost: number; gone: readonly Span[] } {
  const { rollup } = of;
  const { id, head, blockReadings, blockEras, journalReadings } = stream;
  if (rollup === null) return { lost: head - blockReadings - journalReadings, gone: [] };
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
  const ends = core.prepare<{ first: number | null; last: number | null }>(
    'SELECT min(start) AS first, max(start) AS last FROM rollups WHERE stream = ? AND level = ?',
  );
  let [rolled, rolledUntil] = [Infinity, -Infinity];
  for (const [level, { micros }] of rollupLevels.entries()) {
    const { first = null, last = null } = ends.get(id, level) ?? {};
    if (first === null || last === null) continue;
    rolled = Math.min(rolled, first);
    rolledUntil = Math.max(rolledUntil, last + micros);
  }
  const gone: Span[] = [];
  for (const { from, until } of of.rest) {
    // Where blocks are still there the rest is read from them; before the first window, and after the last, there was nothing.
    const end = Math.min(until, oldest ?? stream.journal[0]?.wallMicros ?? rolledUntil);
    const begin = Math.max(from, rolled);
    if (end > begin) gone.push({ from: begin, until: end });
  }
  return { lost, gone };
}

/** Tells of windows that reach into times of which nothing finer is kept: their readings there are missing from the answer. */
export function tellMissing(
  core: StoreCore,
  stream: StreamState,
  of: { gone: readonly Span[]; tags: ReadonlyMap<number, Tags>; aggregation: Aggregation },
): void {
  const { gone, tags, aggregation } = of;
  for (const span of gone) {
    const level = core.memory.rollups.levels.findIndex(({ start }) => start <= span.from);
    const rows = level < 0 ? [] : windowsOver(core, stream, { level, span });
    if (level < 0 || rows.length > missedWindowsMax) {
      aggregation.missUnknown(stream.name, span);
      continue;
    }
    for (const { start, series, bytes } of rows) {
      const readings = sound(core, stream.id, () => readRow(bytes))?.readings ?? 0;
      const window = { from: start, until: start + rollupLevels[level]!.micros };
      aggregation.miss(stream.name, { tags: tags.get(series) ?? {}, span: window, readings });
    }
  }
}

function windowsOver(
  core: StoreCore,
  { id }: StreamState,
  { level, span }: { level: number; span: Span },
): { start: number; series: number; bytes: Uint8Array }[] {
  return core
    .prepare<{ start: number; series: number; bytes: Uint8Array }>(
      'SELECT start, series, bytes FROM rollups WHERE stream = ? AND level = ? AND start > ? AND start < ? LIMIT ?',
    )
    .all(id, level, span.from - rollupLevels[level]!.micros, span.until, missedWindowsMax + 1);
}
