import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32c } from '../base/crc32c.ts';
import { messageOf } from '../base/errors.ts';
import { brokerLimits } from './mqtt-limits.ts';

export interface BrokerLogOptions {
  readonly file: string;
  /** Records that rebuild everything; read piece by piece while further ones are appended. */
  readonly snapshot: () => Iterator<Uint8Array>;
  /** The file cannot be written (one line), or can be again (null). */
  readonly trouble: (message: string | null) => void;
}

/** First bytes of the file: name and version. */
const magic = Buffer.from('sedgeBS1');
/** Length and CRC-32C of what follows, little-endian. */
const headBytes = 8;

/**
 * A log of records that rebuild the broker's sessions. What is appended is gathered, written in one piece and synced (fdatasync, outside
 * the event loop); when the file is twice as large as what it says, it is written anew beside the old one, which
 * takes what comes meanwhile, too, until the new one takes its name. While the file cannot be written nobody waits for it: the state is in
 * memory, and the next attempt writes all of it.
 */
export class BrokerLog {
  readonly #options: BrokerLogOptions;
  #handle: FileHandle | null = null;
  #fileBytes = 0;
  /** Size of the file when it was written anew. */
  #freshBytes = 0;
  #pending: Buffer[] = [];
  #position = 0;
  #saved = 0;
  #waiting: { readonly position: number; readonly run: () => void }[] = [];
  #lazy: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #broken = false;
  #retryMs: number = brokerLimits.sessionRetryMsMin;
  #closed = false;

  constructor(options: BrokerLogOptions) {
    this.#options = options;
  }

  /** Where the next record comes to stand. */
  get position(): number {
    return this.#position;
  }

