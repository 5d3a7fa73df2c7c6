import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Bug } from '#agent/base/assert.ts';
import { SedgeError } from '#agent/base/errors.ts';
import { Prng } from '#agent/base/prng.ts';
import type { AppendOrder } from '#agent/mesh/raft-log/port.ts';
import { chainStart, entryRow, type HeadRow } from '#agent/mesh/raft-log/rows.ts';
import { LogStore, type LogOpening } from '#agent/mesh/raft-log/log-store.ts';
import { SqliteDevice } from '#agent/mesh/raft-log/sqlite-device.ts';
import { SimulatedLogDevice } from '#test/simulation/raft-log/simulated-log-device.ts';
import { SqliteRig } from './sqlite-rig.ts';
import { entry, run, snapshotAt, state } from './storage-compliance.ts';

const order = (write: Partial<AppendOrder>): AppendOrder => ({
  kind: 'append',
  id: 1,
  hardState: null,
  entries: [],
  snapshot: null,
  ...write,
});

function sound(opening: LogOpening): Extract<LogOpening, { kind: 'sound' }> {
  if (opening.kind !== 'sound') throw new Error(opening.damage.reason);
  return opening;
}

function openedStore(device = new SimulatedLogDevice(new Prng(1))): LogStore {
  const store = new LogStore(device);
  store.open();
  return store;
}

function onFolder(body: (rig: SqliteRig) => void): void {
  const rig = new SqliteRig();
  try {
    body(rig);
  } finally {
    rig.remove();
  }
}

const storeOf = (rig: SqliteRig, owner = 'site/1'): LogStore =>
  new LogStore(new SqliteDevice({ files: rig.files, owner }));

test('rows that no write finished are cut off, and leave no doubt: nobody was told of them', () => {
  const device = new SimulatedLogDevice(new Prng(1));
  const store = openedStore(device);
  store.write([order({ hardState: state(1, 0, 2), entries: run(1, 4, 1) })]);
  device.open(1).insertEntry(entryRow(entry(5, 1), chainStart));

  const { image, truncation } = sound(store.open());

  expect(truncation).toEqual({ from: 5, promised: 0, reason: 'rows that no write finished' });
  expect([image.entries.length, image.doubt]).toEqual([4, 0]);
  expect(sound(store.open()).truncation).toBeNull();
});

test('a row of former times in the last place is found by the chain of the head', () => {
  const device = new SimulatedLogDevice(new Prng(1));
  const store = openedStore(device);
  store.write([order({ hardState: state(1, 0, 1), entries: run(1, 3, 1) })]);
  const former = device.open(1).readEntry(3)!;
  store.write([order({ hardState: state(2, 0, 1), entries: run(3, 3, 2) })]);
  const tables = device.open(1);
  tables.deleteFrom(3);
  tables.insertEntry(former);

  const { image, truncation } = sound(store.open());

  expect(truncation).toMatchObject({ from: 3, promised: 3 });
  expect([image.entries.length, image.doubt]).toEqual([2, 3]);
});

test('a head of former times is told by the vote that went further', () => {
  const device = new SimulatedLogDevice(new Prng(1));
  const store = openedStore(device);
  store.write([order({ hardState: state(1, 2, 0), entries: run(1, 3, 1) })]);
  const former = device.open(1).readHead()!;
  store.write([order({ hardState: state(2, 3, 0), entries: run(4, 4, 2) })]);
  device.open(1).putHead(former);

  expect(store.open()).toEqual({
    kind: 'damaged',
    damage: { reason: 'the head is older than the vote', needIndex: 4, ballot: null },
  });
});

