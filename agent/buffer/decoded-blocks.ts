import type { Batch } from '../reading/batch.ts';
import { decodedBlocksMax } from './limits.ts';

/** Blocks decoded lately: a block of 4,096 readings is asked for in several batches. */
export class DecodedBlocks {
  readonly #batches = new Map<number, Batch>();

  get(payload: number): Batch | undefined {
    const batch = this.#batches.get(payload);
    if (batch === undefined) return undefined;
    this.#batches.delete(payload);
    this.#batches.set(payload, batch);
    return batch;
  }

  keep(payload: number, batch: Batch): void {
    this.#batches.set(payload, batch);
    const oldest = this.#batches.keys().next();
    if (this.#batches.size > decodedBlocksMax && oldest.done !== true) this.#batches.delete(oldest.value);
  }

  /** Keys are given again once their row is gone. */
  forget(payload: number): void {
    this.#batches.delete(payload);
  }

  clear(): void {
    this.#batches.clear();
  }
}
