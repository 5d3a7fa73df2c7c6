import type { Entropy } from '../../ports/entropy.ts';
import type { AgentId } from './agent-id.ts';

/**
 * Shuffled round robin (SWIM, section 4.3): every agent is probed once a turn, so the time to a first probe is bounded by
 * two turns and not just likely. Newcomers enter at a random place of the turn under way.
 */
export class ProbeOrder {
  readonly #entropy: Entropy;
  #turn: AgentId[] = [];
  #next = 0;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  insert(agent: AgentId): void {
    if (this.#turn.includes(agent, this.#next)) return;
    const at = this.#below(this.#turn.length + 1);
    this.#turn.splice(at, 0, agent);
    if (at < this.#next) this.#next++;
  }

  /** To be probed next, whatever its place was: evidence against it has just come in. */
  hasten(agent: AgentId): void {
    const at = this.#turn.indexOf(agent, this.#next);
    if (at < 0) {
      this.#turn.splice(this.#next, 0, agent);
      return;
    }
    this.#turn[at] = this.#turn[this.#next]!;
    this.#turn[this.#next] = agent;
  }

  /** The next agent to probe, or null when there is none. `present` is asked once a turn for the agents worth probing. */
  take(isProbed: (agent: AgentId) => boolean, present: () => AgentId[]): AgentId | null {
    for (let turn = 0; turn < 2; turn++) {
      while (this.#next < this.#turn.length) {
        const agent = this.#turn[this.#next++]!;
        if (isProbed(agent)) return agent;
      }
      this.#turn = present();
      this.#next = 0;
      this.#shuffle();
    }
    return null;
  }

  #shuffle(): void {
    for (let i = this.#turn.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      [this.#turn[i], this.#turn[j]] = [this.#turn[j]!, this.#turn[i]!];
    }
  }

  #below(bound: number): number {
    return Math.floor(this.#entropy.float() * bound);
  }
}
