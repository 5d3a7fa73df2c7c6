import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { climbing, floodReadings, floodStreams } from './flood-batch.ts';

const child = fileURLToPath(new URL('./flood-child.ts', import.meta.url));
const settings = { ...defaultSettings, keepFreeShare: 0, uplinks: [{ name: 'cloud', streams: ['*'] }] };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-kill-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): StoreClient {
  const channel = startDiskThread({ folder, agent: 'gw-flood' });
  return new StoreClient({ channel, telemetry: new SilentTelemetry() });
}

/** Runs the flood from batch `from` on, kills it after so many acknowledgements, and answers which batches were acknowledged. */
async function floodAndKill(from: number, acknowledgements: number, mode = ''): Promise<number[]> {
  const flood = spawn(process.execPath, [child, folder, String(from), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: flood.stdout })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === acknowledgements) flood.kill('SIGKILL');
  }
  if (flood.exitCode === null && flood.signalCode === null) await once(flood, 'exit');
  return acknowledged;
}

async function everyValue(store: StoreClient): Promise<Map<number, number>> {
  const times = new Map<number, number>();
  for (const stream of floodStreams) {
    for (let at = 0; ;) {
      const run = await store.read({ stream, from: at, readings: 10_000, bytes: 1 << 20 });
      if (run === null) break;
      expect(run.first).toBe(at);
      for (const value of run.batch.columns[0]!.values as Float64Array) {
        times.set(value, (times.get(value) ?? 0) + 1);
      }
      at = run.until;
    }
  }
  return times;
}

test('a process killed in a flood loses no acknowledged reading and doubles none', async () => {
  const acknowledged: number[] = [];
  for (const kill of [40, 333, 1_000]) acknowledged.push(...(await floodAndKill(kill * 10_000, kill)));

  const store = open();
  await store.start(settings);
  const times = await everyValue(store);
  const ledger = await store.ledger();
  const report = await store.fsck({ repair: false });
  await store.stop();

  const lost = acknowledged.filter((number) => {
    for (let i = 0; i < floodReadings; i++) if (!times.has(number * floodReadings + i)) return true;
    return false;
  });
  expect(acknowledged.length).toBeGreaterThanOrEqual(1_373);
  expect(lost).toEqual([]);
  expect([...times.values()].filter((count) => count > 1)).toEqual([]);
  expect(ledger.balanced).toBe(true);
  expect(report.findings).toEqual([]);
});

test('a data folder in use is refused, and free again when its holder is gone', async () => {
  const first = open();
  await first.start(settings);
  const second = open();

  await expect(second.start(settings)).rejects.toMatchObject({ code: 'SEDGE_DATA_LOCKED' });

  await second.stop();
  await first.stop();
  const third = open();
  await third.start(settings);
  expect((await third.ledger()).balanced).toBe(true);
  await third.stop();
});

/** Of all streams, raw and in summaries. */
async function tally(store: StoreClient): Promise<{ count: number; sum: number; summaries: number }> {
  const found = { count: 0, sum: 0, summaries: 0 };
  for (const stream of floodStreams) {
    for (let at = 0; ;) {
      // As an uplink reads: the ladder goes on climbing meanwhile, but makes no summary across what was read.
      const run = await store.read({ stream, from: at, readings: 10_000, bytes: 1 << 20, uplink: 'cloud' });
      if (run === null) break;
      expect(run.first).toBe(at);
      at = run.until;
      const of = (name: string): Float64Array =>
        run.batch.columns.find((one) => one.name === name)!.values as Float64Array;
      const isRaw = run.fidelity === 'raw';
      found.count += isRaw ? run.batch.length : total(of('count'));
      found.sum += total(of(isRaw ? 'v' : 'v_sum'));
      found.summaries += isRaw ? 0 : run.batch.length;
    }
  }
  return found;
}

const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);

test('a process killed while readings become coarser keeps count and sum of all that was stored', async () => {
  let before = { count: 0, sum: 0 };
  for (const kill of [200, 400, 600]) {
    const from = kill * 10_000;
    const acknowledged = await floodAndKill(from, kill, 'ladder');

    const store = open();
    await store.start({ ...settings, ...climbing });
    const found = await tally(store);
    const ledger = await store.ledger();
    const report = await store.fsck({ repair: false });
    await store.stop();

    // What is stored of a flood is a prefix of it: its readings are known by their number.
    const fresh = found.count - before.count;
    const first = from * floodReadings;
    expect(fresh).toBeGreaterThanOrEqual(acknowledged.length * floodReadings);
    expect(found.sum - before.sum).toBe((fresh * (2 * first + fresh - 1)) / 2);
    expect(found.summaries).toBeGreaterThan(0);
    expect(ledger.balanced).toBe(true);
    expect(report.findings).toEqual([]);
    before = found;
  }
});
