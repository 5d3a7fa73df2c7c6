import { KiB, MiB, millis, minute, second } from '../base/units.ts';

/** Bounds of the room, each with its reason. */
export const limits = {
  /** A dashboard, a scraper, a few CLI calls; far below the descriptor limit of a service. */
  connections: 64,
  /**
   * Requests being answered at once, of each kind: reading ones, and writing ones, which wait for a commit. One more is told
   * to come again. Two kinds, so that status still answers while a full buffer makes every writer wait.
   */
  requestsInFlight: 32,
  /** Seconds told to a request that came too many. */
  retryAfterSeconds: 1,
  headerBytes: 16 * KiB,
  headers: 64,
  headersMs: 10 * second,
  /** A body over a slow radio link still arrives. */
  requestMs: 1 * minute,
  idleMs: 10 * second,
  stalledMs: 30 * second,

  /** Characters of a request's path. */
  pathChars: 1_024,
  /** Readings of one tail answer; more is what export is for. */
  tailReadings: 1_000,
  tailReadingsDefault: 20,

  /** Open live taps of all clients together. */
  taps: 16,
  /** Streams of one tap. */
  tapStreams: 64,
  /** Bytes one tap may have waiting; beyond it the reader is too slow and is closed with a notice. */
  tapBacklogBytes: 1 * MiB,
  liveMessageBytes: 4 * KiB,
  livePingMs: 30 * second,

  /** A status answer younger than this is given again: a page that polls must not make the agent count. */
  statusFreshMs: millis(250),
} as const;
