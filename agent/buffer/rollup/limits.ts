import { KiB, MiB } from '../../base/units.ts';

/** Windows summaries are kept by, ascending; each a whole number of the one before. How long at most: days are kept as long as there is room. */
export const rollupLevels = [
  { name: 'minute', micros: 60e6, keptMicros: 2 * 86_400e6 },
  { name: 'hour', micros: 3_600e6, keptMicros: 400 * 86_400e6 },
  { name: 'day', micros: 86_400e6, keptMicros: Infinity },
] as const;

/** Series of one stream told apart; those that come later are rolled up together, under tags that are not known. */
export const rollupSeriesMax = 1_024;
/** Numeric fields of one stream rolled up, and names of others remembered as left out. */
export const rollupFieldsMax = 64;
export const leftOutMax = 256;

/** Open windows of all streams in memory: beyond it they are written. Some seconds of a flood, and half a minute of anything less. */
export const openBytesMax = 3 * MiB;
export const openMillisMax = 30_000;

/** Entries (series × minute) of one piece: what one merge must take whole. */
export const pieceEntriesMax = 128;
/** Pieces are merged once there are so many, or so many bytes of them, or after so long. */
export const piecesDue = 48;
export const pieceBytesDue = 256 * KiB;
export const pieceMillisDue = 30_000;
/**
 * Pieces not merged yet take so much at most, as a part of what summaries may take and of the cap, whichever is more: beyond it they are merged first, and blocks wait to be
 * folded. What leaves the store goes into pieces up to so many times that, and beyond it into no summary.
 */
export const piecesShareOfRollups = 1 / 2;
export const piecesShareOfSize = 1 / 64;
export const piecesOverflow = 4;
/** Entries and rows one merge takes: bounds its slice to some milliseconds. */
export const mergeEntriesMax = 512;
export const mergeRowsMax = 384;
/** Bytes a row costs beside its summaries: key, record header, its part of a page. */
export const rollupRowBytes = 48;
/** Of the rolled-up time, let go of in one step. */
export const retentionStepMicros = 6 * 3_600e6;
/** Rows of one step of letting go. */
export const retentionRowsMax = 2_048;

/** Queries carried out at a time; one more is told to come again. */
export const queriesMax = 2;
/** Between two commits a query works so long, in milliseconds: what it may add to the latency of a PUBACK. */
export const querySliceMillis = 2;
/** A query that takes longer, waiting included, answers with what it has. */
export const queryMillisMax = 10_000;
/** Rows of rollups, and places of blocks, looked up at a time. */
export const queryRowsTogether = 256;
/** Windows looked at that reach into a time of which nothing finer is kept; of more, any number of readings may be missing. */
export const missedWindowsMax = 512;
/** A wall clock that gained so much on the monotonic one was set; and after so long it is believed where it would let windows go. */
export const clockAheadMicrosMax = 3_600_000_000;
export const clockBelievedMillis = 86_400_000;
/** Between two looks for windows that are too old. */
export const trimPauseMillis = 600_000;
