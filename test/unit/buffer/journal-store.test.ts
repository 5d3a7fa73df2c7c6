import { afterEach, beforeEach, expect, test } from 'vitest';
import { crc32c } from '#agent/base/crc32c.ts';
import type { WriteRequest } from '#agent/buffer/pages-touched.ts';
import type { StoreSettings } from '#agent/buffer/settings.ts';
import { MiB } from '#agent/base/units.ts';
import { markRowsPerSourceMax } from '#agent/buffer/limits.ts';
import type { DeliveryMark } from '#agent/reading/journal-entry.ts';
import { eachMark, encodeMarks } from '#agent/reading/mark-bytes.ts';
import { entryOf, readAll, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const cloud = [{ name: 'cloud', streams: ['*'] }];
const both = [...cloud, { name: 'hub', streams: ['*'] }];

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig.dispose());

function open(settings: Partial<StoreSettings> = {}): StoreRig['store'] {
  rig.store.open({ ...smallSettings, uplinks: cloud, ...settings });
  return rig.store;
}

function append(stream: string, values: readonly number[], options: Parameters<typeof entryOf>[2] = {}) {
  return rig.store.commit([{ kind: 'append', entries: [entryOf(stream, values, options)] }], rig.now);
}

function settlement(
  first: number,
  count: number,
  options: { uplink?: string; refused?: string; stream?: string; day?: number } = {},
): WriteRequest {
  const { uplink = 'cloud', stream = 's', refused, day = 1 } = options;
  const outcome =
    refused === undefined ? ({ kind: 'delivered' } as const) : ({ kind: 'refused', words: refused } as const);
  return { kind: 'settle', settlement: { uplink, stream, first, count, outcome, bytes: 100, day } };
}

const settle = (...parameters: Parameters<typeof settlement>) =>
  rig.store.commit([settlement(...parameters)], rig.now).outcomes[0];

const range = (from: number, until: number) => Array.from({ length: until - from }, (_, i) => from + i);
const ledgerOf = (stream: string) => rig.store.ledger().streams.find((one) => one.stream === stream);

function seal(): void {
  rig.tick(100_000);
  while (rig.store.maintain(rig.now));
}

test('offsets go on across batches, streams and restarts', () => {
  open();
  append('s', [1, 2]);
  append('t', [9]);
  append('s', [3]);
  rig.reborn();
  open();

  append('s', [4]);

  expect([...readAll(rig.store, 's')]).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ]);
});

test('a hole in the journal stays a hole when what is around it is sealed', () => {
  open();
  for (let i = 0; i < 3; i++) append('s', range(i * 10, i * 10 + 10));
  settle(10, 10);
  const before = readAll(rig.store, 's');

  seal();
  seal();

  expect(before.size).toBe(20);
  expect(readAll(rig.store, 's')).toEqual(before);
});

test('an append is answered ok exactly when it is there, whichever statement meets a failing disk', () => {
  open();
  append('s', [0]);
  let stored = 1;
  let stood = 0;
  for (let atStatement = 1; atStatement < 24; atStatement++) {
    rig.faults.set({ kind: 'io', atStatement, afterwards: true });
    const answered = append('s', [stored]).outcomes[0]?.ok === true;
    if (answered) stored++;
    if (answered && rig.faults.struck) stood++;
    rig.faults.set(null);

    expect(readAll(rig.store, 's').size, `fault at statement ${atStatement}`).toBe(stored);
  }
  expect(stood).toBeGreaterThan(0);
});

test('reading answers the same before and after sealing, across both, in steps of any size', () => {
  open();
  for (let i = 0; i < 10; i++)
    append('s', range(i * 7, i * 7 + 7), { clock: i % 3 === 0 ? 'agent' : 'device' });
  const before = readAll(rig.store, 's', 5);
  const clockBefore = rig.store.read({ stream: 's', from: 8, readings: 100, bytes: 1e6 })?.batch.clock;

  seal();

  expect(rig.store.stats().streams[0]?.blocks).toBeGreaterThan(1);
  for (const step of [1, 5, 64]) expect(readAll(rig.store, 's', step)).toEqual(before);
  expect(rig.store.read({ stream: 's', from: 8, readings: 100, bytes: 1e6 })?.batch.clock).toBe(clockBefore);
});

