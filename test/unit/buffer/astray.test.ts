import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { astrayMillisMax } from '#agent/buffer/limits.ts';
import { entryOf, readAll, smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open({ ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] });
  append([1, 2]);
});
afterEach(() => {
  rig.dispose();
  rmSync(away(), { recursive: true, force: true });
});

const away = (): string => `${rig.folder}-away`;

function append(values: readonly number[]) {
  return rig.store.commit([{ kind: 'append', entries: [entryOf('s', values)] }], rig.now);
}

function settle(first: number, count: number) {
  const outcome = { kind: 'delivered' } as const;
  const settlement = { uplink: 'cloud', stream: 's', first, count, outcome, bytes: 1, day: 1 };
  return rig.store.commit([{ kind: 'settle', settlement }], rig.now).outcomes[0];
}

function upkeep(millis = 2_000): void {
  rig.tick(millis);
  rig.store.maintain(rig.now);
}

const happened = (event: string): number => rig.telemetry.events.filter((one) => one === event).length;

test('nothing is acknowledged once the folder is deleted, and one line says where and what to do', () => {
  rmSync(rig.folder, { recursive: true });

  const first = append([3]).outcomes[0];
  const second = append([4]).outcomes[0];

  expect(first).toMatchObject({ ok: false, trouble: 'io' });
  expect(second).toMatchObject({ ok: false, trouble: 'io' });
  expect((second as { message: string }).message).toContain(rig.file);
  expect(happened('buffer_astray')).toBe(1);
});

test('upkeep notices it although nothing is appended', () => {
  unlinkSync(rig.file);

  upkeep();

  expect(happened('buffer_astray')).toBe(1);
});

test('what is kept can still be read and settled; when nothing waits any more the database is given up', () => {
  rmSync(rig.folder, { recursive: true });
  upkeep();

  expect([...readAll(rig.store, 's').values()]).toEqual([1, 2]);
  expect(settle(0, 1)).toEqual({ ok: true });
  upkeep();
  expect(settle(1, 1)).toEqual({ ok: true });

  expect(() => upkeep()).toThrow(/was taken away and did not come back/);
  expect(existsSync(rig.file)).toBe(false);
});

test('a database that does not come back is given up after ten minutes, whatever waits', () => {
  renameSync(rig.folder, away());
  upkeep();
  upkeep(astrayMillisMax - 3_000);

  expect(() => upkeep(4_000)).toThrow(expect.objectContaining({ code: 'SEDGE_DATA_INVALID' }));
});

test('a folder that is put back is gone on with, and what was committed meanwhile is not stored twice', () => {
  renameSync(rig.folder, away());
  const { outcomes, doubtful } = append([3]);
  const refused = append([4]).outcomes[0];
  renameSync(away(), rig.folder);

  expect(outcomes[0]).toMatchObject({ ok: false, trouble: 'io' });
  expect(refused).toMatchObject({ ok: false, trouble: 'io' });
  expect(rig.store.verdict(doubtful!.doubt)).toBe('stands');
  expect(append([5]).outcomes[0]).toEqual({ ok: true });
  expect([...readAll(rig.store, 's').values()]).toEqual([1, 2, 3, 5]);
  expect(happened('buffer_returned')).toBe(1);
});

test('a copy in the place of the open database is not taken for it', () => {
  copyFileSync(rig.file, join(rig.folder, 'copy'));
  renameSync(join(rig.folder, 'copy'), rig.file);

  expect(append([3]).outcomes[0]).toMatchObject({ ok: false, trouble: 'io' });
});

test('an empty folder is not filled with a new database behind the back of the one in use', () => {
  renameSync(rig.folder, away());
  mkdirSync(rig.folder);
  append([3]);
  rig.faults.set({ kind: 'io', atStatement: 2, afterwards: false });
  settle(0, 1);
  rig.faults.set(null);

  expect(settle(0, 1)).toMatchObject({ ok: false, trouble: 'io' });
  expect(existsSync(rig.file)).toBe(false);
});

test('a log that is deleted is brought into the database and begun anew: nothing is refused or lost', () => {
  unlinkSync(`${rig.file}-wal`);

  const { outcomes } = append([3]);
  append([4]);
  // What a crash would leave.
  const copy = join(rig.folder, 'crashed.db');
  copyFileSync(rig.file, copy);
  copyFileSync(`${rig.file}-wal`, `${copy}-wal`);

  expect(outcomes[0]).toEqual({ ok: true });
  expect(happened('buffer_log_lost')).toBe(1);
  expect([...readAll(rig.store, 's').values()]).toEqual([1, 2, 3, 4]);
  expect([...readAll(rig.crashed(copy), 's').values()]).toEqual([1, 2, 3, 4]);
});
