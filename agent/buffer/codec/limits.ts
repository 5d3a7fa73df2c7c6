import { KiB, MiB } from '../../base/units.ts';

/** Readings in one journal row. A batch is what one message or one stage makes; a million leaves room for replayed files. */
export const journalReadingsMax = 1_048_576;
/** Bytes of one journal row: the largest blob the store writes in one statement without holding the writer for long. */
export const journalBytesMax = 64 * MiB;
/** Readings in one block: one decode serves any range of a block, so this bounds what a one-reading read costs. */
export const blockReadingsMax = 65_536;
/** Bytes of one block as stored. */
export const blockBytesMax = 64 * MiB;
/**
 * Bytes of a block's body before zstd. Checked against the header before inflating, and given to zstd as its output limit.
 * It is also what encoding refuses to exceed, so that nothing is ever written that cannot be read.
 */
export const blockBodyBytesMax = 128 * MiB;
/** Distinct names in one batch: the decoders stop at 1,024 a message; a block of many batches may see several sets. */
export const columnsMax = 16_384;
/**
 * Cells (readings × columns) of one block. A column without a single value costs its name only, but decodes to an array of the block's
 * length, so the product is what bounds memory: 16 Mi cells are at most 128 MiB of numbers.
 */
export const blockCellsMax = 16 * 1024 * KiB;
/** Tags of one series. */
export const tagsMax = 1_024;
