/** Bounds of the room, each with its reason. A parser compares with these before it allocates. */

/** KLL accuracy parameter: below 8 no bound is known, above 65535 the wire has no room. 65535 keeps at most 197,000 items: 1.6 MB. */
export const kllKMin = 8;
export const kllKMax = 65_535;
/** Levels of a KLL sketch: 61 levels summarise more than 2^61 values. */
export const kllLevelsMax = 61;

/** Log2 of the registers of a HyperLogLog: 16 registers to 2 MiB, as in the standard. */
export const hyperLogLogLgKMin = 4;
export const hyperLogLogLgKMax = 21;

/** Log2 of the nominal entries of a theta sketch: 2^16 entries are 1 MiB in memory and bound the error to 0.4 %. The standard goes to 26 (1 GiB). */
export const thetaLgKMin = 5;
export const thetaLgKMax = 16;

/** Log2 of the map of a frequent-items sketch: 2^16 slots hold 49,152 items, at most 23 MB with the longest items. */
export const frequentItemsLgMin = 3;
export const frequentItemsLgMax = 16;
/** UTF-8 bytes of one item: topics and states are shorter; a longer text is a payload, not an item. */
export const itemBytesMax = 256;

/** Buckets of one sign of an exponential histogram; OTLP's default is 160. */
export const histogramBucketsMax = 1024;
export const histogramBucketsDefault = 160;
/** Scales OTLP implementations use: at 20 a bucket is 0.00007 % wide, at -10 one bucket spans all doubles. */
export const histogramScaleMax = 20;
export const histogramScaleMin = -10;
/** Bytes of an OTLP data point that are read at all: 2 × 1024 buckets of ten bytes, attributes and exemplars. */
export const histogramBytesMax = 256 * 1024;
/** Attributes of a data point; OpenTelemetry's own limit. */
export const histogramAttributesMax = 128;

/** Numbers a reservoir keeps in all (rows × width): 8 MiB. */
export const reservoirNumbersMax = 1 << 20;

/** Length of a vector that is projected: a window of 2^20 samples. */
export const projectionInputMax = 1 << 20;
/** Entries of an expanded projection matrix: 32 MiB of Gaussian ones, or 4 bytes for each non-zero of a sparse one. */
export const projectionEntriesMax = 1 << 23;
/** Draws that expanding a sparse projection may take: about a second on a small board. */
export const projectionDrawsMax = 1 << 26;

/** Rows of Frequent Directions; the eigenproblem of twice as many rows grows with their cube. */
export const directionsRowsMax = 128;
/** Numbers Frequent Directions keeps (2 × rows × columns): 16 MiB. */
export const directionsNumbersMax = 1 << 21;

/** Counters of a count sketch: 8 MiB. */
export const countSketchCountersMax = 1 << 20;
/** Rows of a count sketch: at 31 the median fails less than once in 10^9. */
export const countSketchDepthMax = 31;

/** Bytes of one sketch inside its envelope: the largest parameters of every kind stay below it. */
export const sketchBytesMax = 32 * 1024 * 1024;
/** Bytes of the name of what a sketch was made from. */
export const sourceBytesMax = 1024;
