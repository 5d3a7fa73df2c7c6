import { Prng } from '../base/prng.ts';

/** Weather made to order, for tests, `prove` and the demo. Rates are probabilities 0 … 1 of one request. */
export interface FaultRates {
  /** Answers 503 without taking anything. */
  readonly fail?: number;
  /** Never answers; half of these have been taken all the same. */
  readonly hang?: number;
  /** Takes, then cuts the connection instead of answering. */
  readonly cutAfter?: number;
  /** Time every answer is held back, in milliseconds. */
  readonly latencyMs?: number;
}

export type Fault = 'none' | 'fail' | 'hang_before' | 'hang_after' | 'cut_after';

/** The same seed meets the same requests with the same faults. */
export class Faults {
  readonly #prng: Prng;
  readonly latencyMs: number;
  readonly #rates: FaultRates;

  constructor(rates: FaultRates, seed: number) {
    this.#prng = new Prng(seed);
    this.#rates = rates;
    this.latencyMs = rates.latencyMs ?? 0;
  }

  next(): Fault {
    const { fail = 0, hang = 0, cutAfter = 0 } = this.#rates;
    const at = this.#prng.float();
    if (at < fail) return 'fail';
    if (at < fail + hang) return this.#prng.chance(0.5) ? 'hang_before' : 'hang_after';
    return at < fail + hang + cutAfter ? 'cut_after' : 'none';
  }
}
