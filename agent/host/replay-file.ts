import { open, type FileHandle } from 'node:fs/promises';
import { SedgeError, messageOf } from '../base/errors.ts';
import { KiB } from '../base/units.ts';
import type { Line, LineFiles, Lines } from '../ports/lines.ts';

const readBytes = 64 * KiB;
const newline = 10;
const carriageReturn = 13;

/** Files as lines, read in pieces: memory does not grow with the file. */
export class HostLineFiles implements LineFiles {
  async open(path: string, { lineBytesMax }: { lineBytesMax: number }): Promise<Lines> {
    try {
      return new FileLines(await open(path, 'r'), path, lineBytesMax);
    } catch (error) {
      throw unreadable(path, error);
    }
  }
}

class FileLines implements Lines {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #lineBytesMax: number;
  /** Read and not yet given out. */
  #held: Buffer = Buffer.alloc(0);
  #ended = false;
  /** Within a line that is too long, its beginning thrown away. */
  #skipping = false;
  #number = 0;

  constructor(file: FileHandle, path: string, lineBytesMax: number) {
    this.#file = file;
    this.#path = path;
    this.#lineBytesMax = lineBytesMax;
  }

  async next(count: number): Promise<readonly Line[]> {
    const lines: Line[] = [];
    while (lines.length < count) {
      const end = this.#held.indexOf(newline);
      if (end >= 0) {
        this.#give(lines, this.#held.subarray(0, end));
        this.#held = this.#held.subarray(end + 1);
        continue;
      }
      if (this.#held.length > this.#lineBytesMax) {
        this.#skipping = true;
        this.#held = Buffer.alloc(0);
      }
      if (this.#ended) {
        if (this.#held.length > 0 || this.#skipping) this.#give(lines, this.#held);
        this.#held = Buffer.alloc(0);
        break;
      }
      // What is there is better than waiting for more.
      if (lines.length > 0) break;
      await this.#read();
    }
    return lines;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #give(lines: Line[], bytes: Buffer): void {
    const number = ++this.#number;
    const tooLong = this.#skipping || bytes.length > this.#lineBytesMax;
    this.#skipping = false;
    const text = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
    if (tooLong) lines.push({ number, bytes: null });
    else if (text.length > 0) lines.push({ number, bytes: text });
  }

  async #read(): Promise<void> {
    try {
      const { bytesRead, buffer } = await this.#file.read(Buffer.allocUnsafe(readBytes), 0, readBytes, null);
      this.#ended = bytesRead === 0;
      const more = buffer.subarray(0, bytesRead);
      this.#held = this.#held.length === 0 ? more : Buffer.concat([this.#held, more]);
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }
}

const unreadable = (path: string, error: unknown): SedgeError =>
  new SedgeError('SEDGE_DATA_INVALID', `cannot read ${path}: ${messageOf(error)}`, {
    cause: error,
    hint: 'check the path and its permissions',
  });
