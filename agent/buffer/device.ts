import { spaceCheckBytes, vacuumPagesMin, vacuumShare, vacuumSlicePages, walFrameBytes } from './limits.ts';
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
  const promised = Math.max(0, shares.walBytes - space.walBytes()) + core.figures.logBytes();
  const floor = floorBytes(core);
  memory.bytesSinceSpaceCheck = 0;
  memory.mayGrow = freeBytes > floor + promised + spaceCheckBytes;
  const missing = shares.reserveBytes - space.reserveBytes();
  if (missing > 0 && freeBytes > floor + promised + missing) space.holdReserve(shares.reserveBytes);
}

/** Pages to give back to the device now: a slice, once a good part of the file is free; else 0. */
export function pagesToGiveBack(core: StoreCore): number {
  const { total, free } = core.figures.pages();
  // A cap that was lowered is reached as soon as there is something to give back.
  const beyond = free > 0 && total > core.shares.pagesMax;
  if (!beyond && (free < vacuumPagesMin || free < total * vacuumShare)) return 0;
  return Math.min(vacuumSlicePages, Math.floor(core.shares.walBytes / walFrameBytes / 8));
}
