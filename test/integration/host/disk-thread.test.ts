import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { DiskThread } from '#agent/host/disk-thread.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const prebuilt = `linux-${process.arch}.node`;
const addon = fileURLToPath(
  new URL(`../../../node_modules/better-sqlite3/prebuilds/${prebuilt}`, import.meta.url),
);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-disk-thread-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['an addon', addon],
  ['a file that is none', '/dev/null'],
])('a disk thread that was warmed up with %s serves a folder afterwards', async (_, path) => {
  const disk = new DiskThread();
  disk.warmUp({ addon: path });
  disk.warmUp({ addon: path });

  const store = new StoreClient({
    channel: disk.serve({ folder, agent: 'gw-warm' }),
    telemetry: new SilentTelemetry(),
  });
  await store.start({ ...defaultSettings, keepFreeShare: 0 });
  const { streams } = await store.ledger();
  await store.stop();

  expect(streams).toEqual([]);
});
