import { assert } from '../base/assert.ts';
import type { Batch } from '../reading/batch.ts';
import { decodeJournalRow } from './codec/journal-row.ts';
import { sharedRowBytesMax, sharedRunsMax } from './limits.ts';

interface Kept {
  readonly row: Uint8Array;
  readonly batch: Batch;
}

/**
 * Runs decoded lately. Uplinks that take one stream read mostly the same ranges, shortly after each other: a row that equals the one of
 * before byte for byte is not decoded again, and its readers are given the very same batch. While only one uplink reads nothing is kept.
 */
export class SharedRuns {
  /** By stream and first offset, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  /** The one uplink that has read so far. */
  #only: string | null = null;
  #several = false;

  batchOf(row: Uint8Array, of: { stream: string; first: number; uplink: string | undefined }): Batch {
    const { stream, first, uplink } = of;
    if (uplink === undefined) return decoded(row, stream);
    this.#only ??= uplink;
    this.#several ||= this.#only !== uplink;
    if (!this.#several) return decoded(row, stream);
    const key = `${first}/${stream}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && equal(kept.row, row)) return kept.batch;
    const batch = decoded(row, stream);
    this.#keep(key, { row, batch });
    return batch;
  }

  #keep(key: string, run: Kept): void {
    this.#forget(key);
    this.#kept.set(key, run);
    this.#bytes += run.row.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= sharedRowBytesMax && this.#kept.size <= sharedRunsMax) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#bytes -= this.#kept.get(key)?.row.length ?? 0;
    this.#kept.delete(key);
  }
}

function decoded(row: Uint8Array, stream: string): Batch {
  const batch = decodeJournalRow(row, { stream });
  assert(batch.ok, 'what the disk thread encoded can be decoded');
  return batch.value;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
