import { join } from 'node:path';
import { Prng } from '#agent/base/prng.ts';
import { GiB } from '#agent/base/units.ts';
import type { EntryToStore } from '#agent/buffer/append.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { JournalStore } from '#agent/buffer/journal-store.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { HostDiskSpace } from '#agent/host/disk-space.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import type { Database } from '#agent/ports/database.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

export interface BenchStore {
  readonly store: JournalStore;
  readonly now: () => { wallMicros: number; monotonicMillis: number };
}

/** A store of 2 GiB on the device of `folder`, without a thread; one that is not `synced` would lose commits with the power. */
export function openStore(folder: string, { synced = true }: { synced?: boolean } = {}): BenchStore {
  const file = join(folder, 'buffer.db');
  const store = new JournalStore({
    open: () => (synced ? openSqlite({ file }) : neverSynced(openSqlite({ file }))),
    space: new HostDiskSpace({ folder, database: file }),
    agent: 'gw-bench',
    boot: 'bench',
    entropy: new Prng(1),
    events: new BufferEvents({ log() {}, count() {}, gauge() {}, observe() {} }),
  });
  const uplinks = [{ name: 'cloud', streams: ['*'] }];
  store.open({ ...defaultSettings, sizeBytes: 2 * GiB, keepFreeShare: 0, uplinks });
  return { store, now: () => ({ wallMicros: Date.now() * 1_000, monotonicMillis: performance.now() }) };
}

function neverSynced(database: Database): Database {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
    pragma: (text) => database.pragma(text.startsWith('synchronous =') ? 'synchronous = OFF' : text),
    close: () => database.close(),
  };
}

/** Readings as sensors send them: two figures of one decimal and a counter. */
export function telemetryBatch(readings: number, number: number): Batch {
  const builder = new BatchBuilder({ stream: 'vibration', clock: 'device', capacity: readings });
  for (let i = 0; i < readings; i++) {
    const at = number * readings + i;
    builder.begin({ tags, timeMicros: 1_700_000_000_000_000 + at * 10_000 });
    builder.set('temp', Math.round(200 + 50 * Math.sin(at / 500) + (at % 7)) / 10);
    builder.set('rms', Math.round(100 * Math.abs(Math.sin(at / 37))) / 10);
    builder.set('count', at);
  }
  return builder.finish();
}

const tags = { machine: 'm4' };

export function entryFor(batch: Batch): EntryToStore {
  const rows = [{ bytes: encodeJournalRow(batch), count: batch.length }];
  return { stream: batch.stream, received: batch.length, filtered: [], marks: [], rows };
}
