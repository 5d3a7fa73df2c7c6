/** Values below which a sketch of a part costs more than the readings themselves did. */
export const sketchValuesMin = 1_024;
/** KLL: 4 % of the rank in at most 800 bytes. */
export const quantilesK = 64;
/** HyperLogLog: 512 registers, 7 %. */
export const distinctLgK = 9;
/** Different texts counted by value, and the longest of them: a state, not a message. */
export const countedTextsMax = 16;
export const countedTextLengthMax = 64;
/** Of the range a field has in a part, how far a segment's line may be from a value: the first with which lines are long enough to pay. */
export const boundShares: readonly number[] = [0.01, 0.02, 0.05];
/** Readings from the middle of a block that say so. */
export const boundSamplesMax = 512;
/** Readings of a part that stands alone by which its range is taken. */
export const rangeSamplesMax = 2_048;
/** What a row of a line takes, and of it each field, about. */
export const lineBytes = 4;
export const lineFieldBytes = 12;
