import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { DiskSpace } from '../ports/disk-space.ts';

/** The device that holds a data folder, and the reserve file in it. */
export class HostDiskSpace implements DiskSpace {
  readonly #folder: string;
  readonly #wal: string;
  readonly #reserve: string;
  #reserveBytes: number;

  constructor(options: { folder: string; database: string }) {
    this.#folder = options.folder;
    this.#wal = `${options.database}-wal`;
    this.#reserve = join(options.folder, 'reserve');
    this.#reserveBytes = sizeOf(this.#reserve);
  }

  room(): { freeBytes: number; totalBytes: number } {
    const { bavail, blocks, bsize } = statfsSync(this.#folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  }

  walBytes(): number {
    return sizeOf(this.#wal);
  }

  reserveBytes(): number {
    return this.#reserveBytes;
  }

  holdReserve(bytes: number): boolean {
    let file: number | null = null;
    try {
      file = openSync(this.#reserve, 'a', 0o600);
      const held = fstatSync(file).size;
      if (held > bytes) ftruncateSync(file, bytes);
      // Written, not only sized: a sparse file reserves nothing.
      const chunk = new Uint8Array(64 * 1024);
      for (let at = held; at < bytes;) at += writeSync(file, chunk, 0, Math.min(chunk.length, bytes - at));
      this.#reserveBytes = bytes;
      return true;
    } catch {
      // A device without room for the reserve is met again, and reported, by the writes that matter.
      this.releaseReserve();
      return false;
    } finally {
      if (file !== null) closeSync(file);
    }
  }

  releaseReserve(): void {
    try {
      unlinkSync(this.#reserve);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
    }
    this.#reserveBytes = 0;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
