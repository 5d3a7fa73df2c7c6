import { messageOf } from '../base/errors.ts';
import type { AppendFile } from '../ports/append-file.ts';
import { oneLine } from './answer-words.ts';
import type { OutgoingBatch, SendOutcome, Sink } from './sink.ts';

export interface FileSinkOptions {
  /** The file is rotated before it would grow beyond this many bytes. */
  readonly rotateBytes: number;
  /** Rotated files kept, >= 0. */
  readonly keep: number;
}

/** NDJSON appended to a file. A batch is taken when it is synced; a crash between sync and settlement appends it twice. */
export class FileSink implements Sink {
  readonly kind = 'file';
  readonly #options: FileSinkOptions;
  readonly #file: AppendFile;
  /** Size of the open file, null while it is not open. */
  #bytes: number | null = null;
  /** Sends wait for each other: the file has one end. */
  #last: Promise<unknown> = Promise.resolve();
  #running = false;

  constructor(options: FileSinkOptions, ports: { file: AppendFile }) {
    this.#options = options;
    this.#file = ports.file;
  }

  /** A file that cannot be opened now is tried again with every send. */
  start(): Promise<void> {
    this.#running = true;
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#last;
    this.#bytes = null;
    await this.#file.close();
  }

  send(batch: OutgoingBatch): Promise<SendOutcome> {
    const sent = this.#last.then(() => this.#append(batch.body));
    this.#last = sent;
    return sent;
  }

  async #append(body: Uint8Array): Promise<SendOutcome> {
    if (!this.#running) return { kind: 'later', words: 'the uplink stops', bytes: 0 };
    try {
      this.#bytes ??= (await this.#file.open()).bytes;
      if (this.#bytes > 0 && this.#bytes + body.length > this.#options.rotateBytes) {
        await this.#file.rotate(this.#options.keep);
        this.#bytes = 0;
      }
      await this.#file.append(body);
      this.#bytes += body.length;
      return { kind: 'taken', bytes: body.length };
    } catch (error) {
      // Opened anew next time: whatever half-done state there is ends with the handle.
      this.#bytes = null;
      await this.#file.close().catch(() => undefined);
      return { kind: 'later', words: oneLine(messageOf(error)), bytes: 0, unreachable: true };
    }
  }
}
