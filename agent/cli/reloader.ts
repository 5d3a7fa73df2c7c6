/** Runs reloads one after the other: while one runs, any number of requests become one more. */
export class Reloader {
  #reload: (() => Promise<void>) | null = null;
  #wanted = false;
  #running: Promise<void> = Promise.resolve();
  #busy = false;

  /** Remembered when it comes before `start`. */
  ask(): void {
    this.#wanted = true;
    this.#begin();
  }

  start(reload: () => Promise<void>): void {
    this.#reload = reload;
    this.#begin();
  }

  /** Resolves when no reload runs. */
  settled(): Promise<void> {
    return this.#running;
  }

  #begin(): void {
    if (this.#busy || !this.#wanted || this.#reload === null) return;
    this.#busy = true;
    this.#running = this.#run(this.#reload);
  }

  async #run(reload: () => Promise<void>): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      await reload();
    }
    this.#busy = false;
  }
}
