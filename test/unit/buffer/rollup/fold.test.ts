import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { allOf, countAndSum, keptSettings as settings, seal, settle } from '#test/support/kept-and-asked.ts';
import { StoreRig } from '#test/property/buffer/model/store-rig.ts';

const begin = 1_800_000_000_000_000;

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open(settings);
});
afterEach(() => rig.dispose());

/** Readings v = offset, one a second. */
function append(first: number, count: number): void {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (let offset = first; offset < first + count; offset++) {
    builder.begin({ tags: { machine: `m${offset % 3}` }, timeMicros: begin + offset * 1e6, quality: 0 });
    builder.set('v', offset);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count }];
  const entry = { stream: 's', received: count, filtered: [], marks: [], rows };
  rig.store.commit([{ kind: 'append', entries: [entry] }], rig.now);
}

/** Readings in the windows that are given out. */
function inWindows(): number {
  const page = rig.store.windows({ stream: 's', every: 'hour', after: null });
  return page.windows.reduce((sum, { readings }) => sum + readings, 0);
}

test('what was folded and not written is answered for at once, and after a crash, and folded again', () => {
  append(0, 500);
  seal(rig);
  const before = countAndSum(rig);
  rig.reborn().open(settings);
  const after = countAndSum(rig);
  rig.tick(1_000);
  seal(rig);
  const caughtUp = countAndSum(rig);
  for (let i = 0; i < 100; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }

  expect(before).toEqual(allOf(500));
  expect(after).toEqual(allOf(500));
  expect(caughtUp).toEqual(allOf(500));
  expect(inWindows()).toBe(500);
  expect(countAndSum(rig)).toEqual(allOf(500));
});

test('a block that is let go of leaves its summary behind in the same transaction, folded before or not', () => {
  for (const first of [0, 100, 200]) append(first, 100);
  seal(rig);
  settle(rig, 100, 100);
  rig.reborn().open(settings);
  for (const first of [300, 400]) append(first, 100);
  seal(rig);
  rig.reborn().open(settings);
  settle(rig, 300, 100);
  rig.reborn().open(settings);
  const found = countAndSum(rig);

  expect(rig.kept().get('s')?.size).toBe(300);
  expect(found).toEqual(allOf(500));
});

test('a store that is closed has written what it folded', () => {
  append(0, 400);
  seal(rig);
  rig.store.close();
  rig.reborn().open(settings);
  const written = rig.raw!.prepare<{ sum: number }>('SELECT sum(readings) AS sum FROM rollup_pieces').get();

  expect(written?.sum).toBe(400);
  expect(countAndSum(rig)).toEqual(allOf(400));
});

test('blocks joined across the mark of what is written are folded once', () => {
  for (let first = 0; first < 700; first += 100) append(first, 100);
  for (let i = 0; i < 40; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
  for (let first = 700; first < 1_500; first += 100) append(first, 100);
  seal(rig);
  const larger = { ...settings, seal: { ...settings.seal, readings: 1_000 } };
  rig.reborn().open(larger);
  for (let i = 0; i < 60; i++) {
    rig.tick(200);
    rig.store.maintain(rig.now);
  }
  const blocks = rig.store.blocks('s', { from: 0, limit: 50 });
  rig.reborn().open(larger);
  const behind = countAndSum(rig);
  rig.tick(200);
  seal(rig);

  expect(blocks.some(({ first, count }) => first < 700 && first + count > 700)).toBe(true);
  expect(behind).toEqual(allOf(1_500));
  expect(countAndSum(rig)).toEqual(allOf(1_500));
});

test('where there is no room for a summary what leaves is counted, and what stays is folded later', () => {
  rig.store.configure({ ...settings, keepFreeShare: 0.1 });
  for (const first of [0, 100, 200]) append(first, 100);
  seal(rig);
  rig.space.freeBytes = MiB;
  rig.store.configure({ ...settings, keepFreeShare: 0.1 });
  settle(rig, 0, 100);
  const tight = countAndSum(rig);
  rig.space.freeBytes = 1024 * MiB;
  rig.store.configure({ ...settings, keepFreeShare: 0.1 });
  for (let i = 0; i < 200; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }

  expect(rig.telemetry.counts.get('buffer_rollup_skipped_readings')).toBe(100);
  expect(tight).toMatchObject({ count: 200, lost: 100 });
  expect(countAndSum(rig)).toMatchObject({ count: 200, lost: 100 });
  expect(inWindows()).toBe(200);
});

test('in a buffer of schema 6 what was sealed is folded, and what was not is not', () => {
  for (const first of [0, 100, 200]) append(first, 100);
  seal(rig);
  append(300, 50);
  rig.store.close();
  rig.reborn().open(settings);
  rig.raw!.exec(
    'ALTER TABLE rollup_streams DROP COLUMN until; ALTER TABLE blocks DROP COLUMN roundings; PRAGMA user_version = 6; SELECT 1',
  );
  rig.reborn().open(settings);
  const before = countAndSum(rig);
  append(350, 50);
  seal(rig);
  rig.reborn().open(settings);
  settle(rig, 0, 400);

  expect(before).toEqual(allOf(350));
  expect(countAndSum(rig)).toEqual(allOf(400));
});
