import { MiB } from '../base/units.ts';

/** Bounds of the room, each with its reason. */

/** Characters of a query: what a person types, and what fits a URL. */
export const queryCharsMax = 2_048;
/** Aggregates, names and keys of one query: columns people can read. */
export const aggregatesMax = 16;
export const namesMax = 64;
/** Names of fields, and of tags, remembered to say what was likely meant. */
export const knownNamesMax = 1_024;
/** Values of one tag remembered for that. */
export const knownValuesMax = 256;
/** Values of one filter. */
export const filterValuesMax = 256;
/** Items of one `top` answer, and buckets of one histogram. */
export const topItemsMax = 1_000;
export const histogramPartsMax = 256;

/** Groups of one answer: a table a person still scrolls through, 3 MiB of JSON at the most. */
export const groupsMax = 5_000;
/**
 * Bytes all groups together may hold while a query runs; distributions are the most of it. It comes on top of the agent's resident memory,
 * at most twice at a time.
 */
export const answerBytesMax = 16 * MiB;
/** Bytes of one part of a histogram, or one item of a list, in the answer: an object of five figures (measured: 110 to 140). */
export const answerPartBytes = 128;
/** Values of one distribution kept as they are, before it becomes buckets; of all distributions of a query together. */
export const pointsMax = 4_096;
export const pointsOfQueryMax = 524_288;
/** Intervals of coarse records in one distribution, before neighbours are joined; of all distributions of a query together, some 100 bytes each. */
export const intervalsMax = 2_048;
export const intervalsOfQueryMax = 131_072;
/** Those that any distribution may have. */
export const intervalsMin = 16;
/** Coarse records over an edge remembered for one group of all windows, before neighbours are joined: rows of the answer are looked up in them. */
export const straddlingMax = 2_048;
/** Distinct items counted exactly before a HyperLogLog takes over. */
export const distinctExactMax = 1_024;
/** Registers of that HyperLogLog, as a power of two: 2 % at three standard errors, in 16 KiB. */
export const distinctLgK = 14;

/**
 * Buckets of one sign in rolled-up histograms: values over five powers of ten are told apart to 1.1 %, a narrow range to 0.01 %, at 40 to 700
 * bytes.
 */
export const rollupBuckets = 640;
/** Values a summary keeps as they are before it counts them in buckets: they take fewer bytes than the buckets would. */
export const summaryValuesMax = 32;
