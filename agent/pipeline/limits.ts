/** Bounds of the room, each with its reason. */

/** Series one stage remembers unless its config says otherwise; at most 43 MB of deadband state at one field each, and what a gateway sees is a few thousand. */
export const seriesLimitDefault = 20_000;
/** What a config may ask for at most: 430 MB of deadband state; whoever asks for it has measured their host. */
export const seriesLimitMax = 1_000_000;
/** Fields one deadband watches over all series; a batch has at most 1024 columns, so more means names made of data. */
export const watchedFieldsMax = 1024;
/** Text longer than this is not remembered for comparison: it always counts as changed. Keeps state per field bounded. */
export const rememberedTextLength = 128;
/** Stages of one pipeline; a longer list is a program, not a pipeline. */
export const stagesMax = 64;
/** Listeners on one pipeline: a tap is for people and tests. */
export const tapsMax = 16;
/** Characters of one expression; the longest ones seen in practice have a few hundred. */
export const expressionLengthMax = 4096;
/** Nodes and depth of one expression: bounds time per reading and the stack. */
export const expressionNodesMax = 512;
export const expressionDepthMax = 48;
/** Points of a calibration curve; lookup is by bisection, so this bounds config, not time. */
export const calibrationPointsMax = 4096;
/** Names or patterns in one select, rename or deadband. */
export const fieldPatternsMax = 1024;
/**
 * A reading older than the newest one of its series by more than this is taken for a clock that was set back, and starts the
 * state of its series anew; otherwise one reading from the far future would silence the series for good.
 */
export const latenessMicrosMax = 3_600_000_000;
/** Differences printed for one failed case. */
export const caseDifferencesMax = 20;
/** Readings one case of `tests:` may produce; a case is read by a person. */
export const caseReadingsMax = 10_000;
/** Bytes of one stage's saved state that are read back; seriesLimitMax series stay below it. */
export const stateBytesMax = 512 * 1024 * 1024;
/** Values a filter of one field looks back on: bounds its state (4 kB a series at most) and its time per value. */
export const filterWindowMax = 255;
/** Fields of one reading that a stage holds back: what a batch may have columns. */
export const fieldsOfHeldMax = 1024;
/**
 * Silence of a series after which a stage gives out what it holds of it, unless its config says otherwise: longer than meters are read
 * apart, and short enough that the last value of a machine that stopped is not missed.
 */
export const holdMsDefault = 3_600_000;
/** Readings one dedup remembers unless its config says otherwise, 3 MB; at 100 a second ten minutes of redeliveries take 60,000. */
export const dedupEntriesDefault = 50_000;
/** What a config may ask for at most: 120 MB. */
export const dedupEntriesMax = 2_000_000;
/** Characters and nesting of a unit's code; the longest in use have some twenty. */
export const unitLengthMax = 64;
export const unitDepthMax = 8;
/** Exponents beyond this are no unit, and would make fractions of any length. */
export const unitExponentMax = 16;
/** Fields and UTF-16 units of each text that a message about an alarm repeats. */
export const alarmFieldsMax = 64;
export const alarmTextLength = 256;
/** Grid points that one pair of readings may fill: a batch of any size stays within a hundred MB. */
export const resamplePointsMax = 10_000;
/** Series one vibration stage remembers unless its config says otherwise: 4 MB at blocks of 1,024 samples. */
export const vibrationSeriesDefault = 500;
/** Samples of a block: 16 to 16,384 bound resolution and memory (128 KiB a series). */
export const vibrationBlockMin = 16;
export const vibrationBlockMax = 16_384;
/** Samples of one reading; a text value holds some 100,000 digits. */
export const vibrationSamplesMax = 65_536;
export const vibrationBandsMax = 32;
/** Items a window keeps of a field: 2^8 slots, 192 items, of at most so many characters. */
export const frequentItemsLg = 8;
export const frequentItemCharsMax = 80;
/**
 * Readings of the other stream that a join keeps of each series: of a stream of 1 kHz, 8 are partners for what comes 8 ms late. What changed of them is stored with every commit.
 */
export const joinKeepDefault = 8;
export const joinKeepMax = 1024;
/** What a join may come to by its own figures, all series together: a config that says more is refused. */
export const joinBytesMax = 256 * 1024 * 1024;
/** Fields that one join takes over. */
export const joinFieldsMax = 64;
/** What the windows of one stage may hold in memory, by stated sizes; beyond it the series unheard for longest is given out early. */
export const windowAccumulatorBytesMax = 128 * 1024 * 1024;
/** Windows of one series that may be open at a time, lateness and sliding taken together: 2.8 hours of corrections at one second. */
export const windowSlicesMax = 10_000;
/** Values remembered between two saves of a sketch, 4 kB; then its own bytes are less. */
export const addedValuesMax = 512;
/** Names in one `emit`; each is a column of the results for each field, and a batch has 1024. */
export const windowEmitsMax = 32;
/** Deltas of a pipeline's state are replaced by a full one when they take this and twice the last full one: a restart reads a few MiB. */
export const stateDeltasBytesMin = 1024 * 1024;
