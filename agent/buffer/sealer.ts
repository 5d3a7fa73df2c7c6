import { SectionOrders } from './codec/section-orders.ts';
import { atOnce, some, type Steps } from './codec/steps.ts';
import { sealStepCellsDefault } from './limits.ts';
import { sealing, sealOldest, storeSealed, type DamagedRow, type SealedRun } from './seal.ts';
import type { StoreCore } from './store-core.ts';
import type { StreamState } from './stream-state.ts';

/**
 * Seals a stream beside the commits: the block is made in steps of some milliseconds, between which the disk thread serves what waits,
 * and only its storing takes a transaction. One stream at a time.
 */
export class Sealer {
  readonly #core: StoreCore;
  #stream: StreamState | null = null;
  #steps: Steps<SealedRun | DamagedRow | null> | null = null;
  /** Goes with the mirror of the stream. */
  readonly #orders = new WeakMap<StreamState, SectionOrders>();
  /** What all steps made. */
  #made: { readonly result: SealedRun | DamagedRow | null } | null = null;

  constructor(core: StoreCore) {
    this.#core = core;
  }

  /** The stream whose block is being made; null when there is none, or it stands in a mirror that was loaded anew. */
  get stream(): StreamState | null {
    const stream = this.#stream;
    return stream !== null && this.#core.memory.streams.get(stream.name) === stream ? stream : null;
  }

  /** One step, or with `whole` all of them. True once `store` may follow. @throws {DiskError} */
  advance(stream: StreamState, { whole }: { readonly whole: boolean }): boolean {
    if (this.stream !== stream) {
      this.#drop();
      this.#stream = stream;
    }
    if (this.#made !== null) return true;
    const steps = (this.#steps ??= sealing(this.#core, stream, this.#ordersOf(stream)));
    try {
      this.#made = whole
        ? { result: atOnce(steps) }
        : some(steps, this.#core.settings.seal.stepCells ?? sealStepCellsDefault);
      return this.#made !== null;
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** Inside a transaction, tried anew or not. By name: a try before this one may have been undone, and the mirror loaded anew. */
  store(name: string): void {
    const stream = this.#core.memory.streams.get(name);
    const sealed = this.stream === stream ? (this.#made?.result ?? null) : null;
    this.#drop();
    if (stream === undefined) return;
    // Rows that were dropped, moved or lost meanwhile: what stands now is sealed.
    if (sealed === null || !storeSealed(this.#core, stream, sealed)) sealOldest(this.#core, stream);
  }

  #ordersOf(stream: StreamState): SectionOrders {
    let orders = this.#orders.get(stream);
    if (orders === undefined) this.#orders.set(stream, (orders = new SectionOrders()));
    return orders;
  }

  #drop(): void {
    this.#stream = null;
    this.#steps = null;
    this.#made = null;
  }
}
