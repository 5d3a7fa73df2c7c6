import type { Fidelity } from '../ports/store.ts';
import type { Cursor } from './cursor.ts';
import { isCoarse, type Level } from './rungs/levels.ts';

/** Readings stored together: one journal row or one block. */
export interface Segment {
  /** Offset of the first reading. */
  readonly first: number;
  /** > 0; the segment covers `first … first + count - 1`. */
  readonly count: number;
  /** Bytes stored. */
  readonly bytes: number;
  /** Wall clock of the commit, microseconds. */
  readonly wallMicros: number;
  /** Monotonic clock of the commit, milliseconds; comparable within one `boot`. */
  readonly monotonicMillis: number;
  /** Not known where the segment is of an era: see `bootOf`. */
  readonly boot: number;
  /** 0, or the {@link Era} its times of arrival were counted in. Its readings then all have the agent's clock. */
  readonly era: number;
}

export interface JournalRow extends Segment {
  /** Key in the journal table; ascends in commit order. */
  readonly seq: number;
}

export interface BlockPlace extends Segment {
  readonly payload: number;
  /** Event times, both inclusive. */
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
  /** Bytes its rows had in the journal: a measure of what reading it yields. */
  readonly rowBytes: number;
  readonly fidelity: Fidelity;
  readonly level: Level;
  /** Rows of a coarse block; 0 of a raw one. */
  readonly summaries: number;
  /** How often they were rounded, at most: `rungs/spread.ts`. */
  readonly roundings: number;
}

/** Sums over the blocks a stream has at one level. */
export interface RungSums {
  readonly blocks: number;
  readonly readings: number;
  readonly summaries: number;
  readonly bytes: number;
}

/** A segment with the place it stands in. */
export type Place =
  | { readonly kind: 'journal'; readonly row: JournalRow }
  | { readonly kind: 'block'; readonly row: BlockPlace };

/** One stream in memory: written through to the database by the transaction that changes it. */
export interface StreamState {
  readonly id: number;
  readonly name: string;
  /** 0 least … 9 most. */
  priority: number;
  /** Offset the next reading gets; `head = delivered + buffered + coarsened + dropped` of the ledger. */
  head: number;
  /** Rows not sealed yet, ascending by `first`. */
  readonly journal: JournalRow[];
  journalReadings: number;
  journalBytes: number;
  blocks: number;
  blockReadings: number;
  blockBytes: number;
  /** Readings by era, of journal rows and of blocks; none under era 0. */
  readonly journalEras: Map<number, number>;
  readonly blockEras: Map<number, number>;
  /** Place of the oldest block; null when there is none, undefined when it must be looked up. */
  oldestBlock:
    | { readonly first: number; readonly wallMicros: number; readonly era: number }
    | null
    | undefined;
  /** By level; the blocks that are not in it are raw. */
  readonly rungs: Map<Level, RungSums>;
  /** Ledger by `account rule`; see {@link ledgerKey}. */
  readonly ledger: Map<string, number>;
  /** Blocks below this offset are joined as far as they can be; 0 when nobody looked since the store was opened. */
  joinedUntil: number;
  /** Blocks sealed since somebody looked for neighbours to join. */
  blocksUnjoined: number;
  /** By uplink. */
  readonly cursors: Map<string, Cursor>;
}

/**
 * `coarsened`: readings that ever became part of a summary. `lapsed`: those of them whose summary was dropped, which `dropped` counts too.
 * `released`: summaries let go of when all uplinks had settled them. Each only ever grows.
 */
export type LedgerAccount =
  | 'received'
  | 'filtered'
  | 'delivered'
  | 'coarsened'
  | 'lapsed'
  | 'released'
  | 'dropped';

/** Accounts hold no space, so the first one parts account from rule. */
export function ledgerKey(account: LedgerAccount, rule: string): string {
  return `${account} ${rule}`;
}

export function newStream(row: { id: number; name: string; priority: number }): StreamState {
  return {
    ...row,
    head: 0,
    journal: [],
    journalReadings: 0,
    journalBytes: 0,
    blocks: 0,
    blockReadings: 0,
    blockBytes: 0,
    journalEras: new Map(),
    blockEras: new Map(),
    oldestBlock: null,
    joinedUntil: 0,
    blocksUnjoined: 0,
    rungs: new Map(),
    ledger: new Map(),
    cursors: new Map(),
  };
}

/** Offsets of readings and of what summaries stand for. */
export function covered(stream: StreamState): number {
  return stream.journalReadings + stream.blockReadings;
}

/** Readings kept as they came. */
export function buffered(stream: StreamState): number {
  let coarse = 0;
  for (const [level, { readings }] of stream.rungs) if (isCoarse(level)) coarse += readings;
  return covered(stream) - coarse;
}

export function summaries(stream: StreamState): number {
  let sum = 0;
  for (const rung of stream.rungs.values()) sum += rung.summaries;
  return sum;
}

/** What the blocks of no other level make: the raw ones that nothing forbids to coarsen. */
export function rawSums(stream: StreamState): RungSums {
  let { blocks, blockReadings: readings, blockBytes: bytes } = stream;
  for (const rung of stream.rungs.values()) {
    blocks -= rung.blocks;
    readings -= rung.readings;
    bytes -= rung.bytes;
  }
  return { blocks, readings, summaries: 0, bytes };
}

export function storedBytes(stream: StreamState): number {
  return stream.journalBytes + stream.blockBytes;
}

export function ledgerSum(stream: StreamState, account: LedgerAccount): number {
  let sum = 0;
  for (const [key, count] of stream.ledger) if (key.startsWith(`${account} `)) sum += count;
  return sum;
}

/** First index whose row ends after `offset`; `journal.length` when there is none. */
export function journalIndexAt(journal: readonly JournalRow[], offset: number): number {
  let low = 0;
  let high = journal.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = journal[middle]!;
    if (row.first + row.count <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
