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
import { messageOf } from '../base/errors.ts';
import { DiskError } from '../ports/database.ts';
import type { DatabaseFiles, DiskSpace } from '../ports/disk-space.ts';

/** The device that holds a data folder, and the reserve file in it. */
export class HostDiskSpace implements DiskSpace {
  readonly database: string;
  readonly #folder: string;
  readonly #wal: string;
  readonly #reserve: string;
  #reserveBytes: number;

  constructor(options: { folder: string; database: string }) {
    this.database = options.database;
    this.#folder = options.folder;
    this.#wal = `${options.database}-wal`;
    this.#reserve = join(options.folder, 'reserve');
    this.#reserveBytes = sizeOf(this.#reserve);
  }

  files(): DatabaseFiles {
    return { database: nameOf(this.database), log: nameOf(this.#wal) };
  }

  room(): { freeBytes: number; totalBytes: number } {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      throw new DiskError('io', `can not look at ${this.#folder}: ${messageOf(error)}`, { cause: error });
    }
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

/** Some file systems number their files beyond 2^53. */
function nameOf(file: string): string | null {
  try {
    const { dev, ino } = statSync(file, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
