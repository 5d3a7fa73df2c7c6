import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const chunkBytes = 1024 * 1024;

/**
 * Which numbered messages a receiver has on disk: reads its NDJSON files as they grow and takes one numeric value of every
 * reading. The witness at the far end, as the publisher's acknowledgements are the one at the near end.
 */
export class DeliveredSequences {
  readonly #folder: string;
  readonly #field: string;
  readonly #positions = new Map<string, { bytes: number; rest: string }>();
  /** Times each number was seen under different offsets, saturating at 255. */
  readonly seen: Uint8Array;
  /** Distinct numbers seen. */
  distinct = 0;
  /** Readings beyond the first with the same number. */
  repeated = 0;

  constructor(options: { folder: string; field: string; total: number }) {
    this.#folder = options.folder;
    this.#field = options.field;
    this.seen = new Uint8Array(options.total);
  }

  /** Reads what came since the last call. */
  refresh(): void {
    for (const name of readdirSync(this.#folder, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.ndjson')) this.#readFile(join(this.#folder, name));
    }
  }

  #readFile(path: string): void {
    const position = this.#positions.get(path) ?? { bytes: 0, rest: '' };
    this.#positions.set(path, position);
    const file = openSync(path, 'r');
    try {
      const chunk = Buffer.alloc(chunkBytes);
      for (;;) {
        const bytes = readSync(file, chunk, 0, chunkBytes, position.bytes);
        if (bytes === 0) return;
        position.bytes += bytes;
        // Lines are ASCII up to their values here, and a character cut in two only waits for its other half.
        const lines = (position.rest + chunk.toString('latin1', 0, bytes)).split('\n');
        position.rest = lines.pop() ?? '';
        for (const line of lines) this.#take(line);
      }
    } finally {
      closeSync(file);
    }
  }

  #take(line: string): void {
    const sequence = (JSON.parse(line) as { values: Record<string, unknown> }).values[this.#field];
    if (typeof sequence !== 'number' || sequence >= this.seen.length) return;
    if (this.seen[sequence] === 0) this.distinct++;
    else this.repeated++;
    if (this.seen[sequence]! < 255) this.seen[sequence]!++;
  }

  /** Numbers that are acknowledged and were not seen. */
  missing(acknowledged: Uint8Array): number {
    let missing = 0;
    for (let i = 0; i < this.seen.length; i++) if (acknowledged[i] === 1 && this.seen[i] === 0) missing++;
    return missing;
  }
}
