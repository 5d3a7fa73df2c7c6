import { GiB } from '../../base/units.ts';

/** Bounds of a drill; each with its reason. */
export const limits = {
  /** One byte a message is kept at both ends, and every reading once on disk. */
  messagesMax: 4_000_000,
  killsMax: 100,
  /**
   * Publishes under way. Below the packet ids that the embedded broker remembers of one client, so that everything sent
   * again after a kill can be recognised.
   */
  window: 500,
  /** How often the drill looks at the publisher: the grain of the instant of a kill. */
  lookMs: 2,
  /** How often it asks the agent and reads what the receiver wrote. */
  askMs: 100,
  /** Nothing moves for so long: the drill ends and says so. Longer than every pause the agent makes by itself here. */
  stalledMs: 60_000,
  /** Nothing moves for so long, with nothing missing: nothing comes any more that would be a duplicate. */
  quietMs: 1_000,
  /** The same while something is missing: what comes again after a broken connection has come by then. */
  quietMissingMs: 5_000,
  /** Longest random wait between reaching a count and the kill: several commits of a fast disk. */
  killDelayMsMax: 20,
  /** The disk of a power cut. Sparse: it takes what is written. */
  diskBytes: 2 * GiB,
} as const;
