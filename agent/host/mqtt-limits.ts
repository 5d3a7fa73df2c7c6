import { KiB, MiB } from '../base/units.ts';

/** Bounds of the MQTT connections; what a message costs further in is the ingest room's. */
export const mqttLimits = {
  /** Distinct topics whose text is kept, direct-mapped; a power of two. */
  topicTexts: 4_096,
  /** A topic longer than this is decoded each time. The protocol allows 65,535 bytes. */
  topicTextBytes: 256,
  /** Acknowledgements waiting for a socket that takes none: beyond it the peer is not reading and the connection ends. */
  acknowledgementBytes: 1 * MiB,
  /** From our DISCONNECT until the socket is destroyed. */
  closeGraceMs: 2_000,
} as const;

/** Bounds of the embedded broker. */
export const brokerLimits = {
  /** A longer client id is refused; the protocol allows 65,535 bytes. */
  clientIdChars: 256,
  /** How often silent clients and expired sessions are looked for. */
  sweepMs: 1_000,
  /** A subscriber that takes nothing for so long is disconnected. */
  drainMs: 10_000,
  /** Messages on their way to subscribers; above it subscribers miss messages, because taking in must not wait for them. */
  forwards: 4_096,
  /** Messages that wait because an MQTT 5 client's Receive Maximum is used up; above it the client is cut off. */
  heldBytes: 4 * MiB,
  /** Topics with a retained message; further ones are not retained. */
  retained: 10_000,
  /** Retained messages together; beyond it a new topic is not retained. */
  retainedBytes: 4 * MiB,
  /** Sessions of clients that left; the oldest goes first. */
  sessions: 10_000,
  /** Messages kept for one session; its oldest goes first. Beside it stands the option on their number. */
  sessionQueueBytes: 4 * MiB,
  /** Messages kept for all sessions; the oldest of all goes first. All of them are in memory, a tenth of the agent's ceiling. */
  queuesBytes: 16 * MiB,
  /** A longer topic filter is refused (SUBACK 0x80); the protocol allows 65,535 bytes. */
  filterChars: 1_024,
  /** Filters of one client; further ones are refused. */
  filters: 1_000,
  /** Filters of all sessions together; beyond it further ones are refused. */
  filtersBytes: 4 * MiB,
  /** Levels of a topic that reaches subscribers; aedes' matcher takes no more. */
  topicLevels: 100,
  /** Last wills of more clients are not kept over a crash. */
  wills: 10_000,
  /** Changes nobody waits for (who left, what a subscriber acknowledged) reach the disk within this time, many in one write. */
  sessionLazyMs: 1_000,
  /** A smaller log of the sessions is not written anew. */
  sessionLogBytesMin: 1 * MiB,
  /** Bytes of a new log made at a time: about a millisecond of the event loop. */
  sessionPieceBytes: 256 * KiB,
  /** Wait before a log that could not be written is tried again; doubles. */
  sessionRetryMsMin: 1_000,
  sessionRetryMsMax: 60_000,
  /** After a crash a client has this long to come back before its last will is published. */
  willGraceMs: 30_000,
  /** MQTT lets a client be silent for one and a half times its keep-alive (3.1.1, §3.1.2.10). */
  keepAliveFactor: 1.5,
} as const;
