import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KiB } from '../base/units.ts';
import type { AppendFile } from '../ports/append-file.ts';

/** Bytes looked at, from the end, for the last line break; the next step looks at as many before them. */
const tailBytes = 64 * KiB;

/** {@link AppendFile} on this machine's disk. */
export class NodeAppendFile implements AppendFile {
  readonly #path: string;
  #handle: FileHandle | null = null;
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<{ bytes: number; cutBytes: number }> {
    if (this.#handle !== null) return { bytes: this.#bytes, cutBytes: 0 };
    await mkdir(dirname(this.#path), { recursive: true });
    const handle = await this.#create();
    try {
      const { size } = await handle.stat();
      this.#bytes = await endOfLastLine(handle, size);
      if (this.#bytes < size) await handle.truncate(this.#bytes);
      this.#handle = handle;
      return { bytes: this.#bytes, cutBytes: size - this.#bytes };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    const handle = this.#opened();
    try {
      for (let written = 0; written < bytes.length;) {
        const result = await handle.write(bytes, written, bytes.length - written, this.#bytes + written);
        written += result.bytesWritten;
      }
      await handle.datasync();
    } catch (error) {
      // When even this fails, `open` finds and cuts what was left.
      await handle.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
    this.#bytes += bytes.length;
  }

  async rotate(keep: number): Promise<void> {
    await this.close();
    if (keep === 0) await rm(this.#path, { force: true });
    else {
      await rm(`${this.#path}.${keep}`, { force: true });
      for (let number = keep - 1; number >= 1; number--) {
        await renameIfThere(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      }
      await renameIfThere(this.#path, `${this.#path}.1`);
    }
    await this.open();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #create(): Promise<FileHandle> {
    // 'r+' does not create and 'a+' ignores positions.
    const created = await open(this.#path, 'a');
    await created.close();
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return open(this.#path, 'r+');
  }

  #opened(): FileHandle {
    if (this.#handle === null) throw new Error(`${this.#path} is not open`);
    return this.#handle;
  }
}

/** Bytes up to and with the last line break; 0 when there is none. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(Math.min(tailBytes, size));
  for (let end = size; end > 0;) {
    const length = Math.min(buffer.length, end);
    const { bytesRead } = await handle.read(buffer, 0, length, end - length);
    if (bytesRead < length) throw new Error('the file shrank while it was read');
    const newline = buffer.subarray(0, length).lastIndexOf(10);
    if (newline >= 0) return end - length + newline + 1;
    end -= length;
  }
  return 0;
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
