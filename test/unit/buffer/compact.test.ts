import { afterEach, beforeEach, expect, test } from 'vitest';
import { entryOf, readAll, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open({
    ...smallSettings,
    uplinks: [{ name: 'cloud', streams: ['*'] }],
    seal: { readings: 400, bytes: 8 * 1_024, ageMillis: 1_000 },
  });
});
afterEach(() => rig.dispose());

let next = 0;
/** One small block for each length: bytes make them due, as they do for wide readings. */
function sealSmall(
  lengths: readonly number[],
  clock: (i: number) => 'agent' | 'device' = () => 'device',
): void {
  for (const [i, length] of lengths.entries()) {
    const values = Array.from({ length }, () => next++);
    const entry = entryOf('s', values, { textBytes: 1_600 / length, clock: clock(i) });
    rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
}

function upkeep(turns: number): void {
  for (let i = 0; i < turns; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
}

const blocks = () => rig.store.blocks('s', { from: 0, limit: 1_000 });

test('small neighbours become full blocks, and nothing a reader or an account sees changes', () => {
  sealSmall(
    Array.from({ length: 40 }, () => 20),
    (i) => (i % 3 === 0 ? 'agent' : 'device'),
  );
  const before = { read: readAll(rig.store, 's', 7), ledger: rig.store.ledger() };
  const clocks = (at: number) =>
    rig.store.read({ stream: 's', from: at, readings: 1, bytes: 1 << 20 })?.batch.clock;
  const clocksBefore = [0, 25, 45, 61].map(clocks);

  upkeep(30);

  expect(blocks().length).toBeLessThan(12);
  expect(readAll(rig.store, 's', 7)).toEqual(before.read);
  expect([0, 25, 45, 61].map(clocks)).toEqual(clocksBefore);
  expect(rig.store.ledger()).toEqual(before.ledger);
  expect(rig.store.fsck({ repair: false }).findings).toEqual([]);
});

test('a long backlog of tiny blocks is read and written anew two or three times, not once a block', () => {
  const sealed = 300;
  sealSmall(Array.from({ length: sealed }, () => 4));

  upkeep(60);

  expect(blocks().length).toBeLessThan(30);
  expect(rig.telemetry.counts.get('buffer_joined_blocks')).toBeLessThan(2 * sealed);
  expect(readAll(rig.store, 's').size).toBe(4 * sealed);
});

test('neighbours with a hole between them stay apart', () => {
  sealSmall(Array.from({ length: 12 }, () => 20));
  const outcome = { kind: 'delivered' } as const;
  const hole = { uplink: 'cloud', stream: 's', first: 100, count: 20, outcome, bytes: 1, day: 1 };
  rig.store.commit([{ kind: 'settle', settlement: hole }], rig.now);
  const before = readAll(rig.store, 's');

  upkeep(20);

  expect(blocks().every(({ first, count }) => first + count <= 100 || first >= 120)).toBe(true);
  expect(before.size).toBe(220);
  expect(readAll(rig.store, 's')).toEqual(before);
});

test('a damaged block among them is set aside, and the others are joined', () => {
  sealSmall(Array.from({ length: 10 }, () => 30));
  expect(blocks().length).toBe(10);
  rig.raw!.exec("UPDATE payloads SET bytes = X'00' WHERE id = (SELECT max(id) FROM payloads)");

  sealSmall(Array.from({ length: 14 }, () => 30));
  upkeep(20);

  expect(happened('buffer_quarantined')).toBe(1);
  expect(blocks().length).toBeLessThan(14);
  expect(rig.store.ledger().balanced).toBe(true);
  expect(readAll(rig.store, 's').size).toBe(23 * 30);
});

const happened = (event: string): number => rig.telemetry.events.filter((one) => one === event).length;
