import { renameSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { drawEpoch, isEpoch } from '#agent/buffer/epoch.ts';
import { JournalStore } from '#agent/buffer/journal-store.ts';
import { BufferEvents } from '#agent/buffer/events.ts';
import { schemaVersion } from '#agent/buffer/schema.ts';
import { HostEntropy } from '#agent/host/entropy.ts';
import { openSqlite } from '#agent/host/sqlite.ts';
import { DiskError } from '#agent/ports/database.ts';
import { entryOf, readAll, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig.dispose());

function open(): JournalStore {
  rig.store.open({ ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] });
  return rig.store;
}

const append = (values: readonly number[]) =>
  rig.store.commit([{ kind: 'append', entries: [entryOf('s', values)] }], rig.now).outcomes[0];

/** Changes the database behind the back of a store that is closed. */
function rewrite(...statements: readonly string[]): void {
  rig.store.close();
  const db = openSqlite({ file: rig.file });
  for (const statement of statements) db.exec(statement);
  db.close();
  rig.reborn();
}

const versionOf = (): number => {
  rig.store.close();
  const db = openSqlite({ file: rig.file });
  const version = Number(db.pragma('user_version'));
  db.close();
  rig.reborn();
  return version;
};

/** The device fails before a commit: the next use opens the database anew. */
function loseConnection(): void {
  rig.faults.set(null);
  append([2]);
  const connection = rig.raw;
  rig.faults.set({ kind: 'io', atStatement: rig.faults.statements - 1, afterwards: false });
  const outcome = append([3]);
  rig.faults.set(null);
  expect(outcome).toMatchObject({ ok: false, trouble: 'io' });
  expect(rig.raw).toBe(connection);
}

/** As the first schema left it. */
const older = [
  "DELETE FROM meta WHERE key = 'epoch'",
  'DROP TABLE eras',
  'ALTER TABLE boots DROP COLUMN base',
  'ALTER TABLE boots DROP COLUMN trusted',
  'ALTER TABLE streams DROP COLUMN eras',
  'DROP INDEX blocks_by_level; DROP TABLE rungs',
  'ALTER TABLE blocks DROP COLUMN level; ALTER TABLE blocks DROP COLUMN summaries',
  'ALTER TABLE blocks DROP COLUMN roundings',
  ...['rollups', 'rollup_pieces', 'rollup_names', 'rollup_streams', 'rollup_levels'].map(
    (table) => `DROP TABLE ${table}`,
  ),
  'DROP TABLE pipeline_state',
  'PRAGMA user_version = 1; SELECT 1',
];

test('an epoch is 16 hex digits, and two are never one', () => {
  const entropy = new HostEntropy();
  const drawn = Array.from({ length: 1_000 }, () => drawEpoch(entropy));

  expect(drawn.every(isEpoch)).toBe(true);
  expect(new Set(drawn).size).toBe(1_000);
});

describe('the epoch of a buffer', () => {
  test('stays as long as the database does, over restarts and failures of the device', () => {
    const { epoch } = open();
    append([1]);
    loseConnection();
    append([3]);
    const afterFailure = rig.store.stats().epoch;
    rig.reborn();

    expect(isEpoch(epoch)).toBe(true);
    expect(afterFailure).toBe(epoch);
    expect(open().epoch).toBe(epoch);
  });

  test('is another one when the folder was wiped', () => {
    const { epoch } = open();
    rig.store.close();
    renameSync(rig.file, `${rig.file}.away`);
    rig.reborn();

    expect(open().epoch).not.toBe(epoch);
  });

  test('is drawn from the chance the store is given, once', () => {
    let drawn = 0;
    const options = {
      open: () => openSqlite({ file: `${rig.file}-seeded` }),
      space: rig.space,
      agent: 'gw-test',
      boot: 'boot-1',
      events: new BufferEvents(rig.telemetry),
      entropy: { uint32: () => ++drawn, float: () => 0 },
    };
    for (let i = 0; i < 2; i++) {
      const store = new JournalStore(options);
      store.open(smallSettings);
      expect(store.epoch).toBe('0000000100000002');
      store.close();
    }
  });

  test('is given to a database from before epochs, which keeps everything else', () => {
    open();
    append([1, 2, 3]);
    rewrite(...older);

    const { epoch } = open();

    expect(isEpoch(epoch)).toBe(true);
    expect([...readAll(rig.store, 's').values()]).toEqual([1, 2, 3]);
    expect(versionOf()).toBe(schemaVersion);
    expect(open().epoch).toBe(epoch);
  });

  test('is given on a full device too, from the reserve', () => {
    open();
    append([1]);
    expect(rig.space.reserveBytes()).toBeGreaterThan(0);
    rewrite(...older);
    const happened: string[] = [];
    const store = new JournalStore({
      entropy: new HostEntropy(),
      open: () => {
        const db = openSqlite({ file: rig.file });
        return {
          pragma: (text) => db.pragma(text),
          prepare: (sql) => db.prepare(sql),
          close: () => db.close(),
          exec: (sql) => {
            if (sql === 'COMMIT' && happened.length === 0) {
              happened.push('full');
              throw new DiskError('full', 'no space left on device');
            }
            db.exec(sql);
          },
        };
      },
      space: {
        ...rig.space,
        room: () => rig.space.room(),
        releaseReserve: () => {
          happened.push('reserve released');
          rig.space.releaseReserve();
        },
      },
      agent: 'gw-test',
      boot: 'boot-1',
      events: new BufferEvents(rig.telemetry),
    });

    store.open(smallSettings);

    expect(happened).toEqual(['full', 'reserve released']);
    expect(isEpoch(store.epoch)).toBe(true);
    expect(readAll(store, 's').size).toBe(1);
    store.close();
  });

  test('of a database of another agent is not touched', () => {
    open();
    rewrite(...older, "UPDATE meta SET value = 'gw-other' WHERE key = 'agent'");

    expect(() => open()).toThrow(expect.objectContaining({ code: 'SEDGE_DATA_INVALID' }) as Error);
    expect(versionOf()).toBe(1);
  });

  test('that is lost is damage, never drawn anew in silence', () => {
    open();
    rewrite("UPDATE meta SET value = 'rubbish' WHERE key = 'epoch'");

    expect(() => open()).toThrow(expect.objectContaining({ code: 'SEDGE_DATA_CORRUPT' }) as Error);
  });

  test('tells a buffer that was replaced while in use: nothing is stored in it or settled on it', () => {
    open();
    append([1, 2]);
    loseConnection();
    const other = `${rig.file}.other`;
    rig.crashed(other).close();
    renameSync(other, rig.file);

    expect(() => append([4])).toThrow(expect.objectContaining({ code: 'SEDGE_DATA_INVALID' }) as Error);
    rig.reborn();
    expect(open().stats().streams).toEqual([]);
  });
});

test('a database of a newer schema is left alone and named', () => {
  open();
  rewrite(`PRAGMA user_version = ${schemaVersion + 1}; SELECT 1`);

  expect(() => open()).toThrow(expect.objectContaining({ code: 'SEDGE_DATA_NEWER' }) as Error);
  expect(versionOf()).toBe(schemaVersion + 1);
});
