import type { AgentId } from './agent-id.ts';
import { isPresent, type Claim } from './claim.ts';
import type { Core } from './core.ts';
import { limits } from './limits.ts';
import type { Views } from './views.ts';

interface Candidate {
  claim: Claim;
  readonly expiresAt: number;
  sequence: number;
  pingAt: number;
}

/**
 * An agent that speaks for itself and is not held present proves first that it can be reached: it has to answer one ping
 * of ours. Without this, an agent whose messages go out and do not come in would be let in and thrown out in turns.
 */
export class Admission {
  readonly #core: Core;
  readonly #views: Views;
  readonly #candidates = new Map<AgentId, Candidate>();

  constructor(core: Core, views: Views) {
    this.#core = core;
    this.#views = views;
  }

  get waiting(): number {
    return this.#candidates.size;
  }

  /** A claim of an agent about itself. */
  hear(claim: Claim): void {
    const member = this.#core.table.get(claim.agent);
    if (claim.state !== 'alive' || (member !== undefined && isPresent(member.state))) {
      this.#views.hear(claim);
      return;
    }
    if (claim.details === null || claim.details.address === '') return;
    if (member?.state === 'removed') return;
    if (member !== undefined && claim.incarnation <= member.incarnation) return;
    this.#consider(claim);
  }

  acknowledged(agent: AgentId, sequence: number): void {
    const candidate = this.#candidates.get(agent);
    if (candidate === undefined || candidate.sequence !== sequence) return;
    this.#candidates.delete(agent);
    this.#views.hear(candidate.claim);
  }

  dueAt(): number {
    let at = Infinity;
    for (const candidate of this.#candidates.values())
      at = Math.min(at, candidate.pingAt, candidate.expiresAt);
    return at;
  }

  runDue(): void {
    const core = this.#core;
    for (const [agent, candidate] of Array.from(this.#candidates)) {
      const member = core.table.get(agent);
      if (member !== undefined && member.incarnation >= candidate.claim.incarnation) {
        this.#candidates.delete(agent);
      } else if (candidate.expiresAt <= core.now) {
        this.#candidates.delete(agent);
        const address = candidate.claim.details?.address ?? '';
        core.note({ what: 'not-admitted', agent, address });
      } else if (candidate.pingAt <= core.now) {
        this.#ping(agent, candidate);
      }
    }
  }

  postpone(spanMs: number): void {
    for (const [agent, candidate] of this.#candidates)
      this.#candidates.set(agent, { ...candidate, expiresAt: candidate.expiresAt + spanMs });
  }

  #consider(claim: Claim): void {
    const core = this.#core;
    const known = this.#candidates.get(claim.agent);
    if (known !== undefined) {
      if (claim.incarnation > known.claim.incarnation) known.claim = claim;
      return;
    }
    if (this.#candidates.size >= limits.candidatesMax) return;
    const expiresAt = core.now + core.parameters.admissionMs;
    const candidate: Candidate = { claim, expiresAt, sequence: 0, pingAt: core.now };
    this.#candidates.set(claim.agent, candidate);
    this.#ping(claim.agent, candidate);
  }

  #ping(agent: AgentId, candidate: Candidate): void {
    const core = this.#core;
    candidate.pingAt = core.now + core.probeTimeoutMs;
    candidate.sequence = core.nextSequence();
    const address = candidate.claim.details?.address ?? null;
    const claims = core.claimsFor(agent, [core.ownClaim()]);
    core.send({ agent, address }, { kind: 'ping', sequence: candidate.sequence, claims });
  }
}
