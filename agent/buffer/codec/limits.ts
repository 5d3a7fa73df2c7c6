import { MiB } from '../../base/units.ts';

/** Readings in one journal row. Every journal row fits one block alone, so it is also what a block may hold. */
export const journalReadingsMax = 65_536;
/** Bytes of one journal row: the largest blob the store writes in one statement without holding the writer for long. */
export const journalBytesMax = 64 * MiB;
/** Readings in one block: one decode serves any range of a block, so this bounds what reading a single one costs. */
export const blockReadingsMax = 65_536;
/** Bytes of one block as stored: a journal row that does not shrink, and its header. */
export const blockBytesMax = 72 * MiB;
/**
 * Bytes all parts of a block inflate to together. Each part's length is charged against it before the part is inflated,
 * and given to zstd as its output limit. A journal row of text outside Latin-1 may double.
 */
export const blockInflatedBytesMax = 144 * MiB;
/** Distinct names in one row or block. Decoders stop at 1,024 a batch; a block of many batches may see several sets. */
export const columnsMax = 16_384;
/**
 * Cells (readings × columns) of one row or block. A column of one repeated value is stored in a few bytes and decodes to an array
 * of the block's length, so the product is what bounds memory: 16 Mi cells are at most 128 MiB of numbers.
 */
export const blockCellsMax = 16 * MiB;
/**
 * Cells beyond which no further batch joins a block: 16 MiB of numbers, so that reading a block stays small beside the agent's memory
 * ceiling. A single batch may have more.
 */
export const blockCellsJoined = 2 * MiB;
/** Tags of one series: topic levels and tag fields; far beyond both. */
export const tagsMax = 1_024;
/** From this length on a part is worth a zstd frame of its own, whose statistics it does not share with other columns. */
export const ownFrameBytesMin = 192;
/** The same for blocks that must be written quickly: setting a frame up costs as much as compressing some kilobytes. */
export const quickFrameBytesMin = 4_096;
/** What zstd may allocate at once for output, before it has seen that there is so much. */
export const inflateChunkBytes = 1 * MiB;
