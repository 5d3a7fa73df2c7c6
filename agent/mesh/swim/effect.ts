import type { AgentId } from './agent-id.ts';
import type { Accuser, MemberState } from './claim.ts';
import type { Lane, Message } from './message.ts';

/** To be carried out in order: a send that follows a persist leaves after that write is durable. */
export type SwimEffect =
  /** Before this write is durable no incarnation above the last persisted ceiling has been sent. */
  | { readonly kind: 'persist'; readonly incarnationCeiling: number }
  /** `to` null: whoever listens at `address` (a seed). `address` null: over the link the agent came by. May be lost. */
  | {
      readonly kind: 'send';
      readonly to: AgentId | null;
      readonly address: string | null;
      readonly lane: Lane;
      readonly message: Message;
    }
  /** A member's state, details or flapping changed; `before` null: it is new. */
  | { readonly kind: 'member'; readonly member: MemberView; readonly before: MemberState | null }
  | { readonly kind: 'forgotten'; readonly agent: AgentId; readonly state: MemberState }
  /** Our goodbye has been spread; the host may close. */
  | { readonly kind: 'departed' }
  | { readonly kind: 'note'; readonly note: SwimNote };

/** What an operator may want to count or read; changes nothing. */
export type SwimNote =
  | { readonly what: 'refuted'; readonly accusedAs: MemberState; readonly incarnation: number }
  /** Somebody else speaks under our id, or our disk forgot an earlier life. */
  | { readonly what: 'id-in-use'; readonly incarnation: number }
  | { readonly what: 'incarnation-exhausted' }
  /** We stood still: a stalled event loop, SIGSTOP, a suspended machine. */
  | { readonly what: 'paused'; readonly spanMs: number }
  | { readonly what: 'probe-failed'; readonly agent: AgentId; readonly missingNacks: number }
  | { readonly what: 'table-full'; readonly agent: AgentId }
  /** It can speak to us and did not answer us: a one-way link, or a wrong address. */
  | { readonly what: 'not-admitted'; readonly agent: AgentId; readonly address: string }
  /** The site has removed us for all time. */
  | { readonly what: 'removed-ourselves' };

/** Under way: who finds the agent silent, and when it is held unreachable if it does not speak, on the machine's clock. */
export interface SuspicionView {
  readonly agent: AgentId;
  readonly accusers: readonly Accuser[];
  readonly endsAt: number;
}

export interface MemberView {
  readonly agent: AgentId;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly address: string;
  readonly instance: number;
  readonly attributes: string;
  /** Alive now, but too often not of late: pick others to lead, relay or keep copies. */
  readonly isFlapping: boolean;
  readonly roundTripMs: number | null;
  /** When the state began, on the machine's clock. */
  readonly sinceAt: number;
}
