import type { Batch } from '../reading/batch.ts';
import { blockPrefix } from './codec/block.ts';
import { concatBatches } from './codec/concat.ts';
import { contentOf, Damage } from './content.ts';
import { quarantine } from './damage.ts';
import { correctionOf, shifted } from './eras.ts';
import { coarseBlockRowsMax, coarsenBlocksMax, coarsenReadingsMax } from './limits.ts';
import { isCoarse } from './rungs/levels.ts';
import { blockFrom } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { BlockPlace, StreamState } from './stream-state.ts';

/** A block, with the times of a clock that was set since corrected for good. */
export interface Part {
  readonly place: BlockPlace;
  readonly batch: Batch;
}

/** @throws {Damage} */
export function partOf(core: StoreCore, stream: StreamState, found: BlockPlace): Part {
  const { batch, clocks } = contentOf(core, stream, { kind: 'block', row: found });
  const clock = clocks.some((one) => one.clock === 'agent') ? 'agent' : 'device';
  const shift = correctionOf(core.memory, found.era);
  if (shift === null || eraAfter(core, found) === found.era) {
    return { place: found, batch: { ...batch, clock } };
  }
  const { wallMicros, minTimeMicros, maxTimeMicros } = found;
  const moved = shifted(batch, shift);
  return {
    place: {
      ...found,
      wallMicros: wallMicros + shift,
      minTimeMicros: minTimeMicros + shift,
      maxTimeMicros: maxTimeMicros + shift,
    },
    batch: { ...moved, clock },
  };
}

/**
 * The era that what a step writes of this block is of. Only readings can be folded into summaries: rows of an era, written before its clock was set, are
 * in none, and stay in their era, so that they are read by themselves.
 */
export function eraAfter(core: StoreCore, { era: id, level }: BlockPlace): number {
  if (isCoarse(level)) return id;
  const era = core.memory.clock.eras.get(id);
  // The clock of this boot may be set once more.
  const isSettled =
    era !== undefined && era.boot !== core.memory.boot && correctionOf(core.memory, id) !== null;
  return isSettled ? 0 : id;
}

/** Neighbours of one level from `opening` on that one step may take; damage met on the way is set aside. */
export function runFrom(core: StoreCore, stream: StreamState, opening: BlockPlace): Part[] {
  const run: Part[] = [];
  let [readings, rows, bytes, rowBytes] = [0, 0, 0, 0];
  let place: BlockPlace | null = opening;
  while (place !== null && place.level === opening.level && run.length < coarsenBlocksMax) {
    const before: BlockPlace | undefined = run.at(-1)?.place;
    if (before !== undefined) {
      if (before.first + before.count !== place.first) break;
      if (eraAfter(core, before) !== eraAfter(core, place)) break;
    }
    readings += isCoarse(place.level) ? 0 : place.count;
    rows += place.summaries;
    bytes += place.bytes;
    rowBytes += isCoarse(place.level) ? 0 : place.rowBytes;
    const fits =
      readings <= coarsenReadingsMax &&
      rows <= coarseBlockRowsMax &&
      bytes <= core.shares.sealSliceBytes &&
      rowBytes <= core.shares.sealSliceBytes;
    if (before !== undefined && !fits) break;
    try {
      run.push(partOf(core, stream, place));
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      if (before === undefined) quarantine(core, stream, { kind: 'block', row: place }, error.message);
      break;
    }
    place = blockFrom(core, stream, place.first + place.count);
  }
  return run;
}

/** The readings of a run of raw blocks; null when they do not fit one batch. */
export function rawReadings(run: readonly Part[]): Batch | null {
  const batches = run.map((part) => part.batch);
  return blockPrefix(batches) === batches.length ? concatBatches(batches) : null;
}

export function rowsOf(run: readonly Part[]): number {
  return run.reduce((sum, { batch }) => sum + batch.length, 0);
}
