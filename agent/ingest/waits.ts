/** Who waits for a condition that others bring about. */
export class Waits {
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  /** Resolves once `holds` does, at the latest when that is announced. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ holds, resolve }));
  }

  /** Something changed that somebody may wait for. */
  announce(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.holds()) one.resolve();
      else this.#waiting.push(one);
    }
  }
}
