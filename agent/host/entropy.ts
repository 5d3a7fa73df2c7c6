import { getRandomValues } from 'node:crypto';
import type { Entropy } from '../ports/entropy.ts';

/** Words drawn from the operating system at once: one call in 256, 1 KiB of memory. */
const poolWords = 256;

/** Chance from the operating system's generator, drawn in pools. */
export class HostEntropy implements Entropy {
  readonly #pool = new Uint32Array(poolWords);
  #next = poolWords;

  uint32(): number {
    if (this.#next === poolWords) {
      getRandomValues(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }

  /** 53 random bits over 2^53. */
  float(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }
}
