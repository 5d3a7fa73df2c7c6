import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { entryBatch } from './flood-batch.ts';

const settings = { ...defaultSettings, keepFreeShare: 0, uplinks: [{ name: 'cloud', streams: ['*'] }] };

let folder = '';
let store: StoreClient;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-taken-'));
  store = open();
  await store.start(settings);
});
afterEach(async () => {
  await store.stop().catch(() => undefined);
  for (const one of [folder, `${folder}-away`]) rmSync(one, { recursive: true, force: true });
});

function open(): StoreClient {
  const channel = startDiskThread({ folder, agent: 'gw-taken' });
  return new StoreClient({ channel, telemetry: new SilentTelemetry() });
}

function entriesOf(number: number) {
  const batch = entryBatch(number);
  return [{ stream: batch.stream, batch, received: batch.length, filtered: [], marks: [] }];
}

test('a folder deleted under a running agent: nothing more is acknowledged, what is kept is sent, then the thread ends and a restart begins anew', async () => {
  const { epoch } = store;
  await store.append(entriesOf(0));
  rmSync(folder, { recursive: true });

  const refused = await store.append(entriesOf(1));
  const stream = 'flood-0';
  const run = await store.read({ stream, from: 0, readings: 100, bytes: 1 << 20 });
  const backlog = await store.backlog('cloud');
  for (const { stream: name, base, head } of backlog) {
    const outcome = { kind: 'delivered' } as const;
    // The settlement that empties the buffer may find the thread gone.
    await store
      .settle({ uplink: 'cloud', stream: name, first: base, count: head - base, outcome, bytes: 1, day: 1 })
      .catch(() => undefined);
  }
  const death = await store.died;
  await store.stop();
  store = open();
  await store.start(settings);

  expect(refused).toMatchObject({ ok: false, trouble: 'io' });
  expect(refused).toHaveProperty('message', expect.stringContaining(join(folder, 'buffer.db')));
  expect(run?.batch.length).toBe(50);
  expect(death.message).toContain('was taken away');
  expect(store.epoch).not.toBe(epoch);
  expect(await store.append(entriesOf(1))).toEqual({ ok: true });
});

test('a folder moved away and back under a running agent: what was appended meanwhile is stored once', async () => {
  await store.append(entriesOf(0));
  renameSync(folder, `${folder}-away`);
  const entries = entriesOf(3);

  const meanwhile = await store.append(entries);
  const other = await store.append(entriesOf(6));
  renameSync(`${folder}-away`, folder);
  const again = await store.append(entries);

  expect(meanwhile).toMatchObject({ ok: false, trouble: 'io' });
  expect(other).toMatchObject({ ok: false, trouble: 'io' });
  expect(again).toEqual({ ok: true });
  expect((await store.backlog('cloud')).map(({ head }) => head)).toEqual([100]);
  expect(existsSync(join(folder, 'buffer.db'))).toBe(true);
});
