import { assert } from '../base/assert.ts';
import { MiB } from '../base/units.ts';
import { formatBytes } from '../base/words.ts';
import {
  deadLetterShare,
  headroomPagesMin,
  headroomShare,
  ladderShareDefault,
  journalBytesMax,
  pageBytes,
  reserveBytesMax,
  reserveBytesMin,
  sealAgeMillisDefault,
  sealBytesDefault,
  sealReadingsDefault,
  sealSliceBytesMax,
  sizeBytesMin,
  urgentShare,
  walBytesMax,
  walBytesMin,
} from './limits.ts';

/** What the config says of the buffer, resolved to plain numbers. May be given again at reload. */
export interface StoreSettings {
  /** Cap on everything the buffer occupies: database, WAL and reserve. */
  readonly sizeBytes: number;
  /** The device keeps at least this much free; the larger of the two counts. */
  readonly keepFreeBytes: number;
  readonly keepFreeShare: number;
  readonly whenFull: 'block' | 'drop_oldest' | 'coarsen';
  /** Of the pages, what the ladder keeps free beyond what appends may not take anyway. */
  readonly ladderShare: number;
  readonly uplinks: readonly {
    readonly name: string;
    /** Globs over stream names; `*` is any run of characters. Names that begin with `_` need a glob that does too. */
    readonly streams: readonly string[];
  }[];
  readonly streams: readonly { readonly name: string; readonly priority: number }[];
  /** Priority of streams the config does not name. */
  readonly defaultPriority: number;
  readonly seal: {
    readonly readings: number;
    readonly bytes: number;
    readonly ageMillis: number;
    /** Values one step goes through. */
    readonly stepCells?: number;
  };
  /** Summaries by minute, hour and day: of which streams and fields (globs), and the part of the cap they may take; 0: none. */
  readonly rollups: {
    readonly streams: readonly string[];
    readonly fields: readonly string[];
    readonly share: number;
  };
}

export const defaultSettings: StoreSettings = {
  sizeBytes: 512 * 1024 * 1024,
  keepFreeBytes: 0,
  keepFreeShare: 0.1,
  whenFull: 'block',
  ladderShare: ladderShareDefault,
  uplinks: [],
  streams: [],
  defaultPriority: 5,
  seal: { readings: sealReadingsDefault, bytes: sealBytesDefault, ageMillis: sealAgeMillisDefault },
  rollups: { streams: ['*'], fields: ['*'], share: 0.05 },
};

/** How the cap is divided. Invariant: `pagesMax * pageBytes + walBytes + reserveBytes <= sizeBytes`. */
export interface Shares {
  readonly sizeBytes: number;
  readonly walBytes: number;
  readonly reserveBytes: number;
  readonly pagesMax: number;
  /** Pages that appends leave to accounts, cursors and sealing. */
  readonly headroomPages: number;
  /** Further pages kept for urgent priorities while `when_full: block`. */
  readonly urgentPages: number;
  readonly deadLetterBytes: number;
  /** Largest encoded size of one append: alone in its transaction it must fit the WAL with what it touches. */
  readonly appendBytes: number;
  /** Encoded bytes of appends that share a transaction. */
  readonly groupBytes: number;
  /** Bytes of readings one refusal copies to the dead-letter stream. */
  readonly refusalBytes: number;
  readonly journalBytes: number;
  /** Journal bytes taken into one block: what sealing rewrites must fit the WAL. */
  readonly sealSliceBytes: number;
}

/** The log is so large a part of the cap, and an append so large a part of the log. */
const logsInSize = 4;
const appendsInLog = 3;

export function divide(sizeBytes: number): Shares {
  assert(sizeBytes >= sizeBytesMin, `a buffer needs at least ${sizeBytesMin} bytes`);
  const walBytes = clamp(Math.floor(sizeBytes / logsInSize), walBytesMin, walBytesMax);
  const reserveBytes = clamp(Math.floor(sizeBytes / 64), reserveBytesMin, reserveBytesMax);
  const pagesMax = Math.floor((sizeBytes - walBytes - reserveBytes) / pageBytes);
  return {
    sizeBytes,
    walBytes,
    reserveBytes,
    pagesMax,
    headroomPages: Math.max(headroomPagesMin, Math.floor(pagesMax * headroomShare)),
    urgentPages: Math.floor(pagesMax * urgentShare),
    deadLetterBytes: Math.floor(sizeBytes * deadLetterShare),
    appendBytes: Math.floor(walBytes / appendsInLog),
    groupBytes: Math.floor(walBytes / 8),
    refusalBytes: Math.floor(Math.min(walBytes / 16, sizeBytes * deadLetterShare)),
    sealSliceBytes: Math.min(sealSliceBytesMax, Math.floor(walBytes / 8)),
    journalBytes: Math.min(journalBytesMax, Math.floor(sizeBytes / 8)),
  };
}

/** The least cap, in whole MiB, of which one append may take so many bytes; at most what the largest log holds. */
export function sizeForAppend(bytes: number): number {
  const walBytes = clamp(bytes * appendsInLog, walBytesMin, walBytesMax);
  return Math.max(sizeBytesMin, Math.ceil((walBytes * logsInSize) / MiB) * MiB);
}

/** Why an append that a configured size always takes does not fit. */
export function tooSmallFor(bytes: number, { sizeBytes, appendBytes }: Shares): string {
  const [append, fits, left, wanted] = [bytes, appendBytes, sizeBytes, sizeForAppend(bytes)].map((size) =>
    formatBytes(size),
  );
  return `the device leaves the buffer ${left}, of which a commit takes ${fits}; one of ${append} needs ${wanted}: make room on it`;
}

/** `*` matches any run of characters; nothing else is special. */
export function takes(globs: readonly string[], stream: string): boolean {
  return globs.some((glob) => {
    if (stream.startsWith('_') && !glob.startsWith('_')) return false;
    return matches(glob.split('*'), stream);
  });
}

function matches(parts: readonly string[], text: string): boolean {
  const [head = '', ...rest] = parts;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const [i, part] of rest.entries()) {
    if (i === rest.length - 1) return text.length - at >= part.length && text.endsWith(part);
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at === text.length;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