test('a read stays within the readings, the bytes and the end it was given', () => {
  open();
  append('s', range(0, 50));

  expect(rig.store.read({ stream: 's', from: 3, until: 9, readings: 100, bytes: 1e6 })?.batch.length).toBe(6);
  expect(rig.store.read({ stream: 's', from: 3, readings: 4, bytes: 1e6 })?.batch.length).toBe(4);
  expect(rig.store.read({ stream: 's', from: 3, readings: 100, bytes: 1 })?.batch.length).toBe(1);
  expect(rig.store.read({ stream: 's', from: 50, readings: 100, bytes: 1e6 })).toBeNull();
});

test('what every uplink has settled is let go of and counted as delivered', () => {
  open({ uplinks: both });
  append('s', range(0, 10));

  settle(0, 10);
  expect(ledgerOf('s')).toMatchObject({ delivered: 0, buffered: 10 });
  settle(0, 10, { uplink: 'hub' });

  expect(ledgerOf('s')).toMatchObject({ delivered: 10, buffered: 0, balanced: true });
  expect(rig.store.read({ stream: 's', from: 0, readings: 1, bytes: 1e6 })).toBeNull();
});

test('settling out of order lets go of what is whole, and the base follows when the hole closes', () => {
  open();
  for (let i = 0; i < 3; i++) append('s', range(i * 10, i * 10 + 10));

  settle(20, 10);
  expect(rig.store.backlog('cloud')[0]).toMatchObject({ base: 0, settled: [[20, 30]] });
  expect(ledgerOf('s')).toMatchObject({ delivered: 10, buffered: 20 });
  settle(0, 20);

  expect(rig.store.backlog('cloud')[0]).toMatchObject({ base: 30, settled: [], oldestMicros: null });
  expect(ledgerOf('s')).toMatchObject({ delivered: 30, buffered: 0 });
});

test('settling twice counts once', () => {
  open();
  append('s', range(0, 10));

  settle(0, 6);
  settle(3, 7);
  settle(0, 10);

  expect(rig.store.ledger().cursors[0]).toMatchObject({ delivered: 10, waiting: 0, balanced: true });
});

test('refused readings are dropped under the name of who refused, with a copy that says why', () => {
  open({ uplinks: both });
  append('s', range(0, 10));

  settle(2, 3, { refused: 'no such sensor' });
  settle(0, 10);
  settle(0, 10, { uplink: 'hub' });

  expect(ledgerOf('s')).toMatchObject({ delivered: 7, dropped: [{ rule: 'refused:cloud', count: 3 }] });
  expect(rig.raw?.prepare('SELECT * FROM forfeits').all()).toEqual([]);
  const copies = rig.store.read({ stream: '_dead_letter', from: 0, readings: 10, bytes: 1e6 })!.batch;
  const column = (name: string) => [...(copies.columns.find((one) => one.name === name)?.values ?? [])];
  expect(column('v')).toEqual([2, 3, 4]);
  expect(column('_offset')).toEqual([2, 3, 4]);
  expect(column('_reason')[0]).toBe('no such sensor');
  expect(column('_uplink')[0]).toBe('cloud');
  expect(column('_stream')[0]).toBe('s');
  expect(rig.store.backlog('cloud').map((one) => one.stream)).toEqual(['s']);
});

test('a refusal of more than the dead letters may hold keeps the count, not the copies', () => {
  open();
  for (let i = 0; i < 6; i++) append('s', [i], { textBytes: 40_000 });

  settle(0, 6, { refused: 'too large' });

  const letters = ledgerOf('_dead_letter');
  expect(letters).toMatchObject({ received: 6, balanced: true });
  expect(letters?.buffered).toBeLessThan(6);
});

test('a settlement nobody can mean is refused alone, the rest of its group is committed', () => {
  open();
  append('s', range(0, 10));

  const { outcomes } = rig.store.commit(
    [
      settlement(5, 10),
      settlement(0, 4),
      settlement(0, 1, { uplink: 'nobody' }),
      settlement(0, 1, { stream: 't' }),
    ],
    rig.now,
  );

  expect(outcomes.map((outcome) => outcome.ok)).toEqual([false, true, false, false]);
  expect(rig.store.backlog('cloud')[0]?.base).toBe(4);
});

test('the 65th settled range is refused, closing a hole is not', () => {
  open();
  append('s', range(0, 200));
  for (let i = 0; i < 64; i++) expect(settle(2 + i * 2, 1)?.ok).toBe(true);

  expect(settle(180, 1)?.ok).toBe(false);
  expect(settle(3, 1)?.ok).toBe(true);
  expect(settle(180, 1)?.ok).toBe(true);
});