test.each([
  ['spoiled', (device: SimulatedLogDevice) => void device.flip('head')],
  ['of former times', (device: SimulatedLogDevice, former: HeadRow) => device.open(1).putHead(former)],
])(
  'a head that is %s cannot tell that acknowledged entries are gone too, and nothing heals the log',
  (_, strike) => {
    const device = new SimulatedLogDevice(new Prng(1));
    const store = openedStore(device);
    store.write([order({ hardState: state(1, 2, 0), entries: run(1, 3, 1) })]);
    const former = device.open(1).readHead()!;
    store.write([order({ hardState: state(2, 3, 0), entries: run(4, 6, 2) })]);
    for (const index of [4, 5, 6]) device.loseEntry(index);
    strike(device, former);

    expect(store.open()).toMatchObject({ kind: 'damaged', damage: { ballot: null } });
  },
);

test.each([
  ['a term that falls', [order({ hardState: state(3, 0, 0) }), order({ hardState: state(2, 0, 0) })]],
  ['a second vote in a term', [order({ hardState: state(3, 1, 0) }), order({ hardState: state(3, 2, 0) })]],
  ['an entry before its term', [order({ hardState: state(1, 0, 0), entries: run(1, 1, 2) })]],
  ['a hole', [order({ hardState: state(1, 0, 0), entries: run(2, 2, 1) })]],
  [
    'a committed entry replaced',
    [order({ hardState: state(1, 0, 2), entries: run(1, 2, 1) }), order({ entries: run(2, 2, 1) })],
  ],
  ['a commit beyond the end', [order({ hardState: state(1, 0, 2), entries: run(1, 1, 1) })]],
])('%s is a bug, and nothing of it is written', (_, orders) => {
  const device = new SimulatedLogDevice(new Prng(1));
  const store = openedStore(device);

  expect(() => store.write(orders)).toThrow(Bug);

  expect(device.open(1).readHead()).toBeNull();
});

test("another member's log, and a newer one, are refused by name", () => {
  onFolder((rig) => {
    const store = storeOf(rig);
    store.open();
    store.close();
    expect(() => storeOf(rig, 'site/2').open()).toThrow(/the Raft log of site\/1, not of site\/2/);
    rig.change('PRAGMA user_version = 99');
    const refused = (): unknown => storeOf(rig).open();
    expect(refused).toThrow(SedgeError);
    expect(refused).toThrow(/schema 99/);
  });
});

test('a file that is no database any more is damage, with nothing known of it', () => {
  onFolder((rig) => {
    const store = storeOf(rig);
    store.open();
    store.write([order({ hardState: state(1, 2, 0), entries: run(1, 3, 1) })]);
    store.close();
    writeFileSync(join(rig.folder, 'raft-1.db'), new Uint8Array(16_384).fill(7));
    expect(store.open()).toMatchObject({ kind: 'damaged', damage: { needIndex: 0, ballot: null } });
  });
});

test('a row of another shape is damage, not a crash', () => {
  onFolder((rig) => {
    const store = storeOf(rig);
    store.open();
    store.write([order({ hardState: state(1, 2, 2), entries: run(1, 3, 1) })]);
    store.close();
    rig.change("UPDATE entries SET term = 'x', data = 7, chain = 1.5, crc = 9e99, kind = -1 WHERE idx = 2");
    expect(store.open()).toMatchObject({ kind: 'damaged', damage: { needIndex: 3, ballot: { term: 1 } } });
  });
});

test('a healed log keeps the damaged file for study, and the newest two of those', () => {
  onFolder((rig) => {
    const store = storeOf(rig);
    for (let round = 1; round <= 4; round++) {
      const opening = store.open();
      if (opening.kind === 'damaged') {
        store.heal(snapshotAt(round * 10, 1), { ballot: { term: 1, vote: state(1, 2, 0).vote }, doubt: 0 });
        store.open();
      }
      const first = sound(store.open()).image.before.index + 1;
      store.write([order({ hardState: state(1, 2, first), entries: run(first, first + 2, 1) })]);
      store.close();
      rig.change('DELETE FROM entries WHERE idx = ?', first);
    }
    store.open();
    store.close();
    const { files } = rig;
    expect(files.generations()).toEqual([4]);
    expect(rig.names).toEqual(['raft-2.damaged.db', 'raft-3.damaged.db', 'raft-4.db']);
  });
});
