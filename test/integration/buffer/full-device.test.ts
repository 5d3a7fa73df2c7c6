import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, type TestContext } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { MiB } from '#agent/base/units.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { JournalEntry } from '#agent/reading/journal-entry.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const settings = {
  ...defaultSettings,
  sizeBytes: 64 * MiB,
  keepFreeShare: 0,
  uplinks: [{ name: 'cloud', streams: ['*'] }],
};

let mount = '';
let refusal = '';
let store: StoreClient;
beforeEach(async () => {
  mount = mkdtempSync(join(tmpdir(), 'sedge-full-'));
  refusal = '';
  refused = [];
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', mount], { stdio: 'pipe' });
  } catch (error) {
    refusal = `mount refused: ${(error as Error).message.split('\n').at(-2) ?? ''}`;
    return;
  }
  const channel = startDiskThread({ folder: mount, agent: 'gw-full' });
  store = new StoreClient({ channel, telemetry: new SilentTelemetry() });
  await store.start(settings);
});
afterEach(async () => {
  if (refusal === '') {
    await store.stop();
    execFileSync('umount', ['-l', mount]);
  }
  rmSync(mount, { recursive: true, force: true });
});

function entry(number: number): JournalEntry {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  const random = new Prng(number);
  for (let i = 0; i < 100; i++) {
    builder.begin({ tags: {}, timeMicros: number * 1_000 + i });
    builder.set('v', number * 100 + i);
    builder.set('noise', random.float());
  }
  return { stream: 's', batch: builder.finish(), received: 100, filtered: [], marks: [] };
}

/** What was refused, in order: nothing may overtake it. */
let refused: JournalEntry[][] = [];

/** As the intake does: false when the store still takes no more. */
async function appendRefused(): Promise<boolean> {
  while (refused[0] !== undefined) {
    if (!(await store.append(refused[0])).ok) return false;
    refused.shift();
  }
  return true;
}

async function fillUntilRefused(from: number): Promise<{ acknowledged: number; trouble: string }> {
  for (let number = from; number < from + 60_000;) {
    const lists = Array.from({ length: 16 }, (_, i) => [entry(number + i)]);
    const outcomes = await Promise.all(lists.map((list) => store.append(list)));
    refused = lists.filter((_, i) => outcomes[i]?.ok === false);
    for (const outcome of outcomes) {
      if (!outcome.ok) return { acknowledged: number - from, trouble: outcome.trouble };
      number++;
    }
  }
  throw new Error('never full');
}

/** Delivers all that waits, in order, and answers the values. */
async function drain(): Promise<number[]> {
  const values: number[] = [];
  for (;;) {
    const [backlog] = await store.backlog('cloud');
    const run = await store.read({ stream: 's', from: backlog!.base, readings: 1_000, bytes: 1 << 20 });
    if (run === null) return values;
    values.push(...(run.batch.columns[0]!.values as Float64Array));
    await store.settle({
      uplink: 'cloud',
      stream: 's',
      first: run.first,
      count: run.batch.length,
      outcome: { kind: 'delivered' },
      bytes: 1,
      day: 1,
    });
  }
}

test('a device smaller than the cap is filled to its own edge, and takes readings again after a drain', async (context: TestContext) => {
  if (refusal !== '') context.skip(refusal);

  const first = await fillUntilRefused(0);
  const occupied = (await store.stats()).occupiedBytes;
  const values = await drain();
  const again = await appendRefused();
  const second = await fillUntilRefused(1_000_000);

  expect(first.trouble).toBe('full');
  expect(occupied).toBeLessThanOrEqual(12 * MiB);
  expect(values.length).toBeGreaterThanOrEqual(first.acknowledged * 100);
  expect(again).toBe(true);
  expect(second.acknowledged).toBeGreaterThan(10);
  expect((await store.ledger()).balanced).toBe(true);
  expect((await store.fsck({ repair: false })).findings).toEqual([]);
});

test('a device filled by somebody else refuses, still settles, and goes on when there is room', async (context: TestContext) => {
  if (refusal !== '') context.skip(refusal);
  for (let number = 0; number < 20; number++) await store.append([entry(number)]);
  const ballast = join(mount, 'ballast');
  try {
    for (let i = 0; ; i++) writeFileSync(ballast, new Uint8Array(64 * 1024), { flag: 'a' });
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }

  const meanwhile = await fillUntilRefused(100);
  const values = await drain();
  rmSync(ballast);
  const again = await appendRefused();
  const after = await store.append([entry(70_000)]);

  expect(meanwhile.trouble).toBe('full');
  expect(values.length).toBeGreaterThanOrEqual(2_000 + meanwhile.acknowledged * 100);
  expect(again).toBe(true);
  expect(after).toEqual({ ok: true });
  expect((await store.ledger()).balanced).toBe(true);
  expect((await store.fsck({ repair: false })).findings).toEqual([]);
});
