import type { AgentId } from './agent-id.ts';

/**
 * What is held of an agent. `unreachable` is an observation that the agent may refute; `left` is its own word; `removed`
 * is the decision of the site's consensus and final for its id.
 */
export type MemberState = 'alive' | 'suspect' | 'unreachable' | 'left' | 'removed';

/** What an agent says of itself. Only the agent makes it, and makes a new one under a new incarnation. */
export interface Details {
  /** host:port */
  readonly address: string;
  /** Drawn at start: tells two runs, or two agents wrongly given one id, apart. */
  readonly instance: number;
  /** Opaque here; upper rooms put their short facts into it. */
  readonly attributes: string;
}

/** Who finds an agent silent. `refused`: its host answered that nobody listens, which a slow or paused agent does not do. */
export interface Accuser {
  readonly agent: AgentId;
  readonly refused: boolean;
}

/** One sentence about an agent, as it travels. */
export interface Claim {
  readonly agent: AgentId;
  readonly state: MemberState;
  readonly incarnation: number;
  /** Those of this incarnation; null when the speaker does not have them, or leaves them out for brevity. */
  readonly details: Details | null;
  /** Of a suspect or unreachable agent: 1 … accusersMax; else empty. */
  readonly accusers: readonly Accuser[];
  /** Since the agent is gone, rounded up; 0 for alive and suspect. Lets all forget at the same time. */
  readonly ageSeconds: number;
}

const rank: Readonly<Record<MemberState, number>> = {
  alive: 0,
  suspect: 1,
  unreachable: 2,
  left: 3,
  removed: 4,
};

export interface Standing {
  readonly state: MemberState;
  readonly incarnation: number;
}

/**
 * The order that makes all views meet: removal first, then the higher incarnation, then the graver state. It is total, so
 * taking the greater of two is commutative, associative and idempotent, whatever the network does to the order of claims.
 */
export function compareStanding(a: Standing, b: Standing): number {
  const removal = Number(a.state === 'removed') - Number(b.state === 'removed');
  if (removal !== 0) return removal;
  return a.incarnation - b.incarnation || rank[a.state] - rank[b.state];
}

export const isPresent = (state: MemberState): boolean => state === 'alive' || state === 'suspect';
