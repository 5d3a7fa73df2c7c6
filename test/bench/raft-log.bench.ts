import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RaftLogFiles } from '#agent/host/raft-log-files.ts';
import { startRaftLogThread } from '#agent/host/raft-log-thread.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import { RaftLogEvents } from '#agent/mesh/raft-log/events.ts';
import { RaftLogClient } from '#agent/mesh/raft-log/log-client.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { AppendOrder } from '#agent/mesh/raft-log/port.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import type { Entry } from '#agent/mesh/raft/entry.ts';
import { emptyRecord } from '#agent/mesh/raft/membership/membership.ts';
import { noPeer } from '#agent/mesh/raft/peer-id.ts';
import type { Bench, BenchResult } from './bench.ts';

const batchEntries = 64;
const entryBytes = 256;
const measureMillis = 2_000;
/** The log is kept this long, as a host does by snapshots. */
const keptEntries = 16_384;
const owner = 'bench/1';

export const benches: readonly Bench[] = [
  { name: 'raft log, batches of 64', run: () => [batches()] },
  { name: 'raft log on its thread', run: async () => [await throughThread(8), await throughThread(1)] },
  { name: 'raft log, open', run: () => [opening()] },
];

function order(id: number, first: number, count: number): AppendOrder {
  const entries: Entry[] = Array.from({ length: count }, (_, at) => ({
    index: first + at,
    term: 1,
    kind: 'normal',
    data: new Uint8Array(entryBytes).fill(at),
  }));
  const hardState = { term: 1, vote: noPeer, commit: first - 1 };
  return { kind: 'append', id, hardState, entries, snapshot: null };
}

const snapshotAt = (index: number): AppendOrder['snapshot'] => ({
  id: { index, term: 1 },
  membership: emptyRecord,
  data: new Uint8Array(0),
});

const openStore = (folder: string): LogStore =>
  new LogStore(new SqliteDevice({ files: new RaftLogFiles({ folder }), owner }));

/** Entries a second, each batch one synced transaction, compaction within; beside the same bytes as plain rows. */
function batches(): BenchResult {
  return {
    name: 'raft log, batches of 64, synced',
    figure: inFolder(storeRate),
    unit: 'entries/s',
    budget: 20_000,
    reference: inFolder(rowRate),
    referenceName: 'plain rows in SQLite, same commits',
  };
}

function storeRate(folder: string): number {
  const store = openStore(folder);
  store.open();
  let last = 0;
  let kept = 0;
  const rate = perSecond(() => {
    store.write([order(last + 1, last + 1, batchEntries)]);
    last += batchEntries;
    if (last - kept > 2 * keptEntries) {
      kept = last - keptEntries;
      store.write([{ kind: 'keep-snapshot', id: last, snapshot: snapshotAt(kept)! }]);
    }
    store.compactStep(kept);
    store.upkeep();
    return batchEntries;
  });
  store.close();
  return rate;
}

function rowRate(folder: string): number {
  const db = openSqlite({ file: join(folder, 'rows.db') });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE entries (idx INTEGER PRIMARY KEY, term INTEGER, data BLOB)');
  const insert = db.prepare('INSERT INTO entries (idx, term, data) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM entries WHERE idx <= ?');
  let last = 0;
  const rate = perSecond(() => {
    const { entries } = order(1, last + 1, batchEntries);
    db.exec('BEGIN');
    for (const entry of entries) insert.run(entry.index, entry.term, entry.data);
    last += batchEntries;
    if (last % keptEntries === 0) remove.run(last - keptEntries);
    db.exec('COMMIT');
    return batchEntries;
  });
  db.close();
  return rate;
}

function perSecond(work: () => number): number {
  work();
  let done = 0;
  const start = performance.now();
  while (performance.now() - start < measureMillis) done += work();
  return Math.round((done * 1_000) / (performance.now() - start));
}

/** What a member sees: orders to the thread and back, so many under way at once. */
async function throughThread(underWay: number): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-bench-'));
  const telemetry = { log() {}, count() {}, gauge() {}, observe() {} };
  const channel = startRaftLogThread({ folder, owner });
  const log = new RaftLogClient({ channel, events: new RaftLogEvents(telemetry) });
  const { promise, resolve } = Promise.withResolvers<number>();
  let [last, id, done, started] = [0, 1, 0, 0];
  const submit = (): void => {
    log.submit(order(id++, last + 1, batchEntries));
    last += batchEntries;
  };
  log.start((report) => {
    if (report.kind === 'ready') for (let n = 0; n < underWay; n++) submit();
    else if (report.kind !== 'done') throw new Error(JSON.stringify(report));
    else if (started === 0) {
      started = performance.now();
      submit();
    } else {
      done += batchEntries;
      const took = performance.now() - started;
      if (took < measureMillis) submit();
      else resolve(Math.round((done * 1_000) / took));
    }
  });
  const figure = await promise;
  await channel.end();
  rmSync(folder, { recursive: true, force: true });
  return {
    name: `raft log on its thread, batches of 64, ${underWay} under way`,
    figure,
    unit: 'entries/s',
    // One order at a time is the latency of a sync, not a rate.
    ...(underWay > 1 ? { budget: 20_000 } : {}),
  };
}

/** A start after kill -9 with as much log as is ever kept: reading, checking, every checksum. */
function opening(): BenchResult {
  const figure = inFolder((folder) => {
    const store = openStore(folder);
    store.open();
    for (let first = 1; first < keptEntries; first += 1_024) store.write([order(first, first, 1_024)]);
    const start = performance.now();
    store.open();
    const took = performance.now() - start;
    store.close();
    return Math.round(took);
  });
  return {
    name: `raft log, open with ${keptEntries} entries`,
    figure,
    unit: 'ms',
    lowerIsBetter: true,
  };
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-bench-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
