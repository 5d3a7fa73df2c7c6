import { assert } from '../base/assert.ts';
import { DiskError, type Database } from '../ports/database.ts';
import { countEra, type ClockMemory, type Era } from './eras.ts';
import type { Interval } from './intervals.ts';
import { blocksUnjoinedMin } from './limits.ts';
import { loadShelves, type MarkShelves } from './marks.ts';
import { loadRollups, type RollupMemory } from './rollup/rollup-memory.ts';
import { newStream, type JournalRow, type RungSums, type StreamState } from './stream-state.ts';

/** Bytes an uplink sent on its latest day. */
export interface Budget {
  readonly day: number;
  readonly bytes: number;
}

/** What is kept in memory: O(streams + cursors + journal rows), never O(backlog). */
export interface StoreMemory {
  readonly streams: Map<string, StreamState>;
  /** Streams that may have small blocks to join, the longest waiting first. */
  readonly toCompact: Set<StreamState>;
  /** Everything that is sealed stands at the last rung of the ladder: nothing but dropping makes room. */
  ladderSpent: boolean;
  /** Of the append refused last, 0 once one was taken: what the ladder makes room for. */
  pagesWanted: number;
  /** Key the next journal row gets. */
  nextSeq: number;
  /** Rows of all streams in the journal. */
  journalRows: number;
  journalBytes: number;
  /** 0 while a full disk keeps it from being noted. */
  boot: number;
  readonly clock: ClockMemory;
  /** By uplink, also of those that are not configured any more. */
  readonly budgets: Map<string, Budget>;
  readonly marks: MarkShelves;
  readonly rollups: RollupMemory;
  /** False while the device is below its free-space floor: the file may be refilled, not enlarged. */
  mayGrow: boolean;
  /** Bytes written since the device's free space was looked at. */
  bytesSinceSpaceCheck: number;
}

export function loadMemory(db: Database, boot: string): StoreMemory {
  const byId = new Map<number, StreamState>();
  const streams = new Map<string, StreamState>();
  const toCompact = new Set<StreamState>();
  for (const row of db.prepare<StreamRow>('SELECT * FROM streams').all()) {
    const stream = newStream({ id: row.id, name: row.name, priority: row.priority });
    stream.head = row.head;
    stream.blocks = row.blocks;
    stream.blockReadings = row.block_readings;
    stream.blockBytes = row.block_bytes;
    for (const [era, count] of JSON.parse(row.eras) as [number, number][]) stream.blockEras.set(era, count);
    stream.oldestBlock = row.blocks === 0 ? null : undefined;
    byId.set(row.id, stream);
    streams.set(row.name, stream);
    if (row.blocks >= blocksUnjoinedMin) toCompact.add(stream);
  }
  const clock = loadClock(db);
  const memory: StoreMemory = {
    streams,
    toCompact,
    ladderSpent: false,
    pagesWanted: 0,
    nextSeq: 1,
    journalRows: 0,
    journalBytes: 0,
    boot: bootId(db, boot),
    clock,
    budgets: new Map(),
    marks: loadShelves(db),
    rollups: loadRollups(db, clock.floorMicros),
    mayGrow: true,
    bytesSinceSpaceCheck: Infinity,
  };
  loadJournal(db, memory, byId);
  loadCursors(db, byId);
  for (const row of db.prepare<LedgerRow>('SELECT * FROM ledger').all()) {
    byId.get(row.stream)?.ledger.set(`${row.account} ${row.rule}`, row.count);
  }
  for (const { stream, level, ...sums } of db.prepare<RungRow>('SELECT * FROM rungs').all()) {
    byId.get(stream)?.rungs.set(level, sums);
  }
  for (const row of db.prepare<UplinkRow>('SELECT * FROM uplinks').all()) {
    memory.budgets.set(row.name, { day: row.budget_day, bytes: row.budget_bytes });
  }
  return memory;
}

/** The length of a blob is in its row's header: no overflow page is read. */
function loadJournal(db: Database, memory: StoreMemory, byId: ReadonlyMap<number, StreamState>): void {
  const rows = db
    .prepare<JournalRow & { stream: number }>(
      `SELECT seq, stream, first, count, length(row) AS bytes, wall AS wallMicros, mono AS monotonicMillis, boot,
         max(-boot, 0) AS era
       FROM journal ORDER BY seq`,
    )
    .all();
  for (const { stream: id, ...row } of rows) {
    const stream = byId.get(id);
    assert(stream !== undefined, 'a journal row belongs to a stream');
    stream.journal.push(row);
    stream.journalReadings += row.count;
    stream.journalBytes += row.bytes;
    countEra(stream.journalEras, row.era, row.count);
    memory.clock.floorMicros = Math.max(memory.clock.floorMicros, row.wallMicros);
    stream.head = Math.max(stream.head, row.first + row.count);
    memory.nextSeq = row.seq + 1;
    memory.journalRows++;
    memory.journalBytes += row.bytes;
  }
}

function loadCursors(db: Database, byId: ReadonlyMap<number, StreamState>): void {
  for (const row of db.prepare<CursorRow>('SELECT * FROM cursors').all()) {
    byId.get(row.stream)?.cursors.set(row.uplink, {
      uplink: row.uplink,
      start: row.start,
      base: row.base,
      settled: JSON.parse(row.settled) as Interval[],
      delivered: row.delivered,
      refused: row.refused,
      dropped: row.dropped,
      parked: row.parked === 1,
    });
  }
}

function loadClock(db: Database): ClockMemory {
  const floor = db.prepare<{ value: unknown }>("SELECT value FROM meta WHERE key = 'floor'").get()?.value;
  const eras = new Map<number, Era>();
  for (const era of db.prepare<Era>('SELECT id, boot, base FROM eras').all()) eras.set(era.id, { ...era });
  const trueBases: ClockMemory['trueBases'] = new Map();
  const set = db.prepare<{ id: number; base: number; trusted: number }>(
    'SELECT id, base, trusted FROM boots WHERE base IS NOT NULL',
  );
  for (const { id, base, trusted } of set.all()) trueBases.set(id, { base, trusted: trusted === 1 });
  return { eras, trueBases, floorMicros: typeof floor === 'number' ? floor : 0, latest: null };
}

/** 0 stands for a boot that could not be noted because the disk is full: its monotonic times compare with none. */
function bootId(db: Database, boot: string): number {
  const row = db.prepare<{ id: number }>('SELECT id FROM boots WHERE boot = ?').get(boot);
  if (row !== undefined) return row.id;
  try {
    return db.prepare('INSERT INTO boots (boot) VALUES (?)').run(boot).lastInsertRowid;
  } catch (error) {
    if (error instanceof DiskError && error.trouble === 'full') return 0;
    throw error;
  }
}

interface StreamRow {
  id: number;
  name: string;
  priority: number;
  head: number;
  blocks: number;
  block_readings: number;
  block_bytes: number;
  eras: string;
}

interface CursorRow {
  uplink: string;
  stream: number;
  start: number;
  base: number;
  settled: string;
  delivered: number;
  refused: number;
  dropped: number;
  parked: number;
}

interface UplinkRow {
  name: string;
  budget_day: number;
  budget_bytes: number;
}

interface RungRow extends RungSums {
  stream: number;
  level: number;
}

interface LedgerRow {
  stream: number;
  account: string;
  rule: string;
  count: number;
}