  /**
   * Reads what the file holds; a missing one is empty. What stands behind the first damaged record is dropped: a crash leaves such a tail.
   * A file that is no log is put aside as `FILE.damaged`. Answers the bytes dropped. @throws when the file cannot be read.
   */
  async load(take: (record: Uint8Array) => void): Promise<{ droppedBytes: number }> {
    let handle: FileHandle;
    try {
      handle = await open(this.#options.file, 'r+');
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return { droppedBytes: 0 };
      throw error;
    }
    const bytes = await handle.readFile();
    const goodBytes = frames(bytes, take);
    if (goodBytes < magic.length) {
      await handle.close();
      await rename(this.#options.file, `${this.#options.file}.damaged`);
      return { droppedBytes: bytes.length };
    }
    await handle.truncate(goodBytes);
    this.#handle = handle;
    this.#fileBytes = goodBytes;
    return { droppedBytes: bytes.length - goodBytes };
  }

  /** Written within a second, or with the next {@link flush}. */
  append(record: Uint8Array): void {
    if (this.#closed) return;
    this.#position += headBytes + record.length;
    if (this.#broken) {
      this.#saved = this.#position;
      return;
    }
    this.#pending.push(framed(record));
    this.#lazy ??= setTimeout(() => this.flush(), brokerLimits.sessionLazyMs).unref();
  }

  /** Runs `done` once everything before `position` is synced, at once if it is; in the order of the calls. */
  whenSaved(position: number, done: () => void): void {
    if (position <= this.#saved || this.#closed) {
      done();
      return;
    }
    this.#waiting.push({ position, run: done });
    this.flush();
  }

  flush(): void {
    if (this.#lazy !== null) clearTimeout(this.#lazy);
    this.#lazy = null;
    if (this.#closed || this.#broken) return;
    // In a turn of its own, so that all records of this one go together.
    this.#running ??= new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#run())
      .finally(() => {
        this.#running = null;
        if (this.#pending.length > 0) this.flush();
      });
  }

  /** Writes what is left. Safe to call twice. */
  async close(): Promise<void> {
    while (this.#running !== null || (this.#pending.length > 0 && !this.#broken)) {
      this.flush();
      await this.#running;
    }
    this.#closed = true;
    if (this.#lazy !== null) clearTimeout(this.#lazy);
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
    this.#wake();
  }

  async #run(): Promise<void> {
    try {
      // The first record of all makes the file.
      if (this.#handle === null) await this.#rewrite();
      while (this.#pending.length > 0) {
        await this.#commit();
        const worthBytes = Math.max(this.#freshBytes * 2, brokerLimits.sessionLogBytesMin);
        if (this.#fileBytes > worthBytes) await this.#rewrite();
      }
    } catch (error) {
      await this.#break(error);
    }
  }

  async #commit(): Promise<Buffer> {
    const position = this.#position;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    if (this.#handle !== null && bytes.length > 0) {
      await writeAt(this.#handle, bytes, this.#fileBytes);
      await this.#handle.datasync();
      this.#fileBytes += bytes.length;
      this.#saved = position;
      this.#wake();
    }
    return bytes;
  }

  async #rewrite(): Promise<void> {
    const { file, snapshot } = this.#options;
    const fresh = await open(`${file}.new`, 'w', 0o600);
    let freshBytes = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      await writeAt(fresh, bytes, freshBytes);
      freshBytes += bytes.length;
    };
    try {
      await write(magic);
      const records = snapshot();
      let position = this.#position;
      for (let ended = false; !ended;) {
        position = this.#position;
        // What was appended before a piece of the snapshot was taken must stand before it.
        const piece = nextPiece(records);
        ended = piece.ended;
        await write(Buffer.concat([await this.#commit(), piece.bytes]));
      }
      await fresh.datasync();
      await rename(`${file}.new`, file);
      await syncFolder(dirname(file));
      const old = this.#handle;
      this.#handle = fresh;
      this.#fileBytes = freshBytes;
      this.#freshBytes = freshBytes;
      this.#saved = Math.max(this.#saved, position);
      this.#wake();
      await old?.close();
    } catch (error) {
      if (this.#handle !== fresh) await fresh.close().catch(() => undefined);
      throw error;
    }
  }

  async #break(error: unknown): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    try {
      await handle?.close();
    } catch {
      // It failed already.
    }
    this.#options.trouble(messageOf(error));
    this.#giveUp();
  }

  #mend(): void {
    if (this.#closed) return;
    this.#broken = false;
    this.#running = this.#tryMending().finally(() => {
      this.#running = null;
      if (this.#pending.length > 0) this.flush();
    });
  }

  async #tryMending(): Promise<void> {
    try {
      await this.#rewrite();
      this.#retryMs = brokerLimits.sessionRetryMsMin;
      this.#options.trouble(null);
    } catch {
      await rm(`${this.#options.file}.new`, { force: true }).catch(() => undefined);
      this.#giveUp();
    }
  }

  /** Nobody waits for a file that cannot be written. */
  #giveUp(): void {
    this.#broken = true;
    this.#pending = [];
    this.#saved = this.#position;
    this.#wake();
    if (this.#closed) return;
    setTimeout(() => this.#mend(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, brokerLimits.sessionRetryMsMax);
  }

  #wake(): void {
    const isReady = ({ position }: { position: number }): boolean => this.#closed || position <= this.#saved;
    const ready = this.#waiting.filter(isReady);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !isReady(one));
    for (const { run } of ready) run();
  }
}

/** Hands every whole record to `take`; answers how many bytes are good. */
function frames(bytes: Buffer, take: (record: Uint8Array) => void): number {
  if (!bytes.subarray(0, magic.length).equals(magic)) return 0;
  let at = magic.length;
  while (at + headBytes <= bytes.length) {
    const end = at + headBytes + bytes.readUInt32LE(at);
    if (end > bytes.length) break;
    const record = bytes.subarray(at + headBytes, end);
    if (crc32c(record) !== bytes.readUInt32LE(at + 4)) break;
    try {
      take(record);
    } catch {
      break;
    }
    at = end;
  }
  return at;
}

function framed(record: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + record.length);
  frame.writeUInt32LE(record.length, 0);
  frame.writeUInt32LE(crc32c(record) >>> 0, 4);
  frame.set(record, headBytes);
  return frame;
}

function nextPiece(records: Iterator<Uint8Array>): { bytes: Buffer; ended: boolean } {
  const piece: Buffer[] = [];
  let pieceBytes = 0;
  while (pieceBytes < brokerLimits.sessionPieceBytes) {
    const next = records.next();
    if (next.done === true) return { bytes: Buffer.concat(piece), ended: true };
    piece.push(framed(next.value));
    pieceBytes += next.value.length;
  }
  return { bytes: Buffer.concat(piece), ended: false };
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** A new name is durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
