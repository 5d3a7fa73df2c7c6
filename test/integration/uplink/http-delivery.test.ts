import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import { HostClock } from '#agent/host/clock.ts';
import { NodeHttpClient } from '#agent/host/http-client.ts';
import { Receiver, type ReceiverOptions } from '#agent/host/receiver.ts';
import { HttpSink } from '#agent/uplink/sink-http.ts';
import { Uplink, type UplinkOptions } from '#agent/uplink/uplink.ts';
import { MemoryStore } from '#test/support/memory-store.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function receiver(options: Partial<ReceiverOptions> = {}): Promise<Receiver> {
  const folder = await mkdtemp(join(tmpdir(), 'sedge-receiver-'));
  ends.push(() => rm(folder, { recursive: true }));
  const cloud = new Receiver({ folder, listen: '127.0.0.1:0', ...options });
  await cloud.start();
  ends.push(() => cloud.stop());
  return cloud;
}

async function uplink(
  cloud: Receiver,
  store: MemoryStore,
  options: Partial<UplinkOptions> = {},
  /** Of one request; long, so that only a test that asks for it sees one run out. */
  timeoutMs = millis(30_000),
): Promise<Uplink> {
  const clock = new HostClock();
  const client = new NodeHttpClient({ url: cloud.url, connectionsMax: 4 });
  const sink = new HttpSink({ compression: 'auto', headers: {}, timeoutMs }, { client, clock });
  const link = new Uplink(
    {
      name: 'cloud',
      agent: 'gw-7',
      order: 'live_first',
      batchReadings: 50,
      backoff: { minMs: millis(5), maxMs: millis(50) },
      ...options,
    },
    { store, sink, clock, entropy: new Prng(7), telemetry: new SilentTelemetry() },
  );
  await link.start();
  ends.push(() => link.stop());
  return link;
}

test('with 10 % 503s, 1 % time-outs and cut answers everything arrives, once', async () => {
  const cloud = await receiver({ faults: { fail: 0.1, hang: 0.01, cutAfter: 0.05 }, seed: 3 });
  const store = new MemoryStore();
  store.append('vibration', 6_000, { priority: 5 });
  store.append('alarm', 500, { priority: 9 });

  await uplink(cloud, store, {}, millis(200));
  for (let i = 0; i < 40; i++) {
    store.append('vibration', 37);
    await new Promise((resolve) => void setTimeout(resolve, 5));
  }
  await expect.poll(() => store.tally().waiting).toBe(0);

  const summary = new Map(cloud.summary().map((row) => [row.stream, row]));
  expect(summary.get('vibration')).toMatchObject({ received: 7_480, missing: 0, maxOffset: 7_479 });
  expect(summary.get('alarm')).toMatchObject({ received: 500, missing: 0 });
  expect(store.tally()).toMatchObject({ delivered: 7_980, refused: 0 });
  expect(cloud.summary().reduce((sum, row) => sum + row.duplicates, 0)).toBeGreaterThan(0);
});

test('a cloud that goes away and comes back gets all of it', async () => {
  const cloud = await receiver();
  const store = new MemoryStore();
  store.append('vibration', 1_000);
  const link = await uplink(cloud, store);
  await expect.poll(() => store.tally().waiting).toBe(0);

  await cloud.cut();
  store.append('vibration', 1_000);
  await expect.poll(() => link.status().link.downSince).not.toBeNull();
  expect(store.tally().waiting).toBe(1_000);
  await cloud.heal();
  await expect.poll(() => store.tally().waiting).toBe(0);

  expect(cloud.summary()).toMatchObject([{ received: 2_000, missing: 0 }]);
  expect(link.status().link).toMatchObject({ state: 'up', downSince: null });
});

test('a receiver started again on its folder still knows every reading', async () => {
  const cloud = await receiver({ indexEveryBytes: 20_000, fileBytesMax: 50_000 });
  const store = new MemoryStore();
  store.append('vibration', 1_000);
  await uplink(cloud, store);
  await expect.poll(() => store.tally().waiting).toBe(0);
  await cloud.stop();
  await cloud.start();

  const again = new MemoryStore();
  again.append('vibration', 1_200);
  await uplink(cloud, again);
  await expect.poll(() => again.tally().waiting).toBe(0);

  expect(cloud.summary()).toMatchObject([{ received: 1_200, duplicates: 1_000, missing: 0 }]);
});

test('single refused readings go to the dead letter, the others arrive', async () => {
  const cloud = await receiver({ refuse: (line) => (line.offset % 10 === 3 ? 'no threes' : null) });
  const store = new MemoryStore();
  store.append('vibration', 200);

  await uplink(cloud, store);
  await expect.poll(() => store.tally().waiting).toBe(0);

  expect(store.tally()).toMatchObject({ delivered: 180, refused: 20 });
  expect(store.words('vibration').get(13)).toBe('no threes');
});

test('batches too big for the receiver are halved until they fit', async () => {
  const cloud = await receiver({ bodyBytesMax: 2_000, codings: [] });
  const store = new MemoryStore();
  store.append('vibration', 300);

  const link = await uplink(cloud, store, { batchReadings: 100 });
  await expect.poll(() => store.tally().waiting).toBe(0);

  expect(cloud.summary()).toMatchObject([{ received: 300, duplicates: 0 }]);
  expect(link.status().refusedReadings).toBe(0);
});

test('once the receiver has said that it takes zstd, bodies shrink', async () => {
  const cloud = await receiver();
  const store = new MemoryStore();
  store.append('vibration', 5_000);

  const link = await uplink(cloud, store, { batchReadings: 500, inFlight: 1 });
  await expect.poll(() => store.tally().waiting).toBe(0);

  expect(link.status().sentBytes).toBeLessThan(5_000 * 60);
});
