import type { Entropy } from '../../ports/entropy.ts';
import { assert } from '../../base/assert.ts';
import type { AgentId } from './agent-id.ts';
import { isPresent, type Claim, type Details, type MemberState } from './claim.ts';
import type { FlapScore } from './flap-score.ts';
import { limits } from './limits.ts';
import type { Suspicion } from './suspicion.ts';

export interface Member {
  readonly agent: AgentId;
  state: MemberState;
  incarnation: number;
  details: Details;
  /** ≤ incarnation; lower while only an accusation of the newer incarnation has reached us. */
  detailsIncarnation: number;
  /** When `state` began, by our clock; for a gone agent, when it went. */
  sinceAt: number;
  /** Exactly while `state` is suspect. */
  suspicion: Suspicion | null;
  /** Smoothed; null before the first answer. */
  roundTripMs: number | null;
  /** When it was last told, outside an answer, what it is accused of. */
  toldAt: number;
  /** The life (instance) whose host refused us, until it was recalled once. */
  refusedLife: number | null;
  readonly flaps: FlapScore;
}

/** Everybody known but ourselves. Bounded: the longest gone make room, the present never do. */
export class MemberTable {
  readonly #byAgent = new Map<AgentId, Member>();
  /** The same members in an order without meaning, for drawing at random. */
  readonly #drawn: Member[] = [];
  readonly #keep = new Set<AgentId>();
  #present = 0;

  get size(): number {
    return this.#byAgent.size;
  }

  /** Alive or suspect, ourselves not counted. */
  get present(): number {
    return this.#present;
  }

  get(agent: AgentId): Member | undefined {
    return this.#byAgent.get(agent);
  }

  values(): IterableIterator<Member> {
    return this.#byAgent.values();
  }

  /** Those whose going is decided by consensus alone. */
  setKept(agents: Iterable<AgentId>): void {
    this.#keep.clear();
    for (const agent of agents) this.#keep.add(agent);
  }

  isKept(agent: AgentId): boolean {
    return this.#keep.has(agent);
  }

  /** The agent forgotten to make room, if one had to be; `refused` when all are present or kept. */
  add(member: Member): { readonly refused: boolean; readonly forgotten: Member | null } {
    assert(!this.#byAgent.has(member.agent), 'an agent is added once');
    let forgotten: Member | null = null;
    if (this.#byAgent.size >= limits.membersMax) {
      forgotten = this.#longestGone();
      if (forgotten === null) return { refused: true, forgotten };
      this.forget(forgotten);
    }
    this.#byAgent.set(member.agent, member);
    this.#drawn.push(member);
    this.#present += Number(isPresent(member.state));
    return { refused: false, forgotten };
  }

  forget(member: Member): void {
    this.#byAgent.delete(member.agent);
    this.#drawn.splice(this.#drawn.indexOf(member), 1);
    this.#present -= Number(isPresent(member.state));
  }

  setState(member: Member, state: MemberState, sinceAt: number): void {
    this.#present += Number(isPresent(state)) - Number(isPresent(member.state));
    member.state = state;
    member.sinceAt = sinceAt;
  }

  /** Up to `count` different members that are eligible, each set of them equally likely. */
  draw(count: number, entropy: Entropy, isEligible: (member: Member) => boolean): Member[] {
    const picked: Member[] = [];
    const drawn = this.#drawn;
    for (let i = 0; i < drawn.length && picked.length < count; i++) {
      const j = i + Math.floor(entropy.float() * (drawn.length - i));
      [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!];
      const member = drawn[i]!;
      if (isEligible(member)) picked.push(member);
    }
    return picked;
  }

  #longestGone(): Member | null {
    let longest: Member | null = null;
    for (const member of this.#byAgent.values()) {
      if (isPresent(member.state) || this.#keep.has(member.agent)) continue;
      if (longest === null || member.sinceAt < longest.sinceAt) longest = member;
    }
    return longest;
  }
}

/** What we say of a member to others, with its details where we have those of its incarnation. */
export function claimOf(member: Member, now: number): Claim {
  const isGone = !isPresent(member.state);
  return {
    agent: member.agent,
    state: member.state,
    incarnation: member.incarnation,
    details: member.detailsIncarnation === member.incarnation ? member.details : null,
    accusers: member.state === 'suspect' ? (member.suspicion?.accusers ?? []) : [],
    ageSeconds: isGone
      ? Math.min(limits.ageSecondsMax, Math.ceil(Math.max(0, now - member.sinceAt) / 1000))
      : 0,
  };
}
