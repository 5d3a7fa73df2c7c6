import { sliceBatch, type Batch } from '../reading/batch.ts';
import { blockPrefix } from './codec/block.ts';
import { quarantine } from './damage.ts';
import { compactWindowBlocks, tinyBlockShare, tinyBlocksJoined } from './limits.ts';
import { contentOf, Damage } from './content.ts';
import { insertBlock } from './seal.ts';
import { blocksFrom, removeSegment } from './segments.ts';
import type { StoreCore } from './store-core.ts';
import type { BlockPlace, StreamState } from './stream-state.ts';

/**
 * Joins neighbouring small blocks of a stream into one, inside a transaction: what age or pressure sealed early costs more
 * bytes a value than a full block. What a cursor reads, and every account, stays the same.
 *
 * A block that was joined to at least half of a full one is never looked at again, and tiny ones are joined by the dozen: a reading is
 * written anew two or three times in its life, however long the backlog. One step looks at {@link compactWindowBlocks} blocks and
 * rewrites one block. False when the stream has nothing more to join for now.
 */
export function compactStep(core: StoreCore, stream: StreamState): boolean {
  const window = blocksFrom(core, stream, { from: stream.joinedUntil, limit: compactWindowBlocks });
  const first = window[0];
  if (first === undefined) return false;
  const { run, rest } = runToJoin(core, window);
  if (run.length < 2) {
    // What may still grow is looked at again.
    stream.joinedUntil = rest ?? first.first;
    return window.length === compactWindowBlocks && stream.joinedUntil > first.first;
  }
  join(core, stream, run);
  return true;
}

/** Sums of a run of neighbours. */
interface Sum {
  count: number;
  rowBytes: number;
}

/**
 * The oldest neighbours of the window worth joining, and else the offset from which on blocks may be joined once more come.
 */
function runToJoin(
  core: StoreCore,
  window: readonly BlockPlace[],
): { run: BlockPlace[]; rest: number | null } {
  let run: BlockPlace[] = [];
  let sum: Sum = { count: 0, rowBytes: 0 };
  for (const block of window) {
    const before = run.at(-1);
    const apart =
      before !== undefined && (before.first + before.count !== block.first || before.era !== block.era);
    const grown = { count: sum.count + block.count, rowBytes: sum.rowBytes + block.rowBytes };
    if (apart || share(core, grown) > 1 || share(core, block) >= 0.5 || block.fidelity !== 'raw') {
      // Nothing can join these any more: joined now, or never.
      if (run.length > 1) return { run, rest: null };
      run = [];
      sum = { count: 0, rowBytes: 0 };
      if (share(core, block) >= 0.5 || block.fidelity !== 'raw') continue;
    }
    run.push(block);
    sum = { count: sum.count + block.count, rowBytes: sum.rowBytes + block.rowBytes };
  }
  const growing = run[0];
  const last = window.at(-1);
  if (growing === undefined || last === undefined) {
    return { run: [], rest: last === undefined ? null : last.first + last.count };
  }
  const large = run.findLastIndex((block) => share(core, block) >= tinyBlockShare);
  const tiny = run.slice(large + 1);
  if (tiny.length >= tinyBlocksJoined) return { run: tiny, rest: growing.first };
  // A window that is one unfinished run would be looked at for ever.
  if (run.length === compactWindowBlocks) return { run, rest: growing.first };
  return { run: [], rest: growing.first };
}

/** Of a full block, by readings or by the bytes its rows had. */
function share(core: StoreCore, { count, rowBytes }: Sum): number {
  return Math.max(count / core.settings.seal.readings, rowBytes / core.shares.sealSliceBytes);
}

function join(core: StoreCore, stream: StreamState, run: readonly BlockPlace[]): void {
  const batches: Batch[] = [];
  const ends: number[] = [];
  for (const row of run) {
    try {
      batches.push(...batchesOf(core, stream, row));
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      quarantine(core, stream, { kind: 'block', row }, error.message);
      return;
    }
    ends.push(batches.length);
  }
  const fit = blockPrefix(batches);
  const joined = run.slice(0, ends.findLastIndex((end) => end <= fit) + 1);
  const opening = joined[0];
  if (opening === undefined || joined.length < 2) {
    // Too many columns together: the first stays as it is.
    stream.joinedUntil = run[1]?.first ?? stream.head;
    return;
  }
  for (const row of joined) removeSegment(core, stream, { kind: 'block', row });
  const rowBytes = joined.reduce((sum, row) => sum + row.rowBytes, 0);
  const bytes = insertBlock(core, stream, {
    opening,
    batches: batches.slice(0, ends[joined.length - 1]),
    rowBytes,
  });
  core.events.joined(stream.name, {
    blocks: joined.length,
    bytesBefore: joined.reduce((sum, row) => sum + row.bytes, 0),
    bytes,
  });
}

/** A block's readings under the clocks they came with. */
function batchesOf(core: StoreCore, stream: StreamState, row: BlockPlace): Batch[] {
  const { batch, clocks } = contentOf(core, stream, { kind: 'block', row });
  let at = 0;
  return clocks.map(({ clock, count }) => {
    const slice = sliceBatch(batch, at, at + count);
    at += count;
    return { ...slice, clock };
  });
}
