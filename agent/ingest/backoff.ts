import { assert } from '../base/assert.ts';
import type { Entropy } from '../ports/entropy.ts';

/**
 * Decorrelated jitter: each wait is uniform between the shortest wait and three times the last one, capped. Clients that
 * lost one broker together do not come back together.
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #entropy: Entropy;
  #lastMs: number;

  constructor(options: { minMs: number; maxMs: number; entropy: Entropy }) {
    assert(options.minMs > 0 && options.maxMs >= options.minMs, 'backoff has 0 < min <= max');
    this.#minMs = options.minMs;
    this.#maxMs = options.maxMs;
    this.#entropy = options.entropy;
    this.#lastMs = options.minMs;
  }

  nextMs(): number {
    const span = Math.max(0, this.#lastMs * 3 - this.#minMs);
    this.#lastMs = Math.min(this.#maxMs, this.#minMs + this.#entropy.float() * span);
    return this.#lastMs;
  }

  reset(): void {
    this.#lastMs = this.#minMs;
  }
}
