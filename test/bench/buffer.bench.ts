import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '#agent/host/sqlite.ts';
import { valueAt } from '#agent/reading/batch.ts';
import { backlogFolder, backlogName, backlogSecondsMax } from '#test/support/bench-backlog.ts';
import type { Bench, BenchResult } from './bench.ts';
import { entryFor, openStore, telemetryBatch } from './store-bench-rig.ts';

/** Appends that share a commit: what waits while the commit before is synced. */
const groupAppends = 64;
const measureMillis = 1_500;

export const benches: Bench[] = [
  { name: 'journal append, batches of 1', run: () => [appendRate(1)] },
  { name: 'journal append, batches of 100', run: () => [appendRate(100)] },
  { name: 'open with a backlog', secondsMax: backlogSecondsMax, run: openWithBacklog },
];

/** Readings a second, encoded, committed, synced and sealed, beside rows of JSON in SQLite with as many a transaction. */
function appendRate(readings: number): BenchResult {
  return {
    name: `journal append, batches of ${readings}`,
    figure: inFolder((folder) => storeRate(folder, readings)),
    unit: 'readings/s',
    ...(readings >= 100 ? { budget: 60_000 } : {}),
    reference: inFolder((folder) => rowRate(folder, readings, groupAppends)),
    referenceName: `a row of JSON each, ${groupAppends} appends a synced commit on both sides`,
    ...(readings === 1
      ? { note: `a synced commit for each row: ${inFolder((folder) => rowRate(folder, 1, 1))} rows/s` }
      : {}),
  };
}

function storeRate(folder: string, readings: number): number {
  const { store, now } = openStore(folder);
  let number = 0;
  const rate = perSecond(() => {
    const requests = Array.from({ length: groupAppends }, () => ({
      kind: 'append' as const,
      entries: [entryFor(telemetryBatch(readings, number++))],
    }));
    store.commit(requests, now());
    store.maintain(now());
    return groupAppends * readings;
  });
  store.close();
  return rate;
}

function rowRate(folder: string, readings: number, appends: number): number {
  const db = openSqlite({ file: join(folder, 'rows.db') });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE readings (id INTEGER PRIMARY KEY, stream TEXT, time INTEGER, reading TEXT)');
  const insert = db.prepare('INSERT INTO readings (stream, time, reading) VALUES (?, ?, ?)');
  let number = 0;
  const rate = perSecond(() => {
    db.exec('BEGIN');
    for (let i = 0; i < appends; i++) {
      const batch = telemetryBatch(readings, number++);
      for (let row = 0; row < batch.length; row++) {
        const values = Object.fromEntries(batch.columns.map((column) => [column.name, valueAt(column, row)]));
        insert.run(batch.stream, batch.timeMicros[row]!, JSON.stringify(values));
      }
    }
    db.exec('COMMIT');
    return appends * readings;
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

/** Opening after a kill -9 that left a log to replay: with a backlog beside next to none. */
async function openWithBacklog(): Promise<BenchResult[]> {
  const small = await openMillis(1);
  const large = await openMillis();
  return [
    {
      name: `open after kill -9, ${backlogName}`,
      figure: large,
      unit: 'ms',
      budget: 1_000,
      reference: small,
      referenceName: 'a backlog of 1 MiB',
      lowerIsBetter: true,
    },
  ];
}

async function openMillis(mebibytes?: number): Promise<number> {
  const folder = join(await backlogFolder(mebibytes), 'data');
  const start = performance.now();
  const { store } = openStore(folder);
  store.stats();
  const took = performance.now() - start;
  store.close();
  return Math.round(took * 10) / 10;
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-bench-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
