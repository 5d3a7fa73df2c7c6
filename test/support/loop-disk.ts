import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '#agent/base/errors.ts';
import { MiB } from '#agent/base/units.ts';
import { LoopDisk } from '#agent/host/power-cut.ts';

/** Why no disk can be mounted and cut here; null when one can. */
export const loopDiskMissing: string | null = await probe();

async function probe(): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-probe-'));
  try {
    const disk = LoopDisk.create({ folder, bytes: 16 * MiB, holders: () => [] });
    try {
      disk.cut();
    } finally {
      await disk.remove();
    }
    return null;
  } catch (error) {
    return messageOf(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
