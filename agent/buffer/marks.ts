import { marksPerSourceMax, marksTotalMax, markRowsPerSourceMax, markSourcesMax } from './limits.ts';
import type { Database } from '../ports/database.ts';
import type { MarkRun } from '../reading/mark-bytes.ts';
import type { StoreCore } from './store-core.ts';

/** What one source's delivery marks take. */
interface MarkShelf {
  /** Oldest first; null until the first commit of this run needs them. */
  rows: { readonly seq: number; readonly count: number }[] | null;
  /** Sum of the rows' counts. */
  marks: number;
}

/** The shelves of every source, the one unused for longest first. Invariant: `total` is the sum of their marks. */
export interface MarkShelves {
  readonly bySource: Map<string, MarkShelf>;
  total: number;
}

export function loadShelves(db: Database): MarkShelves {
  const shelves: MarkShelves = { bySource: new Map(), total: 0 };
  const rows = db
    .prepare<{ source: string; marks: number }>(
      'SELECT source, SUM(count) AS marks FROM marks GROUP BY source',
    )
    .all();
  for (const { source, marks } of rows) {
    shelves.bySource.set(source, { rows: null, marks });
    shelves.total += marks;
  }
  return shelves;
}

/** One row per commit and source; what is beyond the bounds goes, oldest first. Inside a transaction. */
export function storeMarks(core: StoreCore, runs: readonly MarkRun[]): void {
  for (const run of runs) storeRun(core, run);
}

function storeRun(core: StoreCore, { source, count, bytes }: MarkRun): void {
  const shelves = core.memory.marks;
  const shelf = takeShelf(core, source);
  const rows = shelf.rows!;
  const seq = (rows.at(-1)?.seq ?? 0) + 1;
  core.prepare('INSERT INTO marks VALUES (?, ?, ?, ?)').run(source, seq, count, bytes);
  rows.push({ seq, count });
  shelf.marks += count;
  shelves.total += count;
  let last = -1;
  let gone = 0;
  for (const row of rows) {
    const tooMany = shelf.marks - row.count >= marksPerSourceMax;
    if (!tooMany && rows.length - gone <= markRowsPerSourceMax) break;
    shelf.marks -= row.count;
    shelves.total -= row.count;
    last = row.seq;
    gone++;
  }
  if (gone > 0) {
    rows.splice(0, gone);
    core.prepare('DELETE FROM marks WHERE source = ? AND seq <= ?').run(source, last);
  }
}

/** The source's shelf, with its rows, as the one used last. Others go when there are too many of them. */
function takeShelf(core: StoreCore, source: string): MarkShelf {
  const shelves = core.memory.marks;
  const { bySource } = shelves;
  const shelf = bySource.get(source) ?? { rows: [], marks: 0 };
  bySource.delete(source);
  for (const [unused, { marks }] of bySource) {
    if (bySource.size < markSourcesMax && shelves.total <= marksTotalMax) break;
    // Its redeliveries are then taken as new: twice is better than never, and better than no agent.
    bySource.delete(unused);
    shelves.total -= marks;
    core.prepare('DELETE FROM marks WHERE source = ?').run(unused);
  }
  bySource.set(source, shelf);
  shelf.rows ??= core
    .prepare<{ seq: number; count: number }>('SELECT seq, count FROM marks WHERE source = ? ORDER BY seq')
    .all(source);
  return shelf;
}

/** All that is kept of a source, oldest first, as `mark-bytes.ts` lays it out. */
export function loadMarks(core: StoreCore, source: string): Uint8Array {
  const rows = core
    .prepare<{ marks: Uint8Array }>('SELECT marks FROM marks WHERE source = ? ORDER BY seq')
    .all(source);
  const bytes = new Uint8Array(rows.reduce((sum, { marks }) => sum + marks.length, 0));
  let at = 0;
  for (const { marks } of rows) {
    bytes.set(marks, at);
    at += marks.length;
  }
  return bytes;
}
