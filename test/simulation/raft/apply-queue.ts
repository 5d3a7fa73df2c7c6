import type { StorageApply } from '#agent/mesh/raft/message.ts';

/** Orders to apply, carried out one after the other, each after a while. */
export class ApplyQueue {
  readonly #carryOut: (order: StorageApply, isVoid: boolean) => void;
  /** Calls back after the time that one order takes, if the life goes on. */
  readonly #later: (act: () => void) => void;
  #orders: { readonly order: StorageApply; isVoid: boolean }[] = [];
  #isBusy = false;

  constructor(options: {
    readonly carryOut: (order: StorageApply, isVoid: boolean) => void;
    readonly later: (act: () => void) => void;
  }) {
    this.#carryOut = options.carryOut;
    this.#later = options.later;
  }

  push(order: StorageApply): void {
    this.#orders.push({ order, isVoid: false });
    this.#next();
  }

  /** A snapshot takes the place of what is not applied yet; only the responses are still due. */
  voidAll(): void {
    for (const each of this.#orders) each.isVoid = true;
  }

  clear(): void {
    this.#orders = [];
    this.#isBusy = false;
  }

  #next(): void {
    if (this.#isBusy || this.#orders.length === 0) return;
    this.#isBusy = true;
    this.#later(() => {
      this.#isBusy = false;
      const { order, isVoid } = this.#orders.shift()!;
      this.#carryOut(order, isVoid);
      this.#next();
    });
  }
}
