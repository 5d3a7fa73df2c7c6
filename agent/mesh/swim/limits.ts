import { KiB } from '../../base/units.ts';

/** Bounds of the room, each with its reason. */
export const limits = {
  /** A name printed on a label; also bounds every claim. */
  agentIdBytesMax: 64,
  /** A DNS name of 253 bytes with its port would not fit a label; sites use short names and addresses. */
  addressBytesMax: 128,
  /** What upper rooms let travel with an agent (uplink up, cost, roles): a handful of short fields. */
  attributesBytesMax: 256,
  /** A message is one frame on the control socket: ~7 ms on a 20 Mbit/s radio link. */
  messageBytesMax: 16 * KiB,
  /** Claims carried by ping, ack and gossip: what fits one Ethernet frame, so that cost does not follow the site's size. */
  gossipBytesMax: 1_400,
  /** A claim takes at least 4 bytes, so this is what a frame could hold at most, rounded down. */
  claimsPerMessageMax: 4_000,
  /** Agents known, gone ones included. A site is 50 agents; twenty times that is a mistake or an attack. */
  membersMax: 1_024,
  /** The first accuser and the confirmations that shorten a suspicion, with one to spare. */
  accusersMax: 4,
  /** Agents that spoke for themselves and have not yet answered our ping. */
  candidatesMax: 64,
  /** Pings sent on behalf of others: three helpers a probe, one probe a second and agent, short-lived. */
  relayedPingsMax: 256,
  /** Seeds of a config. */
  seedsMax: 64,
  /** Digest cells: 4 bytes each, 128 in a digest; one differing agent costs the exchange of 1/32 of the table. */
  digestCells: 32,
  /** Answers to digests in one second: a whole site joining through one seed, not a flood. */
  stateAnswersPerSecondMax: 128,
  /** Frames one answer may take: the whole table of `membersMax` average agents. */
  stateFramesMax: 16,
  /** Incarnations grow by one a refutation or restart: at one a second 2^40 lasts 34,000 years. */
  incarnationMax: 2 ** 40,
  /** Lifeguard's S: the probe interval is stretched at most eightfold. */
  healthMax: 7,
  /** Round trips remembered: the p99 of two minutes of probing. */
  roundTripsKept: 128,
  /** Seconds; ages beyond are not told apart. 136 years. */
  ageSecondsMax: 2 ** 32 - 1,
  /** How long a helper may be asked to wait for an ack: the longest stretched probe interval. */
  relayWaitMsMax: 32_000,
} as const;
