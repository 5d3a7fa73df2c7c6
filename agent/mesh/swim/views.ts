import type { AgentId } from './agent-id.ts';
import { compareStanding, isPresent, type Claim, type Details, type MemberState } from './claim.ts';
import type { Core } from './core.ts';
import type { SuspicionView } from './effect.ts';
import { FlapScore, flapWeights } from './flap-score.ts';
import type { Member } from './member-table.ts';
import { Suspicion, suspicionTerms } from './suspicion.ts';

const noDetails: Details = { address: '', instance: 0, attributes: '' };

/**
 * What we hold of others, and how claims change it. Two rules go beyond the order of standings: hearsay kills nobody (an
 * `unreachable` about an agent we hold present only confirms a suspicion, whose time runs at our own clock), and an agent
 * that speaks for itself is believed alive only where it was believed present before (see Admission).
 */
export class Views {
  readonly #core: Core;
  /** Those whose state is suspect: empty on a calm site, so that looking for deadlines costs nothing there. */
  readonly #suspected = new Set<Member>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** From a member that vouches for it, or from the agent itself after it answered us. */
  hear(claim: Claim): void {
    const core = this.#core;
    const member = core.table.get(claim.agent);
    // An agent that accuses itself is confused; whoever hears it is alive.
    if (isAccusation(claim) && claim.accusers.every((accuser) => accuser.agent === claim.agent)) return;
    if (member === undefined) {
      this.#learn(claim);
      return;
    }
    if (claim.state === 'removed' && core.table.isKept(claim.agent)) return;
    const believed = this.#asBelieved(claim, member);
    const comparison = compareStanding(believed, member);
    if (comparison > 0) this.#become(member, believed);
    else if (comparison === 0) this.#sameStanding(member, believed);
    this.#adoptDetails(member, claim);
  }

  /** Our own finding. Nothing when it is not held present. */
  accuse(agent: AgentId, refused: boolean): void {
    const { self, table } = this.#core;
    const member = table.get(agent);
    if (member === undefined || !isPresent(member.state)) return;
    this.hear({
      agent,
      state: 'suspect',
      incarnation: member.incarnation,
      details: null,
      accusers: [{ agent: self, refused }],
      ageSeconds: 0,
    });
    if (refused) member.refusedLife = member.details.instance;
  }

  /** Decided by consensus. */
  remove(agent: AgentId): void {
    const member = this.#core.table.get(agent);
    if (member === undefined) {
      this.#learn(plainClaim(agent, 'removed', 0));
      return;
    }
    if (member.state !== 'removed') this.#become(member, plainClaim(agent, 'removed', member.incarnation));
  }

