import type { DecodedBlock } from './codec/block.ts';
import { decodedBlocksMax } from './limits.ts';

/** Blocks decoded lately: a block of 4,096 readings is asked for in several batches. */
export class DecodedBlocks {
  readonly #blocks = new Map<number, DecodedBlock>();

  get(payload: number): DecodedBlock | undefined {
    const block = this.#blocks.get(payload);
    if (block === undefined) return undefined;
    this.#blocks.delete(payload);
    this.#blocks.set(payload, block);
    return block;
  }

  keep(payload: number, block: DecodedBlock): void {
    this.#blocks.set(payload, block);
    const oldest = this.#blocks.keys().next();
    if (this.#blocks.size > decodedBlocksMax && oldest.done !== true) this.#blocks.delete(oldest.value);
  }

  /** Keys are given again once their row is gone. */
  forget(payload: number): void {
    this.#blocks.delete(payload);
  }

  clear(): void {
    this.#blocks.clear();
  }
}