test('a new uplink begins at the oldest reading kept; one that goes holds nothing back', () => {
  open();
  append('s', range(0, 10));
  append('s', range(10, 20));
  settle(0, 10);

  rig.store.configure({ ...smallSettings, uplinks: both });
  expect(rig.store.backlog('hub')[0]).toMatchObject({ base: 10, head: 20 });
  settle(10, 10);
  expect(ledgerOf('s')).toMatchObject({ delivered: 10, buffered: 10 });
  rig.store.configure({ ...smallSettings, uplinks: cloud });

  expect(ledgerOf('s')).toMatchObject({ delivered: 20, buffered: 0, balanced: true });
  rig.store.configure({ ...smallSettings, uplinks: both });
  expect(rig.store.ledger().cursors.find((one) => one.uplink === 'hub')).toMatchObject({
    dropped: 10,
    waiting: 0,
    balanced: true,
  });
});

test('readings no uplink takes are kept', () => {
  open({ uplinks: [] });
  append('s', range(0, 10));
  seal();

  expect(ledgerOf('s')).toMatchObject({ buffered: 10, balanced: true });
});

/** Appends big readings until one is not stored as asked. */
function fill(stream: string, from = 0): number {
  for (let i = from; i < from + 500; i++) {
    const dropped = ledgerOf(stream)?.dropped.length ?? 0;
    if (append(stream, [i], { textBytes: 30_000 }).outcomes[0]?.ok !== true) return i;
    if ((ledgerOf(stream)?.dropped.length ?? 0) > dropped) return i;
  }
  throw new Error('never full');
}

test('a full buffer refuses, keeps all it has, leaves room for the urgent, and goes on after a drain', () => {
  open({ streams: [{ name: 'urgent', priority: 8 }] });

  const stored = fill('s');
  const urgent = append('urgent', [1], { textBytes: 30_000 }).outcomes[0];
  expect(ledgerOf('s')).toMatchObject({ buffered: stored, dropped: [] });
  expect(urgent).toEqual({ ok: true });
  expect(rig.store.stats().occupiedBytes).toBeLessThanOrEqual(2 * MiB);
  settle(0, stored - 1);

  expect(append('s', [1], { textBytes: 30_000 }).outcomes[0]).toEqual({ ok: true });
});

test('an append behind a refused one is refused with it, in the same group, and settlements are not', () => {
  open();
  append('s', range(0, 10));
  const tooLarge = entryOf('s', [1], { textBytes: 400_000 });

  const { outcomes } = rig.store.commit(
    [
      { kind: 'append', entries: [tooLarge] },
      { kind: 'append', entries: [entryOf('s', [1])] },
      settlement(0, 5),
    ],
    rig.now,
  );

  expect(outcomes.map(({ ok }) => ok)).toEqual([false, false, true]);
  expect(ledgerOf('s')).toMatchObject({ received: 10 });
});

test('drop_oldest takes the least important first, and never what is more important than the newcomer', () => {
  open({
    whenFull: 'drop_oldest',
    streams: [
      { name: 'low', priority: 1 },
      { name: 'high', priority: 8 },
    ],
  });
  for (let i = 0; i < 5; i++) append('low', [i], { textBytes: 30_000 });
  for (let i = 0; ledgerOf('high')?.dropped.length !== 1; i++) append('high', [i], { textBytes: 30_000 });

  expect(ledgerOf('low')).toMatchObject({ buffered: 0, dropped: [{ rule: 'drop_oldest', count: 5 }] });
  const before = ledgerOf('high');
  append('low', [9], { textBytes: 60_000 });

  expect(ledgerOf('high')).toEqual(before);
  expect(ledgerOf('low')).toMatchObject({ stored: 6, dropped: [{ rule: 'drop_oldest', count: 6 }] });
  expect(rig.store.ledger().balanced).toBe(true);
  expect(rig.store.backlog('cloud').find((one) => one.stream === 'low')?.base).toBe(6);
});

