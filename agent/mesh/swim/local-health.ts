import { limits } from './limits.ts';

/**
 * How far we trust our own observations (Lifeguard, section IV-A): 0 fully, 7 hardly. Failures that are likelier ours than
 * another's raise it; then we probe more slowly before we blame.
 */
export class LocalHealth {
  #score = 0;

  get score(): number {
    return this.#score;
  }

  /** What a probe interval is multiplied by. */
  get stretch(): number {
    return this.#score + 1;
  }

  add(delta: number): void {
    this.#score = Math.min(limits.healthMax, Math.max(0, this.#score + delta));
  }
}
