import { limits } from './limits.ts';

/** The p99 of the last round trips to anybody; what a probe may have to wait for on this network. */
export class RoundTrips {
  readonly #ring = new Float64Array(limits.roundTripsKept);
  #count = 0;
  #p99 = 0;

  /** 0 before the first sample. */
  get p99Ms(): number {
    return this.#p99;
  }

  add(spanMs: number): void {
    this.#ring[this.#count % this.#ring.length] = spanMs;
    this.#count++;
    const sorted = this.#ring.slice(0, Math.min(this.#count, this.#ring.length)).sort();
    this.#p99 = sorted[Math.ceil(sorted.length * 0.99) - 1]!;
  }
}
