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
