import { afterEach, beforeEach, expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import type { DiskChannel, DiskReport } from '#agent/buffer/disk-protocol.ts';
import { DiskService, ObservationLog } from '#agent/buffer/disk-service.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { StoreClient } from '#agent/buffer/store-client.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { JournalEntry } from '#agent/reading/journal-entry.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';
import { SilentTelemetry } from '#test/support/silent-telemetry.ts';

const settings = { ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] };

/** The disk thread in this process: turns are taken when the test says so. */
class InProcessDisk implements DiskChannel {
  readonly rig = new StoreRig();
  readonly #log = new ObservationLog();
  readonly #service = new DiskService({
    store: this.rig.store,
    events: new BufferEvents(this.#log),
    log: this.#log,
    now: () => this.rig.now,
  });
  #report: (report: DiskReport) => void = () => {};
  die: (reason: string) => void = () => {};
  retryMillis: number | null = null;
  ended = 0;

  post(request: Parameters<DiskChannel['post']>[0], transfer: readonly ArrayBuffer[]): void {
    this.#service.take(structuredClone(request, { transfer: [...transfer] }));
  }
  onReport(listener: (report: DiskReport) => void): void {
    this.#report = listener;
  }
  onDeath(listener: (reason: string) => void): void {
    this.die = listener;
  }
  end(): Promise<void> {
    this.ended++;
    return Promise.resolve();
  }

  turn(): DiskReport {
    const { report, retryMillis } = this.#service.turn();
    this.retryMillis = retryMillis;
    this.#report(report);
    return report;
  }
}

let disk: InProcessDisk;
let telemetry: SilentTelemetry;
let store: StoreClient;
beforeEach(async () => {
  disk = new InProcessDisk();
  telemetry = new SilentTelemetry();
  store = new StoreClient({ channel: disk, telemetry });
  const started = store.start(settings);
  disk.turn();
  await started;
});
afterEach(() => disk.rig.dispose());

function entry(values: readonly (number | string)[]): JournalEntry {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (const value of values) {
    builder.begin({ tags: { machine: 'a' }, timeMicros: micros(1) });
    builder.set('v', value);
  }
  return { stream: 's', batch: builder.finish(), received: values.length, filtered: [], marks: [] };
}

const settlement = (first: number, count: number) =>
  ({ uplink: 'cloud', stream: 's', first, count, outcome: { kind: 'delivered' }, bytes: 1, day: 1 }) as const;

test('what is asked before a turn shares one commit, and listeners hear once of what grew', async () => {
  const grown: (readonly string[])[] = [];
  store.onGrowth((streams) => grown.push(streams));
  const appends = [store.append([entry([1, 2])]), store.append([entry([3])]), store.settle(settlement(0, 1))];

  disk.turn();

  await expect(Promise.all(appends)).resolves.toEqual([{ ok: true }, { ok: true }, undefined]);
  expect(telemetry.counts.get('buffer_commits')).toBe(1);
  expect(telemetry.counts.get('buffer_committed_readings')).toBe(3);
  expect(grown).toEqual([['s']]);
});

test('a batch comes back as it went', async () => {
  const sent = entry([1.5, -0, 7]);
  const appended = store.append([sent]);
  disk.turn();
  await appended;

  const read = store.read({ stream: 's', from: 1, readings: 10, bytes: 1e6 });
  disk.turn();
  const run = await read;

  expect(run).toMatchObject({ stream: 's', first: 1, fidelity: 'raw' });
  expect([...run!.batch.columns[0]!.values]).toEqual([-0, 7]);
  expect(run!.batch.series).toEqual([{ machine: 'a' }]);
});

test('a batch too large for a row is cut, a reading too large for one is counted as filtered', async () => {
  const huge = 'x'.repeat(300_000);
  const large = 'y'.repeat(9_000);
  const appended = store.append([entry([large, huge, large, large])]);
  disk.turn();
  await expect(appended).resolves.toEqual({ ok: true });

  const asked = store.ledger();
  disk.turn();
  const ledger = await asked;

  expect(ledger.streams[0]).toMatchObject({
    received: 4,
    stored: 3,
    filtered: [{ rule: 'oversize', count: 1 }],
  });
  expect(ledger.balanced).toBe(true);
});

test('a failing disk is told to who appends, and waited for by who settles', async () => {
  const first = store.append([entry([1, 2])]);
  disk.turn();
  await first;
  disk.rig.faults.set({ kind: 'io', atStatement: 4, afterwards: false });
  const appended = store.append([entry([3])]);
  const settled = store.settle(settlement(0, 2));

  disk.turn();
  await expect(appended).resolves.toMatchObject({ ok: false, trouble: 'io' });
  expect(disk.retryMillis).toBeGreaterThan(0);
  disk.turn();

  await expect(settled).resolves.toBeUndefined();
  expect(disk.rig.telemetry.events).toContain('buffer_recovered');
});

test('a settlement that can not be meant rejects with a code', async () => {
  const settled = store.settle(settlement(0, 5));

  disk.turn();

  await expect(settled).rejects.toMatchObject({ code: 'SEDGE_DATA_INVALID' });
});

test('stopping answers what was asked before, once', async () => {
  const appended = store.append([entry([1])]);
  const stopped = store.stop();
  disk.turn();

  await expect(appended).resolves.toEqual({ ok: true });
  await stopped;
  await store.stop();
  expect(disk.ended).toBe(1);
});

test('when the thread dies everybody who waits is told', async () => {
  const appended = store.append([entry([1])]);

  disk.die('exit code 1');

  await expect(appended).rejects.toThrow('the disk thread ended: exit code 1');
  await expect(store.ledger()).rejects.toThrow('the disk thread ended');
});
