import { KiB, MiB } from '../base/units.ts';

/** Bounds of the ingest room; each with its reason. */
export const limits = {
  /**
   * Payload bytes taken in but not yet settled, over all sources. Sixteen mebibytes are a quarter of a second of a very
   * fast source and a tenth of the memory ceiling; above it every source is paused.
   */
  intakeBytes: 16 * MiB,
  /** The same for one inlet (a client source, one connection of the embedded broker), so that one cannot take it all. */
  inletBytes: 4 * MiB,
  /** What an arrival costs beside its payload: the object, its topic, its queue slots. Measured at about 200 bytes. */
  arrivalOverheadBytes: 256,
  /** Streams that feed each other in a row, each by a stage of the one before. The configuration refuses longer ones. */
  derivedDepth: 8,
  /** Arrivals of one append: some 5 ms of decoding, so that the event loop stays responsive. */
  groupArrivals: 2_048,
  /** Payload bytes of one append. */
  groupBytes: 1 * MiB,
  /**
   * Credit of what waits from which on a group is made while another is being stored: some 250 small messages, a journal row whose own
   * cost does not count any more.
   */
  groupBytesMin: 128 * KiB,
  /** Behind a commit that takes longer than this the next group is made all the same: half of a latency budget of 20 ms. */
  groupPatienceMs: 10,
  /** Messages come fast from so many a millisecond on; below, waiting for more saves less than it delays. */
  fastArrivalsPerMs: 8,
  /** Then a group may grow for so many steps: 4 ms in all, of a latency budget of 20. */
  groupGrowthSteps: 4,
  groupGrowthStepMs: 1,
  /** Arrivals taken from one inlet before the next one has its turn. */
  inletTurnArrivals: 128,
  /** Appends the store works on at once: one is being synced, one waits behind it, one is on its way there, one is being built. */
  appendsInFlight: 4,
  /** First wait before a refused append is tried again; doubles up to the maximum. */
  appendRetryMsMin: 100,
  /** A freed disk is noticed within this time even when nobody tells. */
  appendRetryMsMax: 5_000,

  /** Bytes of one MQTT packet. The protocol allows 256 MiB; a sensor that sends this much sends files. */
  mqttPacketBytes: 1 * MiB,
  /** MQTT 5 allows 1 … 65,535. */
  receiveMaximumMax: 65_535,
  /** Where MQTT 3.1.1 has no Receive Maximum, and behind brokers that overshoot it, the socket is paused at this multiple. */
  overshootFactor: 2,
  /** A connection that lasted this long counts as good: the next loss starts at the shortest wait again. */
  connectionGoodMs: 30_000,
  /** Filters of one SUBSCRIBE packet: brokers bound its size. */
  filtersPerSubscribe: 256,

  /** Unsettled bytes of one client of the embedded broker: one sensor must not take the credit of all. */
  brokerClientBytes: 512 * KiB,
  /** MQTT packet ids are 1 … 65,535. */
  packetIds: 65_535,
  /**
   * Messages of one client source that are recognised when they come again, four times all packet ids: mosquitto 2.0 was seen to
   * send 84,000 at once to a resumed session, whatever the Receive Maximum. Takes 17 bytes a message, as far as there were any.
   */
  sourceMarks: 262_144,
  /** The same of one client of the embedded broker. */
  brokerClientMarks: 512,
  /** Senders whose marks are remembered; the longest unused is read from the store again. */
  markedSenders: 2_000,

  /** HTTP requests being read or waiting for their commit. */
  httpRequests: 256,
  /**
   * A body from this length on is looked through for a reading too large to be stored: a quarter of what the store takes, as decoded text is at
   * most three times its payload (bad bytes become U+FFFD) and a reading has at most 512 numbers.
   */
  weighedBytesMin: 64 * KiB,
  /** Bodies being read or inflated, of all HTTP doors together: as much again as the intake's own credit. */
  httpBodiesBytes: 16 * MiB,
  /** Bodies up to this length do not wait for larger ones: all requests at a time with such a body are `httpBodiesBytes`. */
  httpSmallBodyBytes: 64 * KiB,
  /** A body that finds no room is told to come again after this; until then it waits unread. */
  httpBodyWaitMs: 10_000,
  /** A request whose commit does not come within this time is told to come again; it may then be stored twice. */
  httpCommitMs: 30_000,
  /** What `Retry-After` says when credit is exhausted: about the time the disk needs for everything in flight. */
  httpRetryAfterSeconds: 2,

  /** Bytes of one line of a replayed file. */
  replayLineBytes: 1 * MiB,
  /** Lines read ahead of their time. */
  replayLinesAhead: 256,
  /** Readings times columns of one batch, 8 MiB of numbers: columns are dense, whatever the payloads leave out. */
  batchCells: 1_048_576,

  /** A device this far ahead of a trusted clock has a wrong one: its drift and the way here are seconds. */
  deviceAheadMicrosMax: 600_000_000,
  /** A device may keep readings for months before it is heard; a year is a clock that was never set. */
  deviceBehindMicrosMax: 31_536_000_000_000,
} as const;
