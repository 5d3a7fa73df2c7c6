import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '#agent/base/assert.ts';
import { Prng } from '#agent/base/prng.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { JournalStore } from '#agent/buffer/journal-store.ts';
import { defaultSettings, type StoreSettings } from '#agent/buffer/settings.ts';
import type { EntryToStore } from '#agent/buffer/append.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { HostDiskSpace } from '#agent/host/disk-space.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import type { StoredRun } from '#agent/ports/store.ts';
import type { Database } from '#agent/ports/database.ts';
import type { DiskSpace } from '#agent/ports/disk-space.ts';
import type { Telemetry } from '#agent/ports/telemetry.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { MiB } from '#agent/base/units.ts';
import { faulty, Faults } from './fault-database.ts';

/** A small store: fills quickly, seals quickly. */
export const smallSettings: StoreSettings = {
  ...defaultSettings,
  sizeBytes: 2 * MiB,
  keepFreeShare: 0,
  seal: { readings: 20, bytes: 64 * 1024, ageMillis: 1_000 },
};

/** Of a store in which everything goes up the ladder as soon as it may. */
export const climbingSettings: StoreSettings = {
  ...smallSettings,
  whenFull: 'coarsen',
  ladderShare: 1,
  seal: { readings: 60, bytes: 8_192, ageMillis: 50 },
  uplinks: [],
};

/** A telemetry that keeps the names of what happened. */
export class EventNames implements Telemetry {
  readonly events: string[] = [];
  readonly counts = new Map<string, number>();
  log(_level: string, event: string): void {
    this.events.push(event);
  }
  count(name: string, _labels?: unknown, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }
  gauge(): void {}
  observe(): void {}
}

/** A store on a real file, its faults, its clock, and the way to crash and reopen it. */
export class StoreRig {
  readonly folder: string;
  readonly file: string;
  readonly faults = new Faults();
  readonly telemetry = new EventNames();
  readonly space: DiskSpace & { freeBytes: number };
  now = { wallMicros: 1_800_000_000_000_000, monotonicMillis: 5_000 };
  store: JournalStore;
  raw: Database | null = null;
  boot = 'boot-1';
  readonly #entropy = new Prng(1);

  constructor() {
    // Memory-backed where there is one: the model is about order and rollback, not about the device.
    this.folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sedge-store-'));
    this.file = join(this.folder, 'buffer.db');
    const host = new HostDiskSpace({ folder: this.folder, database: this.file });
    this.space = {
      database: this.file,
      files: () => host.files(),
      freeBytes: 1024 * MiB,
      room() {
        return { freeBytes: this.freeBytes, totalBytes: 2048 * MiB };
      },
      walBytes: () => host.walBytes(),
      reserveBytes: () => host.reserveBytes(),
      holdReserve: (bytes) => host.holdReserve(bytes),
      releaseReserve: () => host.releaseReserve(),
    };
    this.store = this.#newStore();
  }

  /** What a new process finds. */
  reborn(): JournalStore {
    this.raw?.close();
    this.raw = null;
    this.store = this.#newStore();
    return this.store;
  }

  /** A second store on a copy of the files, as a process finds it that starts after a crash. */
  crashed(file: string): JournalStore {
    const store = new JournalStore({
      open: () => openSqlite({ file }),
      space: new HostDiskSpace({ folder: this.folder, database: file }),
      agent: 'gw-test',
      boot: this.boot,
      entropy: this.#entropy,
      events: new BufferEvents(this.telemetry),
    });
    store.open(smallSettings);
    return store;
  }

  /** Offsets kept of each stream, by name, as the tables have them: the mirror in memory is not asked. */
  kept(): Map<string, Set<number>> {
    const kept = new Map<string, Set<number>>();
    assert(this.raw !== null, 'the store is open');
    for (const { name, first, count } of this.raw.prepare<SegmentRow>(segments).all()) {
      let offsets = kept.get(name);
      if (offsets === undefined) kept.set(name, (offsets = new Set()));
      for (let at = first; at < first + count; at++) offsets.add(at);
    }
    return kept;
  }

