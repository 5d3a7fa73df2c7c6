import { KiB, MiB } from '../../base/units.ts';

/** Bounds of the room, each with its reason. Those that `RaftLimits` names are defaults and may be set per group. */
export const limits = {
  /** A change names each member at most once or twice, and a group has few. */
  changeStepsMax: 64,
  /** Control state is small by decree: what is larger belongs into a ledger, not into consensus. */
  entryBytesMax: 64 * KiB,
  /** A message holds the control socket for at most ~100 ms on a 20 Mbit/s radio link, well under an election timeout. */
  messageBytesMax: 256 * KiB,
  /** Unacknowledged appends to one member: bandwidth × delay of 1 MiB covers 100 Mbit/s at 80 ms. */
  inflightMessagesMax: 64,
  inflightBytesMax: MiB,
  /** Proposed and not committed: what a leader without a quorum may pile up. */
  uncommittedBytesMax: 4 * MiB,
  /** Handed to the state machine and not yet applied, in one Ready and in all that are on the way. */
  applyingBytesMax: MiB,
  /** In memory, not yet durable: a follower with a stalled disk takes no more, whatever the leader sends. */
  unstableBytesMax: 4 * MiB,
  /** After entries were passed over, until nearly all that was sent behind them has arrived: no more than one append a tick is refused. */
  refusalRationTicks: 2,
  /** Committed and not yet applied: a member that applies slower than the group commits makes the group wait. */
  unappliedEntriesMax: 8_192,
  /** Reads waiting for a quorum to confirm the leader; a heartbeat round confirms all at once. */
  readsPendingMax: 4_096,
  /** Messages waiting for the host to take the next Ready. Beyond it they are lost, as a network may lose them. */
  outboxMessagesMax: 65_536,
} as const;

/** Bounds of one group, in bytes and counts; Infinity lifts one. */
export interface RaftLimits {
  readonly entryBytesMax: number;
  readonly messageBytesMax: number;
  readonly inflightMessagesMax: number;
  /** ≥ messageBytesMax */
  readonly inflightBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly applyingBytesMax: number;
  readonly unstableBytesMax: number;
  readonly unappliedEntriesMax: number;
  readonly readsPendingMax: number;
  readonly outboxMessagesMax: number;
}