  /** Suspicions whose time is over. */
  condemn(): void {
    for (const member of this.#suspects()) {
      if (member.suspicion!.deadline() > this.#core.now) continue;
      this.#become(member, plainClaim(member.agent, 'unreachable', member.incarnation));
    }
  }

  /** The first suspicion to end; Infinity for none. */
  condemnAt(): number {
    let at = Infinity;
    for (const member of this.#suspects()) at = Math.min(at, member.suspicion!.deadline());
    return at;
  }

  suspicions(): SuspicionView[] {
    return this.#suspects().map(({ agent, suspicion }) => ({
      agent,
      accusers: suspicion!.accusers,
      endsAt: suspicion!.deadline(),
    }));
  }

  postponeSuspicions(spanMs: number): void {
    for (const member of this.#suspects()) member.suspicion!.postpone(spanMs);
  }

  /** Forgets those gone for long and reviews flapping. */
  sweep(): void {
    const core = this.#core;
    for (const member of Array.from(core.table.values())) {
      if (member.flaps.review(core.now)) core.announce(member, member.state);
      const isOver = core.now - member.sinceAt >= core.parameters.rememberMs;
      if (isPresent(member.state) || !isOver || core.table.isKept(member.agent)) continue;
      core.table.forget(member);
      core.forgotten(member);
    }
  }

  #suspects(): Member[] {
    return Array.from(this.#suspected);
  }

  #asBelieved(claim: Claim, member: Member): Claim {
    if (claim.state === 'unreachable' && isPresent(member.state)) return { ...claim, state: 'suspect' };
    return claim;
  }

  #learn(claim: Claim): void {
    const core = this.#core;
    const isGone = !isPresent(claim.state);
    // Without details nobody could reach it; only a removal is worth keeping for its own sake.
    if (claim.details === null && claim.state !== 'removed') return;
    if (isGone && claim.ageSeconds * 1000 >= core.parameters.rememberMs) return;
    const member: Member = {
      agent: claim.agent,
      state: claim.state === 'suspect' ? 'alive' : claim.state,
      incarnation: claim.incarnation,
      details: claim.details ?? noDetails,
      detailsIncarnation: claim.incarnation,
      sinceAt: isGone ? core.now - claim.ageSeconds * 1000 : core.now,
      suspicion: null,
      roundTripMs: null,
      toldAt: -Infinity,
      refusedLife: null,
      flaps: new FlapScore(core.parameters),
    };
    const { refused, forgotten } = core.table.add(member);
    if (forgotten !== null) core.forgotten(forgotten);
    if (refused) {
      core.note({ what: 'table-full', agent: claim.agent });
      return;
    }
    if (isPresent(member.state)) core.order.insert(member.agent);
    core.spread(member);
    core.announce(member, null);
    if (claim.state === 'suspect') this.hear(claim);
  }

  /** The one transition of a known member. */
  #become(member: Member, claim: Claim): void {
    const core = this.#core;
    const before = member.state;
    const wasPresent = isPresent(before);
    member.incarnation = claim.incarnation;
    if (member.suspicion !== null) {
      this.#suspected.delete(member);
      member.suspicion = null;
    }
    if (claim.state === 'suspect') this.#suspect(member, claim);
    if (claim.state === 'unreachable' && wasPresent) member.flaps.add(flapWeights.unreachable, core.now);
    if (claim.state === 'alive' && before === 'suspect') member.flaps.add(flapWeights.refuted, core.now);
    const isSameAbsence = claim.state === before && !isPresent(before);
    core.table.setState(
      member,
      claim.state,
      isSameAbsence ? member.sinceAt : core.now - claim.ageSeconds * 1000,
    );
    if (isPresent(claim.state) && !wasPresent) core.order.insert(member.agent);
    this.#adoptDetails(member, claim, { quietly: true });
    member.flaps.review(core.now);
    core.spread(member);
    core.announce(member, before);
    if (before === 'suspect') this.#recallRefusal(member);
  }

  /**
   * A new incarnation may be the last word of a process that has died since. Whoever was refused by its host says so once
   * more; a new life is not blamed for the old one, and one that lives refutes again.
   */
  #recallRefusal(member: Member): void {
    const life = member.refusedLife;
    member.refusedLife = null;
    if (life === null || life !== member.details.instance) return;
    this.accuse(member.agent, true);
    member.refusedLife = null;
  }

  #suspect(member: Member, claim: Claim): void {
    const core = this.#core;
    const terms = suspicionTerms(core.parameters, {
      present: core.present + Number(!isPresent(member.state)),
      probeIntervalMs: core.probeIntervalMs,
    });
    member.suspicion = new Suspicion(terms, core.now);
    for (const accuser of claim.accusers)
      if (accuser.agent !== member.agent) member.suspicion.confirm(accuser);
    this.#suspected.add(member);
  }

  #sameStanding(member: Member, claim: Claim): void {
    if (member.suspicion === null) {
      // The earlier date of going is the truer one, and makes all forget together.
      if (!isPresent(member.state))
        member.sinceAt = Math.min(member.sinceAt, this.#core.now - claim.ageSeconds * 1000);
      return;
    }
    let isNews = false;
    for (const accuser of claim.accusers)
      if (accuser.agent !== member.agent) isNews = member.suspicion.confirm(accuser) || isNews;
    if (isNews) this.#core.spread(member);
  }

  #adoptDetails(member: Member, claim: Claim, { quietly = false } = {}): void {
    const core = this.#core;
    if (claim.details === null || claim.incarnation !== member.incarnation) return;
    if (member.detailsIncarnation === member.incarnation) return;
    if (member.details.instance !== claim.details.instance) member.flaps.add(flapWeights.restarted, core.now);
    member.details = claim.details;
    member.detailsIncarnation = claim.incarnation;
    if (quietly) return;
    core.spread(member);
    core.announce(member, member.state);
  }
}

const isAccusation = (claim: Claim): boolean => claim.state === 'suspect' || claim.state === 'unreachable';

function plainClaim(agent: AgentId, state: MemberState, incarnation: number): Claim {
  return { agent, state, incarnation, details: null, accusers: [], ageSeconds: 0 };
}
