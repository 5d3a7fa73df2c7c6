import type { WriteItem } from './doubts.ts';

/** Between two tries of a settlement on a failing disk, whatever else the disk thread does meanwhile. */
const retryPauseMillis = 500;

/** Settlements that met a failing disk, apart from what waits to be tried for the first time. */
export class Retries {
  /** By when they are due, which is the order they came in. */
  readonly #held: { readonly item: WriteItem; readonly dueMillis: number }[] = [];

  get size(): number {
    return this.#held.length;
  }

  hold(items: readonly WriteItem[], nowMillis: number): void {
    for (const item of items) this.#held.push({ item, dueMillis: nowMillis + retryPauseMillis });
  }

  /** Takes those out whose pause is over. */
  due(nowMillis: number): WriteItem[] {
    const waiting = this.#held.findIndex(({ dueMillis }) => dueMillis > nowMillis);
    return this.#take(waiting === -1 ? this.#held.length : waiting);
  }

  /** Takes all out. */
  all(): WriteItem[] {
    return this.#take(this.#held.length);
  }

  /** How long until the first is due; null when none waits. */
  pauseMillis(nowMillis: number): number | null {
    const [first] = this.#held;
    return first === undefined ? null : Math.max(0, first.dueMillis - nowMillis);
  }

  #take(count: number): WriteItem[] {
    return this.#held.splice(0, count).map(({ item }) => item);
  }
}
