import type { Claim, Details } from './claim.ts';
import type { Core } from './core.ts';
import { limits } from './limits.ts';

/**
 * Our own word: incarnations and refutation. An incarnation is reserved on disk before it is spoken, `incarnationStride`
 * at a time, so that no later life of this id ever speaks under one that an earlier life used.
 */
export class Self {
  readonly #core: Core;
  #idInUseAt = -Infinity;

  constructor(core: Core) {
    this.#core = core;
  }

  /** False when no higher incarnation exists. */
  speakAnew(above: number): boolean {
    const core = this.#core;
    const incarnation = Math.max(core.incarnation, above) + 1;
    if (incarnation > limits.incarnationMax) {
      core.note({ what: 'incarnation-exhausted' });
      return false;
    }
    core.incarnation = incarnation;
    if (incarnation > core.incarnationCeiling)
      core.persist(Math.min(limits.incarnationMax, incarnation + core.parameters.incarnationStride - 1));
    core.dissemination.put(core.ownClaim());
    return true;
  }

  describe(details: Details): void {
    const core = this.#core;
    core.details = details;
    if (core.phase === 'running') this.speakAnew(core.incarnation);
  }

  /** Somebody speaks about us. */
  hear(claim: Claim): void {
    const core = this.#core;
    if (core.phase !== 'running') return;
    if (claim.state === 'removed') {
      if (core.table.isKept(core.self)) return;
      core.phase = 'silent';
      core.note({ what: 'removed-ourselves' });
      return;
    }
    if (claim.state === 'alive') {
      this.#hearAlive(claim);
      return;
    }
    if (claim.incarnation < core.incarnation) return;
    if (!this.speakAnew(claim.incarnation)) return;
    if (claim.state !== 'left') core.health.add(1);
    core.note({ what: 'refuted', accusedAs: claim.state, incarnation: core.incarnation });
  }

  /**
   * An incarnation we never spoke: an earlier life whose reservation was lost, or a twin. We speak above it, at most once a
   * probe interval, so that two agents of one id annoy the operator and not the network.
   */
  #hearAlive(claim: Claim): void {
    const core = this.#core;
    const isAhead = claim.incarnation > core.incarnation;
    const isTwin =
      claim.incarnation === core.incarnation &&
      claim.details !== null &&
      claim.details.instance !== core.details.instance;
    if (!isAhead && !isTwin) return;
    if (core.now - this.#idInUseAt < core.parameters.probeIntervalMs) return;
    this.#idInUseAt = core.now;
    core.note({ what: 'id-in-use', incarnation: claim.incarnation });
    this.speakAnew(claim.incarnation);
  }
}