  /** Offsets that summaries stand for, of each stream. */
  coarse(): Map<string, number> {
    assert(this.raw !== null, 'the store is open');
    const rows = this.raw
      .prepare<{ name: string; readings: number }>(
        "SELECT name, sum(count) AS readings FROM blocks JOIN streams ON streams.id = stream WHERE fidelity <> 'raw' GROUP BY name",
      )
      .all();
    return new Map(rows.map(({ name, readings }) => [name, readings]));
  }

  dispose(): void {
    this.raw?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  tick(millis: number): void {
    this.now = {
      wallMicros: this.now.wallMicros + millis * 1_000,
      monotonicMillis: this.now.monotonicMillis + millis,
    };
  }

  #newStore(): JournalStore {
    return new JournalStore({
      open: () => {
        this.raw = openSqlite({ file: this.file });
        return faulty(this.raw, this.faults);
      },
      space: this.space,
      agent: 'gw-test',
      boot: this.boot,
      entropy: this.#entropy,
      events: new BufferEvents(this.telemetry),
    });
  }
}

interface SegmentRow {
  name: string;
  first: number;
  count: number;
}

const segments = `
  SELECT name, first, count FROM blocks JOIN streams ON streams.id = stream
  UNION ALL SELECT name, first, count FROM journal JOIN streams ON streams.id = stream`;

/** An entry whose readings carry these numbers in column `v`, and so many bytes of text each. */
export function entryOf(
  stream: string,
  values: readonly number[],
  options: { filtered?: number; textBytes?: number; clock?: 'device' | 'agent' } = {},
): EntryToStore {
  const filtered = options.filtered ?? 0;
  const builder = new BatchBuilder({ stream, clock: options.clock ?? 'device' });
  for (const value of values) {
    builder.begin({ tags: tags[value % 2]!, timeMicros: 1_700_000_000_000_000 + value * 1_000 });
    builder.set('v', value);
    if (options.textBytes !== undefined) builder.set('text', noise(value, options.textBytes));
  }
  const batch = builder.finish();
  return {
    stream,
    received: values.length + filtered,
    filtered: filtered === 0 ? [] : [{ rule: '1:deadband', count: filtered }],
    marks: [],
    rows: values.length === 0 ? [] : [{ bytes: encodeJournalRow(batch), count: batch.length }],
  };
}

const tags = [{ machine: 'a' }, { machine: 'b' }] as const;

/** Text that does not compress away: a cut from one long run of random letters. */
function noise(seed: number, length: number): string {
  if (letters === null) {
    const random = new Prng(1);
    const words: string[] = [];
    while (words.length * 6 < 2 * MiB) words.push(random.uint32().toString(36).padStart(7, '0').slice(1));
    letters = words.join('');
  }
  const at = (seed * (length + 1)) % (letters.length - length);
  return letters.slice(at, at + length);
}

let letters: string | null = null;

/** Every reading of a stream by offset, as a reader that walks from 0 to the head finds it; NaN for what summaries stand for. */
export function readAll(
  store: JournalStore,
  stream: string,
  step = 7,
  onSummaries?: (run: StoredRun) => void,
): Map<number, number> {
  const found = new Map<number, number>();
  for (let at = 0; ;) {
    const run = store.read({ stream, from: at, readings: step, bytes: 1 << 20 });
    if (run === null) return found;
    if (run.first < at) throw new Error(`read from ${at} answered ${run.first}`);
    const column = run.batch.columns.find((one) => one.name === 'v');
    if (run.fidelity !== 'raw') {
      for (let offset = run.first; offset < run.until; offset++) found.set(offset, NaN);
      onSummaries?.(run);
    } else for (let i = 0; i < run.batch.length; i++) found.set(run.first + i, Number(column?.values[i]));
    at = run.until;
  }
}
