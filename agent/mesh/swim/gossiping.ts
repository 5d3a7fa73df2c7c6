import { isPresent } from './claim.ts';
import type { Core } from './core.ts';
import type { Member } from './member-table.ts';

/** News goes out at once, then every gossip interval, to a few agents at random, until each claim was sent often enough. */
export class Gossiping {
  readonly #core: Core;
  #lastAt = -Infinity;

  constructor(core: Core) {
    this.#core = core;
  }

  dueAt(): number {
    return this.#core.dissemination.length === 0
      ? Infinity
      : this.#lastAt + this.#core.parameters.gossipIntervalMs;
  }

  runDue(): void {
    const core = this.#core;
    const { gossipFanout, gossipToUnreachableMs } = core.parameters;
    if (this.dueAt() > core.now) return;
    this.#lastAt = core.now;
    const isTold = (member: Member): boolean =>
      isPresent(member.state) ||
      (member.state === 'unreachable' && core.now - member.sinceAt < gossipToUnreachableMs);
    const told = core.table.draw(gossipFanout, core.entropy, isTold);
    if (told.length === 0) core.dissemination.clear();
    for (const { agent } of told) {
      const claims = core.claimsFor(agent);
      if (claims.length > 0) core.send({ agent, address: core.addressOf(agent) }, { kind: 'gossip', claims });
    }
  }
}
