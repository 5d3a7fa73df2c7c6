import type { AgentId } from './agent-id.ts';
import type { Claim } from './claim.ts';
import { claimBytes } from './codec.ts';

interface Entry {
  readonly claim: Claim;
  readonly bytes: number;
  readonly order: number;
  transmits: number;
}

/**
 * News on its way. One entry an agent (a newer claim replaces the older), so its bound is the member table's. Least
 * transmitted first, then the longest that fits, then the newest.
 */
export class Dissemination {
  readonly #entries = new Map<AgentId, Entry>();
  #order = 0;

  get length(): number {
    return this.#entries.size;
  }

  has(agent: AgentId): boolean {
    return this.#entries.has(agent);
  }

  put(claim: Claim): void {
    this.#entries.set(claim.agent, { claim, bytes: claimBytes(claim), order: this.#order++, transmits: 0 });
  }

  drop(agent: AgentId): void {
    this.#entries.delete(agent);
  }

  /** Nobody is there to tell. */
  clear(): void {
    this.#entries.clear();
  }

  /** Claims of `bytesMax` together at most; each counts as transmitted once and goes when it was `transmitsMax` times. */
  take(bytesMax: number, transmitsMax: number): Claim[] {
    const claims: Claim[] = [];
    if (this.#entries.size === 0) return claims;
    let left = bytesMax;
    for (const entry of Array.from(this.#entries.values()).sort(byUrgency)) {
      if (entry.bytes > left) continue;
      left -= entry.bytes;
      claims.push(entry.claim);
      entry.transmits++;
      if (entry.transmits >= transmitsMax) this.#entries.delete(entry.claim.agent);
    }
    return claims;
  }
}

const byUrgency = (a: Entry, b: Entry): number =>
  a.transmits - b.transmits || b.bytes - a.bytes || b.order - a.order;
