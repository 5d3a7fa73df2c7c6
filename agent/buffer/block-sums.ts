import { countEra } from './eras.ts';
import { rawLevel, type Level } from './rungs/levels.ts';
import type { StoreCore } from './store-core.ts';
import type { BlockPlace, RungSums, StreamState } from './stream-state.ts';

/** Adds a block to the sums its stream keeps (1), or takes it away (-1). Inside a transaction. */
export function countBlock(
  core: StoreCore,
  stream: StreamState,
  block: Pick<BlockPlace, 'level' | 'count' | 'summaries' | 'bytes' | 'era'>,
  sign: 1 | -1,
): void {
  const { level, count, bytes, era } = block;
  stream.blocks += sign;
  stream.blockReadings += sign * count;
  stream.blockBytes += sign * bytes;
  countEra(stream.blockEras, era, sign * count);
  core.touchStream(stream);
  if (level === rawLevel) return;
  countRung(stream.rungs, block, sign);
  core.touchRung(stream, level);
}

/** The same for sums by level; raw blocks are in none. */
export function countRung(
  rungs: Map<Level, RungSums>,
  block: Pick<BlockPlace, 'level' | 'count' | 'summaries' | 'bytes'>,
  sign: 1 | -1,
): void {
  if (block.level === rawLevel) return;
  const before = rungs.get(block.level) ?? { blocks: 0, readings: 0, summaries: 0, bytes: 0 };
  rungs.set(block.level, {
    blocks: before.blocks + sign,
    readings: before.readings + sign * block.count,
    summaries: before.summaries + sign * block.summaries,
    bytes: before.bytes + sign * block.bytes,
  });
}
