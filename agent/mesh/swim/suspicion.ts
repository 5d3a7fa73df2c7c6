import type { AgentId } from './agent-id.ts';
import type { Accuser } from './claim.ts';
import { limits } from './limits.ts';
import type { SwimParameters } from './parameters.ts';

/** Of one suspicion, fixed when it starts. */
export interface SuspicionTerms {
  readonly leastMs: number;
  readonly longestMs: number;
  /** Accusers besides the first that bring the time down to `leastMs`; 0: it is `leastMs` at once. */
  readonly confirmations: number;
  readonly refusedMs: number;
  /** Accusers besides the first that must have been refused for `refusedMs` to hold. */
  readonly refusedConfirmations: number;
}

/** For a site of `present` agents, ourselves included; the interval is the one in force, before local health. */
export function suspicionTerms(
  parameters: SwimParameters,
  site: { readonly present: number; readonly probeIntervalMs: number },
): SuspicionTerms {
  const others = Math.max(0, site.present - 2);
  const leastMs =
    parameters.suspicionMultiplier *
    Math.max(1, Math.log10(Math.max(1, site.present))) *
    site.probeIntervalMs;
  const wanted = Math.max(0, parameters.suspicionMultiplier - 2);
  return {
    leastMs,
    longestMs: parameters.suspicionStretch * leastMs,
    confirmations: others < wanted ? 0 : wanted,
    refusedMs: parameters.refusedSuspicionMs,
    refusedConfirmations: Math.min(parameters.refusedConfirmations, others),
  };
}

/** How long the suspicion lasts with that many confirmations (Lifeguard, section IV-B). */
export function suspicionMs(terms: SuspicionTerms, confirmations: number): number {
  if (terms.confirmations === 0) return terms.leastMs;
  const share = Math.log(confirmations + 1) / Math.log(terms.confirmations + 1);
  return Math.max(terms.leastMs, Math.floor(terms.longestMs - (terms.longestMs - terms.leastMs) * share));
}

/** The time an agent has to refute, shorter the more agents find it silent. */
export class Suspicion {
  readonly terms: SuspicionTerms;
  #startedAt: number;
  readonly #accusers = new Map<AgentId, boolean>();

  constructor(terms: SuspicionTerms, startedAt: number) {
    this.terms = terms;
    this.#startedAt = startedAt;
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  get accusers(): Accuser[] {
    return Array.from(this.#accusers, ([agent, refused]) => ({ agent, refused }));
  }

  /** True when this is news worth passing on: a further accuser, or a known one that has been refused meanwhile. */
  confirm(accuser: Accuser): boolean {
    const known = this.#accusers.get(accuser.agent);
    if (known === undefined && this.#accusers.size >= limits.accusersMax) return this.#replacePlain(accuser);
    if (known === true || known === accuser.refused) return false;
    this.#accusers.set(accuser.agent, accuser.refused);
    return true;
  }

  deadline(): number {
    let refused = 0;
    for (const isRefused of this.#accusers.values()) refused += Number(isRefused);
    const confirmations = Math.min(Math.max(0, this.#accusers.size - 1), this.terms.confirmations);
    const lastsMs = suspicionMs(this.terms, confirmations);
    const isProcessGone = refused >= 1 + this.terms.refusedConfirmations;
    return this.#startedAt + (isProcessGone ? Math.min(this.terms.refusedMs, lastsMs) : lastsMs);
  }

  /** We stood still for that long and could not have heard a refutation. */
  postpone(spanMs: number): void {
    this.#startedAt += spanMs;
  }

  /** The list is full: being refused is better evidence than silence. */
  #replacePlain(accuser: Accuser): boolean {
    if (!accuser.refused) return false;
    for (const [agent, refused] of this.#accusers) {
      if (refused) continue;
      this.#accusers.delete(agent);
      this.#accusers.set(accuser.agent, true);
      return true;
    }
    return false;
  }
}
