import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GiB } from '#agent/base/units.ts';
import { defaultSettings, type StoreSettings } from '#agent/buffer/settings.ts';
import { Prng } from '#agent/base/prng.ts';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Bench, BenchResult } from './bench.ts';
import { entryFor, openStore } from './store-bench-rig.ts';

const blocks = 240;
/** Of them, rewritten before the clock runs: the code is compiled by then, as in an agent that has run for a while. */
const warmBlocks = 80;
const blockReadings = 4_096;

export const benches: Bench[] = [{ name: 'ladder: raw blocks rewritten', run: rewriteRate }];

/**
 * Raw readings a second of processor time that steps of the ladder turn into summaries, reading and writing included, beside sealing the same
 * readings. Processor time, because each slice runs between two commits of one thread.
 */
function rewriteRate(): BenchResult[] {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-bench-'));
  try {
    const { store, now } = openStore(folder);
    const base: StoreSettings = { ...defaultSettings, sizeBytes: 2 * GiB, keepFreeShare: 0 };
    store.configure(base);
    const random = new Prng(1);
    let sealSeconds = 0;
    for (let i = 0; i < blocks; i++) {
      const entries = [entryFor(sensorBatch(random, i))];
      store.commit([{ kind: 'append', entries }], now());
      sealSeconds += processorSeconds(() => store.maintain(now()));
    }
    const readings = blocks * blockReadings;
    store.configure({ ...base, whenFull: 'coarsen', ladderShare: 1 });
    let seconds = 0;
    for (let fresh = 0; fresh < readings;) {
      const step = processorSeconds(() => store.maintain(now()));
      if (fresh >= warmBlocks * blockReadings) seconds += step;
      fresh = store.ledger().streams[0]?.coarsened ?? 0;
    }
    const [stream] = store.stats().streams;
    store.close();
    return [
      {
        name: 'ladder: raw blocks rewritten',
        figure: Math.round((readings - warmBlocks * blockReadings) / seconds),
        unit: 'readings/s',
        budget: 1_000_000,
        reference: Math.round(readings / sealSeconds),
        referenceName: 'sealing the same readings',
        note: `${((stream?.bytes ?? 0) / readings).toFixed(2)} bytes a reading afterwards, three fields`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A second apart: a temperature that drifts, a noisy level, a counter. */
function sensorBatch(random: Prng, number: number): Batch {
  const builder = new BatchBuilder({ stream: 'plant', clock: 'device', capacity: blockReadings });
  for (let i = 0; i < blockReadings; i++) {
    const at = number * blockReadings + i;
    builder.begin({ tags, timeMicros: 1_700_000_000_000_000 + at * 1_000_000 });
    builder.set('temp', Math.round(200 + 50 * Math.sin(at / 5_000) + 3 * random.float()) / 10);
    builder.set('level', Math.round(1_000 * random.float()) / 10);
    builder.set('count', at);
  }
  return builder.finish();
}

function processorSeconds(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1e6;
}

const tags = { machine: 'm4' };
