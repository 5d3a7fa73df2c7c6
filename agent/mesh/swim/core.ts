import type { Entropy } from '../../ports/entropy.ts';
import type { AgentId } from './agent-id.ts';
import { isPresent, type Claim, type Details, type MemberState } from './claim.ts';
import { Dissemination } from './dissemination.ts';
import type { MemberView, SwimEffect, SwimNote } from './effect.ts';
import { limits } from './limits.ts';
import { LocalHealth } from './local-health.ts';
import { claimOf, MemberTable, type Member } from './member-table.ts';
import type { Lane, Message } from './message.ts';
import type { SwimParameters } from './parameters.ts';
import { ProbeOrder } from './probe-order.ts';
import { RoundTrips } from './round-trips.ts';

/** running: takes part. leaving: spreads its goodbye. silent: departed, removed, or not yet started. */
export type Phase = 'running' | 'leaving' | 'silent';

export interface SwimOptions {
  readonly self: AgentId;
  readonly address: string;
  readonly attributes: string;
  readonly seeds: readonly string[];
  /** The last persisted ceiling of this id; 0 on a first start. */
  readonly incarnationCeiling: number;
  readonly parameters: SwimParameters;
  readonly entropy: Entropy;
}

/** What all concerns of the machine share. Only this room sees it. */
export class Core {
  readonly self: AgentId;
  readonly parameters: SwimParameters;
  readonly entropy: Entropy;
  readonly table = new MemberTable();
  readonly dissemination = new Dissemination();
  readonly health = new LocalHealth();
  readonly roundTrips = new RoundTrips();
  readonly order: ProbeOrder;
  /** Of the step under way; never goes back. */
  now = -Infinity;
  phase: Phase = 'silent';
  incarnation: number;
  /** Incarnations up to this one are reserved on disk. ≥ incarnation once started */
  incarnationCeiling: number;
  details: Details;
  seeds: readonly string[];
  #sequence: number;
  #effects: SwimEffect[] = [];

  constructor(options: SwimOptions) {
    this.self = options.self;
    this.parameters = options.parameters;
    this.entropy = options.entropy;
    this.order = new ProbeOrder(options.entropy);
    this.incarnation = options.incarnationCeiling;
    this.incarnationCeiling = options.incarnationCeiling;
    this.details = {
      address: options.address,
      instance: options.entropy.uint32(),
      attributes: options.attributes,
    };
    this.seeds = options.seeds;
    this.#sequence = options.entropy.uint32();
  }

  /** Ourselves and those alive or suspect. */
  get present(): number {
    return this.table.present + 1;
  }

  /** What a probe waits for a direct answer: at least the configured time, more where round trips are long. */
  get probeTimeoutMs(): number {
    const { probeTimeoutMs, probeTimeoutMsMax } = this.parameters;
    return Math.min(probeTimeoutMsMax, Math.max(probeTimeoutMs, 1.5 * this.roundTrips.p99Ms));
  }

  /** Before local health stretches it. */
  get probeIntervalMs(): number {
    return Math.max(this.parameters.probeIntervalMs, 2 * this.probeTimeoutMs);
  }

  /** The logarithm alone would leave a site of nine with half of what one of ten needs: one news in twenty late, at 30 % loss. */
  get transmitsMax(): number {
    const { retransmitMultiplier } = this.parameters;
    return retransmitMultiplier * Math.max(2, Math.ceil(Math.log10(this.present + 1)));
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  takeEffects(): SwimEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  send(
    to: { readonly agent: AgentId | null; readonly address: string | null; readonly lane?: Lane },
    message: Message,
  ): void {
    const { agent, address, lane = 'control' } = to;
    this.#effects.push({ kind: 'send', to: agent, address, lane, message });
  }

  persist(incarnationCeiling: number): void {
    this.incarnationCeiling = incarnationCeiling;
    this.#effects.push({ kind: 'persist', incarnationCeiling });
  }

  note(note: SwimNote): void {
    this.#effects.push({ kind: 'note', note });
  }

  announce(member: Member, before: MemberState | null): void {
    this.#effects.push({ kind: 'member', member: viewOf(member), before });
  }

  forgotten(member: Member): void {
    this.dissemination.drop(member.agent);
    this.#effects.push({ kind: 'forgotten', agent: member.agent, state: member.state });
  }

  departed(): void {
    this.phase = 'silent';
    this.#effects.push({ kind: 'departed' });
  }

  /** Where an agent is reached; null when only a link it opened itself can carry an answer. */
  addressOf(agent: AgentId): string | null {
    const address = this.table.get(agent)?.details.address;
    return address === undefined || address === '' ? null : address;
  }

  ownClaim(): Claim {
    return {
      agent: this.self,
      state: this.phase === 'leaving' ? 'left' : 'alive',
      incarnation: this.incarnation,
      details: this.details,
      accusers: [],
      ageSeconds: 0,
    };
  }

  /**
   * News to go along with a message. What the receiver itself is accused of comes first, so that whoever hears from us can
   * defend itself (Lifeguard's buddy system, for every message and not for pings alone).
   */
  claimsFor(agent: AgentId | null, first: readonly Claim[] = []): Claim[] {
    const claims = [...first];
    if (agent !== null) claims.push(...this.accusationOf(agent));
    claims.push(...this.dissemination.take(limits.gossipBytesMax, this.transmitsMax));
    return claims;
  }

  /** What that agent has to defend itself against: at most one claim. */
  accusationOf(agent: AgentId): Claim[] {
    const member = this.table.get(agent);
    return member === undefined || member.state === 'alive' ? [] : [this.claimAbout(member)];
  }

  /** With an accuser where the state needs one: who saw an unreachable agent go is not kept, so we answer for it. */
  claimAbout(member: Member): Claim {
    const claim = claimOf(member, this.now);
    if (member.state !== 'unreachable') return claim;
    return { ...claim, accusers: [{ agent: this.self, refused: false }] };
  }

  spread(member: Member): void {
    this.dissemination.put(this.claimAbout(member));
  }
}

export function viewOf(member: Member): MemberView {
  return {
    agent: member.agent,
    state: member.state,
    incarnation: member.incarnation,
    address: member.details.address,
    instance: member.details.instance,
    attributes: member.details.attributes,
    isFlapping: isPresent(member.state) && member.flaps.isFlapping,
    roundTripMs: member.roundTripMs,
    sinceAt: member.sinceAt,
  };
}