test('a damaged block is set aside when it is met, with its offsets, and the next reading follows', () => {
  open();
  append('s', range(0, 30));
  append('s', range(30, 60));
  seal();
  rig.raw?.prepare("UPDATE payloads SET bytes = x'00112233' WHERE id = 1").run();

  const run = rig.store.read({ stream: 's', from: 0, readings: 5, bytes: 1e6 });

  expect(run?.first).toBe(30);
  expect(ledgerOf('s')).toMatchObject({ dropped: [{ rule: 'damaged', count: 30 }], balanced: true });
  expect(rig.store.backlog('cloud')[0]?.base).toBe(30);
  expect(rig.telemetry.events).toContain('buffer_quarantined');
});

test('fsck finds what is damaged or miscounted, and repairs it when asked', () => {
  open();
  append('s', range(0, 30));
  append('s', range(30, 60));
  seal();
  rig.raw?.prepare("UPDATE payloads SET bytes = x'00' WHERE id = 2").run();
  rig.raw?.prepare('UPDATE streams SET block_readings = 7').run();
  rig.reborn();
  open();

  const found = rig.store.fsck({ repair: false });
  rig.store.fsck({ repair: true });
  const after = rig.store.fsck({ repair: false });

  expect(found.findings.map((one) => one.kind)).toEqual(['damaged', 'aggregate', 'ledger']);
  expect(found.findings[0]).toMatchObject({ stream: 's', first: 30, count: 30, repaired: false });
  expect(after).toMatchObject({ findings: [], setAside: 30 });
  expect(ledgerOf('s')).toMatchObject({ buffered: 30, balanced: true });
});

const meetings: readonly (readonly [string, () => void])[] = [
  ['upkeep', () => seal()],
  ['a reader', () => void readAll(rig.store, 's')],
];

test.for(meetings)(
  'fsck names what %s set aside since the store was opened, and counts it from then on',
  ([, meet]) => {
    open();
    append('s', range(0, 30));
    append('s', range(30, 60));
    rig.raw?.prepare("UPDATE journal SET row = x'00' WHERE first = 0").run();
    rig.reborn();
    open();
    meet();

    const found = rig.store.fsck({ repair: false });
    const again = rig.store.fsck({ repair: false });
    rig.reborn();
    open();
    const later = rig.store.fsck({ repair: false });

    expect(found).toMatchObject({
      setAside: 0,
      findings: [{ kind: 'damaged', stream: 's', first: 0, count: 30, repaired: true }],
    });
    expect(again).toMatchObject({ setAside: 30, findings: [] });
    expect(later).toMatchObject({ setAside: 30, findings: [] });
  },
);

test('a row with a time that no block can hold is set aside, and what follows it is sealed', () => {
  open();
  const { rows, ...entry } = entryOf('s', [1]);
  const bytes = rows[0]!.bytes.slice();
  const view = new DataView(bytes.buffer);
  // Behind magic, version, flags and the number of readings.
  view.setFloat64(4, 2 ** 53, true);
  view.setUint32(bytes.length - 4, crc32c(bytes.subarray(0, -4)), true);
  rig.store.commit([{ kind: 'append', entries: [{ ...entry, rows: [{ bytes, count: 1 }] }] }], rig.now);
  append('s', [2, 3]);

  seal();

  expect([...readAll(rig.store, 's')]).toEqual([
    [1, 2],
    [2, 3],
  ]);
  expect(ledgerOf('s')).toMatchObject({
    buffered: 2,
    dropped: [{ rule: 'damaged', count: 1 }],
    balanced: true,
  });
});

test('purging takes whole segments below the offset, for everybody or for one uplink', () => {
  open({ uplinks: both });
  for (let i = 0; i < 3; i++) append('s', range(i * 10, i * 10 + 10));

  expect(rig.store.purge({ stream: 's', until: 15 })).toBe(10);
  expect(rig.store.purge({ stream: 's', uplink: 'hub' })).toBe(20);
  settle(10, 20);

  expect(ledgerOf('s')).toMatchObject({
    buffered: 0,
    delivered: 0,
    dropped: [
      { rule: 'purged', count: 10 },
      { rule: 'purged:hub', count: 20 },
    ],
    balanced: true,
  });
});

test('delivery marks answer in the order of their commits, across restarts', () => {
  open();
  commitMarks(markOf(1, 'seen'), markOf(65_535, 'seen'));
  commitMarks(markOf(1, 'released'));
  rig.reborn();
  open();

  expect(marksOf('line')).toEqual([markOf(1, 'seen'), markOf(65_535, 'seen'), markOf(1, 'released')]);
  expect(marksOf('other')).toEqual([]);
});

