import type { AgentId } from './agent-id.ts';
import type { Claim } from './claim.ts';

/** Who sent a message is known from the link it came by (the certificate), never from its bytes. */
export type Message =
  /** Answer with `ack` at once. */
  | { readonly kind: 'ping'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** Ping `target` for me; `ack` when it answers, `nack` when it has not within `waitMs`. */
  | {
      readonly kind: 'ping-request';
      readonly sequence: number;
      readonly target: AgentId;
      readonly waitMs: number;
      readonly claims: readonly Claim[];
    }
  | { readonly kind: 'ack'; readonly sequence: number; readonly claims: readonly Claim[] }
  /** I am well, the target is silent: tells the asker that its own links work. */
  | { readonly kind: 'nack'; readonly sequence: number; readonly claims: readonly Claim[] }
  | { readonly kind: 'gossip'; readonly claims: readonly Claim[] }
  /** My whole table as `digestCells` hashes; the first claim is the sender's own. Joining is sending this to a seed. */
  | { readonly kind: 'digest'; readonly cells: readonly number[]; readonly claims: readonly Claim[] }
  /** What I hold of the cells named by the bits of `cells` (complete), with `answer` please tell me what you hold better. */
  | {
      readonly kind: 'state';
      readonly cells: number;
      readonly answer: boolean;
      readonly claims: readonly Claim[];
    };

/** Control: small, never behind bulk. Bulk: the second socket to the same agent, tried when the first stays silent. */
export type Lane = 'control' | 'bulk';
