import { MiB } from '../base/units.ts';

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
  /** Topics with a retained message; further ones are not retained. */
  retained: 10_000,
  /** Sessions of clients that left; the oldest goes first. */
  sessions: 10_000,
  /** MQTT lets a client be silent for one and a half times its keep-alive (3.1.1, §3.1.2.10). */
  keepAliveFactor: 1.5,
} as const;
