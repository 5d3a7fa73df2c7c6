import type { SwimParameters } from './parameters.ts';

/** What each event adds. Dying or restarting twice and a half within a minute is flapping; being slow now and then is not. */
export const flapWeights = { unreachable: 1, restarted: 1, refuted: 0.2 } as const;

/**
 * Penalty with exponential forgiveness and hysteresis (route flap damping, RFC 2439 section 4.2). A flapping agent is
 * still a member; it should not lead, relay or keep copies until it has been calm.
 */
export class FlapScore {
  readonly #parameters: SwimParameters;
  #score = 0;
  #at = 0;
  #isFlapping = false;

  constructor(parameters: SwimParameters) {
    this.#parameters = parameters;
  }

  get isFlapping(): boolean {
    return this.#isFlapping;
  }

  value(now: number): number {
    return this.#score * 2 ** (-(now - this.#at) / this.#parameters.flapHalfLifeMs);
  }

  add(weight: number, now: number): void {
    this.#score = this.value(now) + weight;
    this.#at = now;
  }

  /** True when this review changed the verdict. */
  review(now: number): boolean {
    const before = this.#isFlapping;
    const value = this.value(now);
    this.#isFlapping = value >= (before ? this.#parameters.calmBelow : this.#parameters.flapsFrom);
    return before !== this.#isFlapping;
  }
}