test('of a source that brings one message a commit, the marks of the last commits are kept', () => {
  open();
  for (let i = 1; i <= markRowsPerSourceMax + 2; i += 512) {
    const some = range(i, Math.min(i + 512, markRowsPerSourceMax + 3));
    rig.store.commit(
      some.map((packetId) => ({
        kind: 'append',
        entries: [{ ...entryOf('s', []), marks: encodeMarks([markOf(packetId, 'released')]) }],
      })),
      rig.now,
    );
  }

  expect(marksOf('line').map(({ packetId }) => packetId)).toEqual(range(3, markRowsPerSourceMax + 3));
});

test('the marks of the source unused for longest go when all are too many, also those of an earlier run', () => {
  const room = { sizeBytes: 64 * MiB };
  open(room);
  const many = (source: string) =>
    commitMarks(...range(1, 60_000).map((packetId) => ({ ...markOf(packetId, 'released'), source })));
  const sources = range(0, 19).map((i) => `client-${i}`);
  many(sources[0]!);
  rig.reborn();
  open(room);
  for (const source of sources.slice(1)) many(source);

  expect(sources.filter((source) => marksOf(source).length > 0)).toEqual(sources.slice(1));
});

const markOf = (packetId: number, state: DeliveryMark['state']): DeliveryMark => ({
  source: 'line',
  packetId,
  hash: 0xdeadbeef,
  state,
});

function commitMarks(...marks: DeliveryMark[]): void {
  rig.store.commit(
    [{ kind: 'append', entries: [{ ...entryOf('s', []), marks: encodeMarks(marks) }] }],
    rig.now,
  );
}

function marksOf(source: string): DeliveryMark[] {
  const marks: DeliveryMark[] = [];
  eachMark(rig.store.marks(source), (packetId, hash, state) => marks.push({ source, packetId, hash, state }));
  return marks;
}

test('a budget adds up within its day, begins anew the next, and is not opened by a clock that steps back', () => {
  open();
  append('s', range(0, 10));
  const budget = () => {
    const { budgetDay, budgetBytes } = rig.store.backlog('cloud')[0]!;
    return [budgetDay, budgetBytes];
  };

  settle(0, 1, { day: 5 });
  settle(1, 1, { day: 5 });
  expect(budget()).toEqual([5, 200]);
  settle(2, 1, { day: 6 });
  expect(budget()).toEqual([6, 100]);
  settle(3, 1, { day: 5 });

  expect(budget()).toEqual([6, 200]);
});

test('below the floor of the device the file does not grow, and it goes on when there is room', () => {
  open({ keepFreeBytes: 100 * MiB });
  append('s', [0]);
  rig.space.freeBytes = 50 * MiB;
  for (let i = 0; i < 100 && append('s', [i], { textBytes: 30_000 }).outcomes[0]?.ok === true; i++);
  const occupied = rig.store.stats().occupiedBytes;

  expect(append('s', [1], { textBytes: 30_000 }).outcomes[0]).toMatchObject({ ok: false, trouble: 'full' });
  expect(occupied).toBeLessThan(1.8 * MiB);
  rig.space.freeBytes = 500 * MiB;

  expect(append('s', [2], { textBytes: 30_000 }).outcomes[0]).toEqual({ ok: true });
});

test('a cap that is lowered is kept once the readings are gone', () => {
  open({ sizeBytes: 4 * MiB });
  const stored = fill('s');
  rig.store.configure({ ...smallSettings, uplinks: cloud, sizeBytes: 2 * MiB });
  expect(rig.store.stats().occupiedBytes).toBeGreaterThan(2 * MiB);
  for (let at = 0; at < stored; at += 10) settle(at, Math.min(10, stored - at));

  seal();
  append('s', [1]);

  expect(rig.store.stats().occupiedBytes).toBeLessThanOrEqual(2 * MiB);
  expect(append('s', [1], { textBytes: 30_000 }).outcomes[0]).toEqual({ ok: true });
});

test.each([
  ['PRAGMA user_version = 99', 'SEDGE_DATA_NEWER'],
  ["UPDATE meta SET value = 'gw-other' WHERE key = 'agent'", 'SEDGE_DATA_INVALID'],
])('a folder after %s is refused with %s', (sql, code) => {
  open();
  rig.raw?.exec(sql);
  rig.reborn();

  expect(() => open()).toThrow(expect.objectContaining({ code }));
});
