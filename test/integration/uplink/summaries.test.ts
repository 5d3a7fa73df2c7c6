import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { millis } from '#agent/base/units.ts';
import { defaultSettings, type StoreSettings } from '#agent/buffer/settings.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { HostClock } from '#agent/host/clock.ts';
import { startDiskThread } from '#agent/host/disk-thread.ts';
import { NodeHttpClient } from '#agent/host/http-client.ts';
import { Receiver } from '#agent/host/receiver.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { decodeNdjson } from '#agent/reading/decode-ndjson.ts';
import { HttpSink } from '#agent/uplink/sink-http.ts';
import { Uplink } from '#agent/uplink/uplink.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';
import { until } from '#test/support/until.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function folder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `sedge-${name}-`));
  ends.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

const batches = 60;
const batchReadings = 200;
/** One more comes when the ladder was at work: too few to be sealed, so that it stays as it came. */
const total = batches * batchReadings + 1;

/** An hour of a machine whose uplink is away, of which everything sealed goes up the ladder. */
async function filled(telemetry: SilentTelemetry): Promise<{ store: StoreClient; sum: number }> {
  const data = await folder('data');
  const store = new StoreClient({ channel: startDiskThread({ folder: data, agent: 'gw-7' }), telemetry });
  ends.push(() => store.stop());
  const settings: StoreSettings = {
    ...defaultSettings,
    keepFreeShare: 0,
    whenFull: 'coarsen',
    ladderShare: 1,
    seal: { readings: 1_000, bytes: 64 * 1024, ageMillis: 3_600_000 },
    uplinks: [{ name: 'cloud', streams: ['*'] }],
  };
  await store.start(settings);
  const random = new Prng(1);
  let sum = 0;
  const append = async (from: number, to: number): Promise<void> => {
    const builder = new BatchBuilder({ stream: 'press', clock: 'device', capacity: to - from });
    for (let i = from; i < to; i++) {
      builder.begin({ tags: { machine: `m${i % 2}` }, timeMicros: 1_700_000_000_000_000 + i * 300_000 });
      builder.set('n', i);
      builder.set('noise', random.float());
      sum += i;
    }
    const batch = builder.finish();
    const entry = { stream: 'press', batch, received: to - from, filtered: [], marks: [] };
    expect(await store.append([entry])).toEqual({ ok: true });
  };
  for (let from = 0; from < total - 1; from += batchReadings) await append(from, from + batchReadings);
  await until('some readings are coarse', async () => {
    const { streams } = await store.ledger();
    return (streams[0]?.coarsened ?? 0) > 5_000;
  });
  // From here on the ladder rests: the last reading stays raw.
  await store.configure({ ...settings, whenFull: 'block' });
  await append(total - 1, total);
  return { store, sum };
}

test('what became coarser while the link was away arrives labelled, whole, and without a gap', async () => {
  const telemetry = new SilentTelemetry();
  const { store, sum } = await filled(telemetry);
  const path = await folder('cloud');
  const cloud = new Receiver({ folder: path, listen: '127.0.0.1:0' });
  await cloud.start();
  ends.push(() => cloud.stop());
  const clock = new HostClock();
  const client = new NodeHttpClient({ url: cloud.url, connectionsMax: 4 });
  const link = new Uplink(
    { name: 'cloud', agent: 'gw-7', order: 'live_first', batchReadings: 150 },
    {
      store,
      sink: new HttpSink({ compression: 'auto', headers: {}, timeoutMs: millis(5_000) }, { client, clock }),
      clock,
      entropy: new Prng(7),
      telemetry,
    },
  );

  await link.start();
  ends.push(() => link.stop());
  await until('nothing waits', async () =>
    (await store.backlog('cloud')).every(({ base, head }) => base === head),
  );

  const [summary] = cloud.summary();
  const decoded = decodeNdjson(await readFile(join(path, 'readings-000001.ndjson')));
  const ledger = await store.ledger();
  if (!decoded.ok) throw new Error(decoded.error);
  const found = { count: 0, sum: 0 };
  for (const { values, span } of decoded.value) {
    found.count += span?.count ?? 1;
    found.sum += Number(values.get(span === null ? 'n' : 'n_sum'));
  }
  expect(found).toEqual({ count: total, sum });
  expect(summary).toMatchObject({ missing: 0, duplicates: 0, maxOffset: total - 1 });
  expect(summary!.summaries).toBeGreaterThan(0);
  expect(new Set(decoded.value.map(({ fidelity }) => fidelity)).size).toBeGreaterThan(1);
  expect(ledger.balanced).toBe(true);
  expect(ledger.streams[0]).toMatchObject({ buffered: 0, dropped: [] });
});
