import { spaceCheckBytes, walFrameBytes } from './limits.ts';
import type { StoreCore } from './store-core.ts';

/** What the device keeps free. */
export function floorBytes(core: StoreCore): number {
  const { keepFreeBytes, keepFreeShare } = core.settings;
  return Math.max(keepFreeBytes, core.space.room().totalBytes * keepFreeShare);
}

/**
 * Looks whether the database file may grow. What the log may still take, and what a checkpoint brings into the file, counts as taken:
 * whatever is committed finds its place.
 */
export function lookAtDevice(core: StoreCore): void {
  const { space, memory, shares } = core;
  const { freeBytes } = space.room();
  const promised = Math.max(0, shares.walBytes - space.walBytes()) + walInUse(core);
  const floor = floorBytes(core);
  memory.bytesSinceSpaceCheck = 0;
  memory.mayGrow = freeBytes > floor + promised + spaceCheckBytes;
  const missing = shares.reserveBytes - space.reserveBytes();
  if (missing > 0 && freeBytes > floor + promised + missing) space.holdReserve(shares.reserveBytes);
}

/** Frames in the log that a restart of it would throw away or a crash would replay, as bytes. */
export function walInUse(core: StoreCore): number {
  const row = core.prepare<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint = NOOP').get();
  if (row === undefined || row.log < 0 || row.log === row.checkpointed) return 0;
  return row.log * walFrameBytes;
}
