import type { AgentId } from './agent-id.ts';
import type { Message } from './message.ts';

/** What may happen to the machine. Deadlines need no event of their own but `tick`: every step does what is due. */
export type SwimEvent =
  | { readonly kind: 'start' }
  /** `from` is proven by the link's certificate. */
  | { readonly kind: 'receive'; readonly from: AgentId; readonly message: Message }
  | { readonly kind: 'tick' }
  /** Addresses to join through, asked again while we know nobody. Replaces the earlier list. */
  | { readonly kind: 'join'; readonly seeds: readonly string[] }
  /** A control socket to that agent has come up: tables are compared at once. */
  | { readonly kind: 'link-up'; readonly agent: AgentId }
  /** A control socket broke. `refused`: a fresh dial was refused by a host that answers, so the process is gone. */
  | { readonly kind: 'link-lost'; readonly agent: AgentId; readonly refused: boolean }
  /** The consensus group's members: never forgotten, never removed by hearsay. Replaces the earlier list. */
  | { readonly kind: 'keep'; readonly agents: readonly AgentId[] }
  /** The consensus group has removed this agent for all time. */
  | { readonly kind: 'remove'; readonly agent: AgentId }
  /** Our own address or attributes changed. */
  | { readonly kind: 'describe'; readonly address: string; readonly attributes: string }
  /** Say goodbye, then fall silent (`departed`). */
  | { readonly kind: 'leave' };
