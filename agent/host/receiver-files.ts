import { type FileHandle, access, constants, open, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SedgeError, messageOf } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { InboxIndex, LineStore } from '../receiver/inbox.ts';
import { receiverLimits } from '../receiver/limits.ts';
import { makeFolder } from './make-folder.ts';

interface StoredIndex extends InboxIndex {
  /** 1: rows without epoch. 2: with it; a receiver that knows only 1 would take two epochs of a stream for one. */
  readonly version: 1 | 2;
  /** Everything before byte `bytes` of file `file` is in the index. */
  readonly file: number;
  readonly bytes: number;
}

export interface ReceiverFilesOptions {
  readonly folder: string;
  readonly fileBytesMax?: number;
  readonly indexEveryBytes?: number;
}

/**
 * Lines in `readings-000001.ndjson`, `-000002` … of one folder, and `index.json` so that a restart reads only what was appended
 * after it. A line without its end, left by a power cut, was never acknowledged and is cut off.
 */
export class ReceiverFiles implements LineStore {
  readonly #folder: string;
  readonly #fileBytesMax: number;
  readonly #indexEveryBytes: number;
  #handle: FileHandle | null = null;
  #file = 1;
  #bytes = 0;
  /** A failed append may have left bytes beyond `#bytes`. */
  #dirty = false;
  #sinceIndex = 0;

  constructor(options: ReceiverFilesOptions) {
    this.#folder = options.folder;
    this.#fileBytesMax = options.fileBytesMax ?? receiverLimits.fileBytesMax;
    this.#indexEveryBytes = options.indexEveryBytes ?? receiverLimits.indexEveryBytes;
  }

  async open(restore: { index: (index: InboxIndex) => void; line: (line: string) => void }): Promise<void> {
    await readyFolder(this.#folder);
    const index = await this.#readIndex();
    if (index !== null) this.#restoreIndex(index, restore.index);
    const files = await this.#files();
    const from = index?.file ?? 1;
    this.#file = Math.max(from, files.at(-1) ?? 1);
    for (const file of files.filter((number) => number >= from)) {
      const start = file === index?.file ? index.bytes : 0;
      const { end, bytes } = await readLines(this.#path(file), start, restore.line);
      this.#sinceIndex += end - start;
      if (file !== this.#file && end !== bytes) {
        throw new SedgeError('SEDGE_DATA_CORRUPT', `${this.#path(file)} ends within a line`);
      }
      this.#bytes = end;
    }
    if (!files.includes(this.#file)) this.#bytes = 0;
    this.#handle = await this.#openFile(this.#file);
    await this.#handle.truncate(this.#bytes);
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#fileBytesMax) await this.#nextFile();
    const handle = this.#open();
    try {
      if (this.#dirty) await handle.truncate(this.#bytes);
      this.#dirty = true;
      for (let written = 0; written < bytes.length;) {
        const result = await handle.write(bytes, written, bytes.length - written, this.#bytes + written);
        written += result.bytesWritten;
      }
      await handle.datasync();
    } catch (error) {
      await handle.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    this.#dirty = false;
    this.#bytes += bytes.length;
    this.#sinceIndex += bytes.length;
  }

  wantsIndex(): boolean {
    return this.#sinceIndex >= this.#indexEveryBytes;
  }

  async saveIndex(index: InboxIndex): Promise<void> {
    // Also after a failure: the next try comes after as many bytes again, not with every request.
    this.#sinceIndex = 0;
    const stored: StoredIndex = { version: 2, file: this.#file, bytes: this.#bytes, ...index };
    const path = join(this.#folder, 'index.json');
    const handle = await open(`${path}.new`, 'w');
    try {
      await handle.writeFile(JSON.stringify(stored));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${path}.new`, path);
    await syncFolder(this.#folder);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = null;
  }

  #open(): FileHandle {
    if (this.#handle === null) throw new Error('the files of the receiver are closed');
    return this.#handle;
  }

  async #nextFile(): Promise<void> {
    const before = this.#open();
    if (this.#dirty) await before.truncate(this.#bytes);
    // The next one first: where it cannot be begun, everything stays as it was, and the next request tries again.
    this.#handle = await this.#openFile(this.#file + 1);
    this.#file++;
    this.#bytes = 0;
    this.#dirty = false;
    // Synced with its last append.
    await before.close().catch(() => undefined);
  }

  async #openFile(file: number): Promise<FileHandle> {
    // 'r+' needs the file, 'a' would ignore positions: create first, then open for writing anywhere.
    const path = this.#path(file);
    await (await open(path, 'a')).close();
    const handle = await open(path, 'r+');
    try {
      await syncFolder(this.#folder);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return handle;
  }

  async #readIndex(): Promise<StoredIndex | null> {
    const path = join(this.#folder, 'index.json');
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      const index = JSON.parse(text) as StoredIndex | null;
      if (index?.version === 1 || index?.version === 2) return index;
    } catch {
      // The same answer as for a version unknown here.
    }
    throw notAnIndex(path);
  }

  #restoreIndex(index: StoredIndex, restore: (index: InboxIndex) => void): void {
    try {
      restore(index);
    } catch (error) {
      throw notAnIndex(join(this.#folder, 'index.json'), error);
    }
  }

  async #files(): Promise<number[]> {
    const names = await readdir(this.#folder);
    return names
      .flatMap((name) => {
        const match = /^readings-(\d{6,9})\.ndjson$/.exec(name);
        return match === null ? [] : [Number(match[1])];
      })
      .sort((a, b) => a - b);
  }

  #path(file: number): string {
    return join(this.#folder, `readings-${String(file).padStart(6, '0')}.ndjson`);
  }
}

function notAnIndex(path: string, cause?: unknown): SedgeError {
  return new SedgeError('SEDGE_DATA_CORRUPT', `${path} is not an index of this receiver`, {
    cause,
    hint: 'delete it: the receiver rebuilds it from the readings',
  });
}

/** Every whole line from byte `start` on; `end` is where the last of them ends, `bytes` the size of the file. */
async function readLines(
  path: string,
  start: number,
  line: (line: string) => void,
): Promise<{ end: number; bytes: number }> {
  const handle = await open(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(1 * MiB);
    let rest = Buffer.alloc(0);
    let position = start;
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
      if (bytesRead === 0) return { end: position - rest.length, bytes: position };
      position += bytesRead;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      let from = 0;
      for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, from)) {
        const at = position - bytes.length + from;
        restored(path, at, () => line(bytes.toString('utf8', from, newline)));
        from = newline + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
  } finally {
    await handle.close();
  }
}

function restored(path: string, at: number, restore: () => void): void {
  try {
    restore();
  } catch (error) {
    throw new SedgeError('SEDGE_DATA_CORRUPT', `${path} holds a line that is not a reading, at byte ${at}`, {
      cause: error,
      hint: 'name another folder with --output, or take the line out',
    });
  }
}

async function readyFolder(path: string): Promise<void> {
  try {
    makeFolder(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    await readdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cannot = `cannot keep readings in ${path}`;
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new SedgeError('SEDGE_CLI_USAGE', `${cannot}: it is not a folder`, {
        cause: error,
        hint: 'name a folder with --output',
      });
    const denied = code === 'EACCES' || code === 'EPERM' || code === 'EROFS';
    throw new SedgeError(
      denied ? 'SEDGE_HOST_PERMISSION' : 'SEDGE_HOST_UNSUPPORTED',
      `${cannot}: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
