import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JournalStore } from '#agent/buffer/journal-store.ts';
import { appendAt, openStore } from './clock-child.ts';

const second = 1_000_000;
const child = fileURLToPath(new URL('./clock-child.ts', import.meta.url));
/** Wall time at monotonic 0: of the first boot as it took it and in truth, and of the second. */
const guess = Date.UTC(2026, 0, 1) * 1_000;
const truth = Date.UTC(2026, 10, 21) * 1_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-clock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Appends in another process until so many are acknowledged, kills it, and answers the last acknowledged. */
async function appendAndKill(run: {
  boot: string;
  from: number;
  base: number;
  count: number;
}): Promise<number> {
  const { boot, from, base, count } = run;
  const flood = spawn(process.execPath, [child, folder, boot, String(from), String(base)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = -1;
  for await (const line of createInterface({ input: flood.stdout })) {
    last = Number(line);
    if (last === from + count - 1) flood.kill('SIGKILL');
  }
  if (flood.exitCode === null && flood.signalCode === null) await once(flood, 'exit');
  return last;
}

/** What each reading's time says of the wall time at monotonic 0, by its label. */
function basesOf(store: JournalStore): { count: number; bases: Map<string, number> } {
  const bases = new Map<string, number>();
  let count = 0;
  for (let at = 0; ;) {
    const run = store.read({ stream: 's', from: at, readings: 1_000, bytes: 1 << 20 });
    if (run === null) return { count, bases };
    const [column] = run.batch.columns;
    for (let i = 0; i < run.batch.length; i++) {
      const key = `${run.clock} ${run.batch.timeMicros[i]! - Number(column!.values[i])}`;
      bases.set(key, (bases.get(key) ?? 0) + 1);
    }
    count += run.batch.length;
    at = run.first + run.batch.length;
  }
}

test('readings of a boot without the time survive kills of the agent, and get it all at once when it comes', async () => {
  const first = await appendAndKill({ boot: 'one', from: 0, base: guess, count: 180 });
  const latest = await appendAndKill({ boot: 'one', from: first + 1, base: guess, count: 70 });
  const store = openStore(folder, 'one');
  const before = basesOf(store);
  const waiting = store.stats().streams[0]?.clock.waiting;
  const { floorMicros, base } = store.clockTerms;
  const corrected = store.setClock({ trueBase: truth, trusted: true });
  const after = basesOf(store);
  const blocks = store.stats().streams[0]?.blocks;
  store.close();

  expect(before.count).toBeGreaterThanOrEqual(latest + 1);
  expect([...before.bases]).toEqual([[`unset ${guess}`, before.count]]);
  expect([waiting, corrected]).toEqual([before.count, before.count]);
  expect(base).toBe(guess);
  expect(floorMicros).toBeGreaterThan(guess + (latest - 61) * second);
  expect([...after.bases]).toEqual([[`rebased ${truth}`, before.count]]);
  expect(blocks).toBeGreaterThan(2);
});

test('each boot is corrected by its own clock, and one that ended without the time keeps what it had', async () => {
  await appendAndKill({ boot: 'one', from: 0, base: guess, count: 120 });
  const afterFirst = openStore(folder, 'two');
  const floor = afterFirst.clockTerms.floorMicros;
  afterFirst.close();
  const last = await appendAndKill({ boot: 'two', from: 5, base: floor, count: 60 });
  const store = openStore(folder, 'two');
  store.setClock({ trueBase: truth, trusted: true });
  store.close();
  const later = openStore(folder, 'three');
  expect(appendAt(later, second, truth + 10 * second)).toBe(true);
  const { bases } = basesOf(later);
  const report = later.fsck({ repair: false });
  later.close();

  expect(floor).toBeGreaterThan(guess);
  expect([...bases.keys()]).toEqual([`unset ${guess}`, `rebased ${truth}`, `unset ${truth + 10 * second}`]);
  expect(bases.get(`rebased ${truth}`)).toBeGreaterThanOrEqual(last - 4);
  expect(report.findings).toEqual([]);
});
