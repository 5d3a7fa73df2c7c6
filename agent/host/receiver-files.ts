import { type FileHandle, mkdir, open, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { SedgeError } from '../base/errors.ts';
import { MiB } from '../base/units.ts';
import type { InboxIndex, LineStore } from '../receiver/inbox.ts';
import { receiverLimits } from '../receiver/limits.ts';

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
    await mkdir(this.#folder, { recursive: true });
    const index = await this.#readIndex();
    if (index !== null) restore.index(index);
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
    await this.#openFile();
    await this.#handle?.truncate(this.#bytes);
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
    this.#sinceIndex = 0;
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
    await this.#open().close();
    this.#handle = null;
    this.#file++;
    this.#bytes = 0;
    await this.#openFile();
  }

  async #openFile(): Promise<void> {
    // 'r+' needs the file, 'a' would ignore positions: create first, then open for writing anywhere.
    const path = this.#path(this.#file);
    await (await open(path, 'a')).close();
    this.#handle = await open(path, 'r+');
    await syncFolder(this.#folder);
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
      const index = JSON.parse(text) as StoredIndex;
      if (index.version === 1 || index.version === 2) return index;
    } catch {
      // The same answer as for a version unknown here.
    }
    throw new SedgeError('SEDGE_DATA_CORRUPT', `${path} is not an index of this receiver`, {
      hint: 'delete it: the receiver rebuilds it from the readings',
    });
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
        line(bytes.toString('utf8', from, newline));
        from = newline + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
  } finally {
    await handle.close();
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
