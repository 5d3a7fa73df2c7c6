/** Bounds of the reading room, each with its reason. Decoded memory per payload byte: see README.md. */

/**
 * A payload is held several times over while it is parsed; MQTT itself would allow 256 MiB. Common clouds stop at 128 to 256 KiB. Where
 * a stream says otherwise (`max_payload`) its word counts; of NDJSON this bounds a line.
 */
export const payloadBytesLimit = 512 * 1024;
/** What `max_payload` may be set to: decoding takes up to 44 times as much memory for a moment. */
export const maxPayloadMost = 4 * 1024 * 1024;
/** An NDJSON payload is parsed line by line: only its bytes and its readings are there as a whole. */
export const ndjsonPayloadBytesLimit = 16 * 1024 * 1024;
/** Nesting of objects and arrays. Sensor payloads have 2 to 5; deeper is an attack on the stack. */
export const depthLimit = 16;
/** Values of one reading. Below the builder's columns, so that a reading always fits an empty builder. */
export const fieldsPerReadingLimit = 512;
/** Readings of one message. With the columns of a builder this bounds what a message can make it reserve. */
export const readingsPerMessageLimit = 4096;
/** The same of an NDJSON payload, a shift's worth of a logger; {@link cellsPerBatchLimit} bounds what they reserve. */
export const readingsPerNdjsonLimit = 100_000;
export const valuesPerNdjsonLimit = 2_097_152;
/** Readings times columns of a batch that a message may fill: 32 MiB of numbers. Columns are dense, whatever the lines leave out. */
export const cellsPerBatchLimit = 4_194_304;
/** Values of one message, with those shared by an array of readings counted once a reading: 2 MiB of doubles. */
export const valuesPerMessageLimit = 262_144;
/** Arrays, maps and byte strings of a CBOR payload: one byte each there, up to 200 in memory. Four a reading. */
export const cborObjectsLimit = 16_384;
/** UTF-16 units of one text value. Longer texts are files, not readings. */
export const textLengthLimit = 262_144;
/** UTF-16 units of a field name after flattening. */
export const nameLengthLimit = 256;
/** Items up to which an array becomes `a.0`, `a.1` …; a longer one (a waveform) is kept as one JSON text. */
export const arrayItemsLimit = 32;
/** Digits of an integer kept exactly: 128 bits have 39. */
export const integerDigitsLimit = 40;
/** UTF-16 units of a tag value: tags are repeated in every line an uplink sends. */
export const tagValueLengthLimit = 512;
/** UTF-16 units of the text that says why a payload was refused; it is logged. */
export const detailLengthLimit = 200;
/** Names joined of nested keys that a decoder remembers, so that equal names are one string. */
export const joinedNamesLimit = 4096;
/** Field names whose roles a decoder remembers: the devices of a stream may each have their own. */
export const knownRolesLimit = 4096;
/** Positions at which a decoder remembers the last name seen: one reading's fields, with shared ones. */
export const nameHintsLimit = 1024;

/** UTF-8 bytes of a topic or filter (MQTT 5 §1.5.4). */
export const topicBytesLimit = 65_535;
/** Topics whose routes are remembered: a large site has some ten thousand. */
export const topicCacheLimit = 16_384;
/** UTF-16 units of a topic worth remembering; with the limit above, the cache's text stays under 16 MiB at the very worst. */
export const cachedTopicLengthLimit = 512;
/** Sets of tags remembered by one table. */
export const tagSetsLimit = 8192;
/** UTF-16 units of all keys remembered by one table, of each of its two kinds. */
export const tagTextLimit = 4 * 1024 * 1024;
/** UTF-16 units of measurement and tags of an Influx line. */
export const influxHeadLengthLimit = 8192;

/**
 * Largest magnitude of a time that a payload may bring, microseconds: years 1716 to 2223. Thirty-one years below what is exact, so that whatever stages and
 * summaries reckon around it (windows and gaps of a year, sketches of 256 days) is exact too.
 */
export const payloadMicrosLimit = 8e15;
/** UTF-16 units of a text holding a time: RFC 3339 with nine digits has 35; zeros may follow. */
export const timeTextLengthLimit = 64;

/** Payload bytes kept with a dead letter: enough to see what was wrong. */
export const deadLetterPayloadBytesLimit = 1024;
/** Reasons counted apart; further ones are counted together. */
export const deadLetterReasonsLimit = 64;
/** UTF-16 units of a dead letter's topic. */
export const deadLetterTopicLengthLimit = 512;

/** UTF-16 units of one NDJSON line that a receiver accepts: the values of one reading, escaped. */
export const ndjsonLineLengthLimit = 4 * 1024 * 1024;
/** Lines of one NDJSON body that a receiver accepts. */
export const ndjsonLinesLimit = 100_000;
/** Values, and tags, of one reading that a receiver accepts: the columns of a batch. */
export const fieldsPerBatchLimit = 1024;
