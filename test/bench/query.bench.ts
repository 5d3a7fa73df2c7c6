import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Prng } from '#agent/base/prng.ts';
import { GiB } from '#agent/base/units.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import type { JournalStore } from '#agent/buffer/journal-store.ts';
import { parseQuery } from '#agent/query/parse.ts';
import { micros } from '#agent/base/units.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Bench, BenchResult } from './bench.ts';
import { entryFor, openStore } from './store-bench-rig.ts';

/** Series, days and seconds between two readings; 1 s is what the design names, and takes minutes to fill. */
const series = 20;
const days = 30;
const everySeconds = Number(process.env['SEDGE_BENCH_QUERY_SECONDS'] ?? 10);
const readingsTogether = 4_000;
const begin = 1_750_000_000_000_000;

export const benches: Bench[] = [{ name: 'query a month', run: queryMonth }];

function queryMonth(): BenchResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-query-bench-'));
  try {
    const { store } = openStore(folder);
    store.configure({ ...defaultSettings, sizeBytes: 4 * GiB, keepFreeShare: 0 });
    const started = performance.now();
    const readings = fill(store);
    const seconds = (performance.now() - started) / 1_000;
    const name = `p99 by stream of a month, ${series} series every ${everySeconds} s`;
    const quick = least(() => ask(store, 'p99(value), mean(value) by stream since 30d'));
    const raw = least(() => ask(store, 'p99(value) by stream, window(90s) since 1h'), 5);
    const scan = least(() => ask(store, 'distinct(state) of line-0 since 30d'), 1);
    const rows = stats(store);
    const note = `${readings} readings, filled at ${Math.round(readings / seconds)}/s; summaries ${(rows.rollupBytes / 2 ** 20).toFixed(1)} MiB beside ${(rows.blockBytes / 2 ** 20).toFixed(1)} MiB of blocks`;
    store.close();
    return [
      {
        name,
        figure: quick,
        unit: 'CPU ms',
        budget: 50,
        lowerIsBetter: true,
        reference: scan,
        referenceName: 'one stream of it read as it came',
        note,
      },
      {
        name: 'p99 by stream of an hour from its readings',
        figure: raw,
        unit: 'CPU ms',
        lowerIsBetter: true,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const end = begin + days * 86_400e6;

/** Each stream is one series; batches come in the order of time. */
function fill(store: JournalStore): number {
  const random = new Prng(1);
  let readings = 0;
  let at = begin;
  while (at < end) {
    const builders = Array.from(
      { length: series },
      (_, i) => new BatchBuilder({ stream: `line-${i}`, clock: 'device' }),
    );
    for (let row = 0; row < readingsTogether && at < end; row++, at += everySeconds * 1e6) {
      for (const [i, builder] of builders.entries()) {
        builder.begin({ tags: { line: String(i) }, timeMicros: at });
        builder.set('value', Math.round(200 + 50 * Math.sin(at / 4e9) + 10 * random.float()) / 10);
        builder.set('state', random.chance(0.9) ? 'on' : 'off');
      }
    }
    for (const builder of builders) {
      const batch = builder.finish();
      readings += batch.length;
      store.commit([{ kind: 'append', entries: [entryFor(batch)] }], moment());
      while (store.maintain(moment()));
    }
  }
  // A minute later everything is sealed.
  aheadMillis += 120_000;
  while (store.maintain(moment()));
  return readings;
}

let aheadMillis = 0;

function moment(): { wallMicros: number; monotonicMillis: number } {
  return { wallMicros: end, monotonicMillis: performance.now() + aheadMillis };
}

function ask(store: JournalStore, text: string): void {
  store.queries.begin(1, parseQuery(text, micros(end)), moment());
  for (;;) {
    const [outcome] = store.queries.slice(moment);
    if (outcome === undefined) continue;
    if ('error' in outcome) throw outcome.error;
    if (outcome.answer.rows.length === 0) throw new Error('no rows');
    return;
  }
}

/** Least milliseconds of processor time: a query waits for nothing but its core and its pages. */
function least(work: () => void, runs = 15): number {
  const times = Array.from({ length: runs }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...times);
}

function stats(store: JournalStore): { rollupBytes: number; blockBytes: number } {
  const { rollupBytes, streams } = store.stats();
  return { rollupBytes, blockBytes: streams.reduce((sum, { bytes }) => sum + bytes, 0) };
}
