import { KiB, MiB } from '../base/units.ts';

/** SQLite's page. 4 KiB is the sector of flash and the unit of the kernel's page cache. */
export const pageBytes = 4 * KiB;
/** A WAL frame is a page and its 24-byte header. */
export const walFrameBytes = pageBytes + 24;
/** Smallest byte cap that still leaves room for WAL, reserve and a useful buffer. */
export const sizeBytesMin = 2 * MiB;
/** Start-up replays the WAL; 16 MiB is read in under a second from the slowest card. */
export const walBytesMax = 16 * MiB;
export const walBytesMin = 512 * KiB;
/** Given back to the device when deleting fails for want of room. */
export const reserveBytesMax = 4 * MiB;
export const reserveBytesMin = 64 * KiB;

/** Streams an agent may hold; each costs about 1 KiB of memory and three rows. */
export const streamsMax = 4_096;
export const uplinksMax = 64;
/** Settled ranges above the base of one cursor: what `order: live_first` may leave open at once. */
export const settledRangesMax = 64;

/** A larger encoded row is cut in two before it is sent to the disk thread: bounds what one damaged row can cost. */
export const rowBytesMax = 256 * KiB;
/** A single reading beyond this can not be stored; it is accounted as filtered by rule `oversize`. */
export const readingBytesMax = 256 * KiB;
/** Requests the disk thread takes into one transaction. */
export const groupRequestsMax = 4_096;
/** Reads answered between two commits, so that a hungry uplink can not starve acknowledgements. */
export const groupReadsMax = 16;
/** Requests waiting for the disk thread; the client holds no more, callers wait. */
export const requestsInFlightMax = 65_536;

/** Journal rows of all streams in memory (about 100 bytes each); above it the fullest stream is sealed early. */
export const journalRowsMax = 65_536;
/** Journal bytes of all streams above which sealing goes before the next commit. */
export const journalBytesMax = 32 * MiB;
/** Readings and encoded bytes that make a stream due for sealing. */
export const sealReadingsDefault = 4_096;
export const sealBytesDefault = 256 * KiB;
export const sealAgeMillisDefault = 60_000;
/** Sealing by age pays only when a block saves more than its own header and rows cost. */
export const sealAgeReadingsMin = 256;
/** Values one step of sealing goes through: some milliseconds of a small computer, in which no commit can begin. */
export const sealStepCellsDefault = 8_192;
/** Journal bytes taken into one block: bounds the length of a sealing slice. */
export const sealSliceBytesMax = 1 * MiB;

/** A stream is looked through for small blocks to join once so many were sealed. */
export const blocksUnjoinedMin = 4;
/** Blocks looked at in one step of joining, and joined at most: bounds a step. */
export const compactWindowBlocks = 64;
/** Of a full block, below which one is tiny; so many tiny neighbours are joined without waiting for a full block. */
export const tinyBlockShare = 1 / 16;
export const tinyBlocksJoined = 16;
/** Between two steps: joining takes no more than a fifth of the disk thread, and waits after a failure. */
export const compactPauseMillis = 100;
export const compactRetryMillis = 60_000;

/** Of the pages, what the ladder keeps free: room for what arrives while it works. */
export const ladderShareDefault = 1 / 16;
/** Raw readings rewritten by one step: some ten milliseconds. */
export const coarsenReadingsMax = 8_192;
/** Blocks joined by one step. */
export const coarsenBlocksMax = 16;
/** Of what a step reads, the part it must save to be worth its writes. */
export const coarsenSavingMin = 0.3;
/** A coarse block takes no further rows beyond these: what reading and rewriting one costs. */
export const coarseBlockBytesMax = 128 * KiB;
export const coarseBlockRowsMax = 8_192;
/** Up to it, or to so many times the new rows, a coarse block takes further rows: each is rewritten a few times only. */
export const coarseBlockBytesMin = 8 * KiB;
export const coarseGrowthMax = 3;
/** Event time one block of segments or windows may span when others join it, so that sketches of its parts stay sketches of about a day. */
export const fineSpanMicrosMax = 86_400_000_000;

/** Edges of runs on their way to receivers, of all streams, 1 MiB: 16 batches of each of 64 uplinks, made of sixteen runs each. */
export const readEdgesMax = 16_384;

/** Readers remembered that settle nothing (exports, pages of the API): people and their scripts, a few at a time. One that was forgotten may be given a reading twice. */
export const walksMax = 64;

/** Answers to one read. */
export const readReadingsMax = 65_536;
export const readBytesMax = 8 * MiB;
/** Segments looked at for one read, so that a stream of tiny blocks can not hold the thread. */
export const readSegmentsMax = 64;
/** Decoded blocks kept for the next read of the same block. */
export const decodedBlocksMax = 4;

/**
 * Marks of one source. A broker that keeps to the protocol has at most 65,535 messages on their way; mosquitto 2.0 sends a resumed
 * session more than that at once, under packet ids that come round again. Four times as much is 1.8 MiB on disk.
 */
export const marksPerSourceMax = 262_144;
/** Commits whose marks are kept, for a source that brings few messages at a time: it never has many on their way. */
export const markRowsPerSourceMax = 8_192;
export const markSourcesMax = 256;
/** Marks of all sources, 7 MiB: beyond them the longest unused source goes. */
export const marksTotalMax = 1_048_576;

/** Of the cap, what only priorities at or above `urgentPriorityMin` may fill in `when_full: block`. */
export const urgentShare = 0.1;
export const urgentPriorityMin = 7;
/** Of the cap, what the dead-letter stream may hold. */
export const deadLetterShare = 0.05;
/** Of the pages, what appends leave to settling, sealing and accounts. */
export const headroomShare = 1 / 64;
export const headroomPagesMin = 24;

/** Written bytes between two looks at the device's free space. */
export const spaceCheckBytes = 1 * MiB;
/** Pages given back to the device in one slice, once at least `vacuumPagesMin` and a third of the file are free. */
export const vacuumSlicePages = 256;
export const vacuumPagesMin = 4_096;
export const vacuumShare = 1 / 3;
/** Characters of a receiver's words kept in the dead-letter stream. */
export const wordsCharactersMax = 512;
/** A database that was taken away is given up when nothing in it waits for an uplink any more, or after so long. */
export const astrayMillisMax = 600_000;
/** Between two looks whether the database is in its place while nothing is committed. */
export const placeCheckMillis = 1_000;
/** Requests remembered whose commit nobody can say yet whether it stands; forgotten ones may be stored twice. */
export const doubtfulRequestsMax = 8_192;
/** Tries of one settlement on a failing disk, half a second apart, before its uplink is told: ten minutes. */
export const settleRetriesMax = 1_200;

/** The floor of time is written at most once a minute of clock: a page of the log each, and at most a minute low after a crash. */
export const floorStepMicros = 60_000_000;
/** Settings of the clock that are told apart, over all boots that readings are kept of: 16 bytes each. */
export const erasMax = 1_024;
/** Two settings of one clock that differ by less are one, told by a wall clock with a grain of a millisecond. */
export const rebaseMicrosMin = 20_000;
