import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import { defaultSettings } from '#agent/buffer/settings.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { HostClock } from '#agent/host/clock.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { NodeHttpClient } from '#agent/host/http-client.ts';
import { Receiver } from '#agent/host/receiver.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { HttpSink } from '#agent/uplink/sink-http.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `sedge-${name}-`));
  ends.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function receiverIn(path: string): Promise<Receiver> {
  const cloud = new Receiver({ folder: path, listen: '127.0.0.1:0' });
  await cloud.start();
  ends.push(() => cloud.stop());
  return cloud;
}

/** One life of a gateway under one agent id: takes these readings, delivers all it has, and ends. Answers the epoch. */
async function live(data: string, cloud: Receiver, values: readonly number[]): Promise<string> {
  const telemetry = new SilentTelemetry();
  const store = new StoreClient({ channel: startDiskThread({ folder: data, agent: 'gw-7' }), telemetry });
  ends.push(() => store.stop());
  await store.start({ ...defaultSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] });
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (const value of values) {
    builder.begin({ tags: {}, timeMicros: value });
    builder.set('n', value);
  }
  const batch = builder.finish();
  const entry = { stream: 's', batch, received: values.length, filtered: [], marks: [] };
  expect(await store.append([entry])).toEqual({ ok: true });
  const clock = new HostClock();
  const client = new NodeHttpClient({ url: cloud.url, connectionsMax: 4 });
  const link = new Uplink(
    { name: 'cloud', agent: 'gw-7', order: 'oldest_first', batchReadings: 50 },
    {
      store,
      sink: new HttpSink({ compression: 'auto', headers: {}, timeoutMs: millis(30_000) }, { client, clock }),
      clock,
      entropy: new Prng(7),
      telemetry,
    },
  );
  await link.start();
  ends.push(() => link.stop());
  await expect
    .poll(async () => (await store.backlog('cloud')).every(({ base, head }) => base === head))
    .toBe(true);
  await link.stop();
  const { epoch } = store;
  await store.stop();
  return epoch;
}

/** Values the receiver has on disk, ascending. */
async function received(path: string): Promise<number[]> {
  const text = await readFile(join(path, 'readings-000001.ndjson'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { values: { n: number } }).values.n)
    .sort((a, b) => a - b);
}

const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, i) => from + i);

test('a folder that is wiped under the same agent id delivers everything it takes then as new', async () => {
  const [data, output] = [await folder('data'), await folder('receiver')];
  const cloud = await receiverIn(output);

  const first = await live(data, cloud, range(0, 150));
  const again = await live(data, cloud, range(150, 200));
  await rm(data, { recursive: true });
  const second = await live(data, cloud, range(1_000, 1_180));

  expect(again).toBe(first);
  expect(second).not.toBe(first);
  expect(await received(output)).toEqual([...range(0, 200), ...range(1_000, 1_180)]);
  const whole = { agent: 'gw-7', stream: 's', summaries: 0, duplicates: 0, missing: 0, gaps: [] };
  expect(cloud.summary()).toEqual([
    { ...whole, epoch: first, received: 200, maxOffset: 199 },
    { ...whole, epoch: second, received: 180, maxOffset: 179 },
  ]);
});

test('a receiver with the index of a release before epochs takes the new lines beside the old ones', async () => {
  const [data, output] = [await folder('data'), await folder('receiver')];
  const old = range(0, 20).map(
    (n) => `${JSON.stringify({ agent: 'gw-7', stream: 's', offset: n, values: { n } })}\n`,
  );
  await writeFile(join(output, 'readings-000001.ndjson'), old.join(''));
  const indexed = { agent: 'gw-7', stream: 's', received: 15, duplicates: 3, runs: [[0, 15]] };
  const bytes = old.slice(0, 15).join('').length;
  await writeFile(
    join(output, 'index.json'),
    JSON.stringify({ version: 1, file: 1, bytes, streams: [indexed] }),
  );
  const cloud = await receiverIn(output);

  const epoch = await live(data, cloud, range(100, 110));
  const repeated = await fetch(cloud.url, { method: 'POST', body: old.join('') });

  expect(await repeated.json()).toEqual({ received: 0, duplicates: 20 });
  expect(cloud.summary()).toMatchObject([
    { epoch: '', received: 20, duplicates: 23, missing: 0 },
    { epoch, received: 10, duplicates: 0, missing: 0 },
  ]);
  await cloud.stop();
  await cloud.start();
  expect(cloud.summary().map((row) => [row.epoch, row.received])).toEqual([
    ['', 20],
    [epoch, 10],
  ]);
});
