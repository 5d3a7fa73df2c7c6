import { KiB, MiB } from '../base/units.ts';

/** Bounds of the reference receiver; each with its reason. */
export const receiverLimits = {
  /** Body of one request as it arrives, and after decompression: memory of one request. */
  bodyBytesMax: 16 * MiB,
  inflatedBytesMax: 64 * MiB,
  /** One NDJSON line. */
  lineBytesMax: 1 * MiB,
  /** Streams told apart; beyond it new ones are refused, so that made-up names cannot fill the memory. */
  streamsMax: 100_000,
  /** Separate runs of offsets kept per stream: 16 bytes each. An agent leaves at most 64 holes under way, and one for every loss. */
  rangesMax: 100_000,
  nameLengthMax: 1_024,
  /** Gaps listed per stream in the summary; all are counted. */
  gapsListedMax: 100,
  /** Requests that may wait for one commit; beyond it the answer is 503. */
  pendingMax: 4_096,
  /** One file of readings. */
  fileBytesMax: 256 * MiB,
  /** Appended bytes after which the index is written anew: what a restart has to read again at most. */
  indexEveryBytes: 64 * MiB,
  /** Refused readings named in one answer. */
  refusedListedMax: 10_000,
  answerBytesMax: 64 * KiB,
} as const;
