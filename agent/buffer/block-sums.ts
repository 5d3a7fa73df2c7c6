import { countEra } from './eras.ts';
import { rawLevel } from './rungs/levels.ts';
import type { StoreCore } from './store-core.ts';
import type { BlockPlace, StreamState } from './stream-state.ts';

/** Adds a block to the sums its stream keeps (1), or takes it away (-1). Inside a transaction. */
export function countBlock(
  core: StoreCore,
  stream: StreamState,
  block: Pick<BlockPlace, 'level' | 'count' | 'summaries' | 'bytes' | 'era'>,
  sign: 1 | -1,
): void {
  const { level, count, summaries, bytes, era } = block;
  stream.blocks += sign;
  stream.blockReadings += sign * count;
  stream.blockBytes += sign * bytes;
  countEra(stream.blockEras, era, sign * count);
  core.touchStream(stream);
  if (level === rawLevel) return;
  const before = stream.rungs.get(level) ?? { blocks: 0, readings: 0, summaries: 0, bytes: 0 };
  stream.rungs.set(level, {
    blocks: before.blocks + sign,
    readings: before.readings + sign * count,
    summaries: before.summaries + sign * summaries,
    bytes: before.bytes + sign * bytes,
  });
  core.touchRung(stream, level);
}
