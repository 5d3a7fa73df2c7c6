import { sliceBatch } from '../../reading/batch.ts';
import { contentOf, Damage } from '../content.ts';
import { quarantine } from '../damage.ts';
import { compactRetryMillis } from '../limits.ts';
import { isCoarse } from '../rungs/levels.ts';
import { blockFrom } from '../segments.ts';
import type { StoreCore } from '../store-core.ts';
import type { StreamState } from '../stream-state.ts';
import { openMillisMax } from './limits.ts';
import { tooManyPieces } from './pieces.ts';

/** Open windows have waited long enough to be written. */
export function writeDue(core: StoreCore, monotonicMillis: number): boolean {
  const { rollups } = core.memory;
  if (rollups.filling.size === 0 || resting(core, monotonicMillis)) return false;
  rollups.openSince ??= monotonicMillis;
  return monotonicMillis - rollups.openSince >= openMillisMax;
}

/** One slice. Inside a transaction. */
export function writeOpen(core: StoreCore): void {
  const { rollups } = core.memory;
  const before = rollups.filling.size;
  core.folding.writeOpen();
  if (rollups.filling.size === before) rollups.starved = true;
}

/** Some stream has blocks that are not folded: a crash, or a device without room, left them behind. */
export function behindDue(core: StoreCore, monotonicMillis: number): boolean {
  const { rollups } = core.memory;
  if (!rollups.behindLooked) {
    rollups.behindLooked = true;
    const rows = core.prepare<{ stream: number }>(
      `SELECT stream FROM rollup_streams WHERE until <
         (SELECT first + count FROM blocks WHERE blocks.stream = rollup_streams.stream ORDER BY first DESC LIMIT 1)`,
    );
    for (const { stream } of rows.all()) rollups.behind.add(stream);
  }
  return rollups.behind.size > 0 && !tooManyPieces(core) && !resting(core, monotonicMillis);
}

/** Folds the next block of a stream that is behind, or a part of it. Inside a transaction. */
export function foldNext(core: StoreCore): void {
  const { behind } = core.memory.rollups;
  const [id] = behind;
  const stream = streamOf(core, id);
  const rollup = stream === null ? null : core.folding.rollupOf(stream);
  const place = stream === null || rollup === null ? null : blockFrom(core, stream, rollup.until);
  if (stream === null || rollup === null || place === null || !core.folding.takes(stream)) {
    if (id !== undefined) behind.delete(id);
    return;
  }
  if (place.era === 0 && !isCoarse(place.level)) {
    try {
      const { batch } = contentOf(core, stream, { kind: 'block', row: place });
      const from = Math.max(place.first, rollup.until);
      rollup.until =
        from + core.folding.foldSome(stream, rollup, sliceBatch(batch, from - place.first, place.count));
      return;
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      quarantine(core, stream, { kind: 'block', row: place }, error.message);
    }
  }
  rollup.until = place.first + place.count;
}

function resting(core: StoreCore, monotonicMillis: number): boolean {
  const { rollups } = core.memory;
  if (rollups.starved) rollups.restUntil = monotonicMillis + compactRetryMillis;
  rollups.starved = false;
  return monotonicMillis < rollups.restUntil;
}

function streamOf(core: StoreCore, id: number | undefined): StreamState | null {
  for (const stream of core.memory.streams.values()) if (stream.id === id) return stream;
  return null;
}
