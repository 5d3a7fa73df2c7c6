import { MiB, hour, millis, minute, second } from '../base/units.ts';

/** Bounds of the room; each with its reason. */
export const uplinkLimits = {
  /** Settled ranges above the base the plan lets one stream have. The store keeps at most 64; four are spared for ranges the store counts apart after a loss on disk. */
  settledRangesMax: 60,
  /** Weight of a stream is 2^priority: priority 9 gets 512 times the share of priority 0, and priority 0 still its share. */
  priorityMax: 9,
  /** Live picks in a row before one backlog pick, when both wait: the backlog drains even when live data alone would fill the link. */
  livePicksInRow: 15,
  /** Readings of one batch. Above this a batch outgrows every default body limit of common receivers. */
  batchReadingsMax: 10_000,
  /** Encoded bytes of one batch, before compression: common reverse proxies take 1 MiB. */
  batchBytes: 1 * MiB,
  /** Reads made to fill one batch: journal rows may be as small as one reading. */
  readsPerBatchMax: 10_000,
  /** Batches on the way at once. Each holds its encoded bytes in memory: 16 MiB at worst. */
  inFlightMax: 16,
  inFlightDefault: 4,
  /** Halvings of the batch size after 413; 2^14 exceeds the largest batch. */
  halvingsMax: 14,
  /** Batches taken in a row before a halved batch size is doubled again. */
  takenBeforeDoubling: 16,
  /** Failures in a row after which the link counts as down. Ten per cent random 503s reach five in a row once in 100,000 sends. */
  failuresToOpen: 5,
  /** Wholly refused batches in a row, with none taken between, after which the link pauses: a wrong address must not feed the whole backlog to the dead-letter stream. */
  refusalsToOpen: 5,
  backoffMsMin: millis(500),
  backoffMsMax: minute,
  /** Shortest pause full jitter may choose; 0 would be a busy loop. */
  backoffMsFloor: millis(50),
  /** A server may not silence us for longer with Retry-After. */
  retryAfterMsMax: hour,
  /** Least time between two backlog queries while readings keep coming: each asks the disk thread. */
  refreshMsMin: millis(20),
  /** Most time between two backlog queries: figures of status and drops by retention. */
  refreshMsMax: millis(5_000),
  /** Pause before a settlement the disk did not take is tried again. */
  settleRetryMs: second,
  /** Pause after the store failed to answer. */
  storeRetryMs: second,
  /** Characters of a receiver's words kept in the dead-letter stream and in logs. */
  wordsLengthMax: 200,
  /** Bytes of an answer's body that are kept: room for a refusal of every reading of the largest batch. */
  answerBytesMax: 2 * MiB,
  /** Bodies below this are sent uncompressed: the headers weigh more. */
  compressBytesMin: 512,
  requestTimeoutMs: millis(30_000),
  /** Time in-flight sends get to end when the uplink stops. */
  stopGraceMs: millis(5_000),
  /** The clock stepped back: how long the budget day is stretched until the new date is believed. */
  budgetStretchMs: millis(24 * 3_600_000),
} as const;
