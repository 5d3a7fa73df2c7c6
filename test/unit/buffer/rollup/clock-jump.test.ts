import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { seal } from '#test/support/kept-and-asked.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const settings = { ...smallSettings, sizeBytes: 16 * MiB };
const day = 86_400_000;
const years = 5 * 365 * day;

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.store.open(settings);
});
afterEach(() => rig.dispose());

/** A reading a second of two minutes by the clock of now, and a quarter of an hour in which they become windows. */
function live(): void {
  const builder = new BatchBuilder({ stream: 's', clock: 'agent' });
  for (let i = 0; i < 120; i++) {
    builder.begin({ tags: {}, timeMicros: rig.now.wallMicros + i * 1e6 });
    builder.set('v', i);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count: 120 }];
  const entry = { stream: 's', received: 120, filtered: [], marks: [], rows };
  rig.store.commit([{ kind: 'append', entries: [entry] }], { ...rig.now, clockBase: null });
  rig.tick(120_000);
  seal(rig);
  for (let i = 0; i < 20; i++) {
    rig.tick(40_000);
    while (rig.store.maintain(rig.now));
  }
}

function setClock(byMillis: number): void {
  rig.now = { ...rig.now, wallMicros: rig.now.wallMicros + 1_000 * byMillis };
}

function readingsIn(every: 'minute' | 'hour' | 'day'): number {
  const { windows } = rig.store.windows({ stream: 's', every, after: null });
  return windows.reduce((sum, { readings }) => sum + readings, 0);
}

test('a clock that is years ahead for a moment takes no windows with it, and none that come later', () => {
  live();
  setClock(years);
  live();
  setClock(-years);
  live();

  expect([readingsIn('minute'), readingsIn('hour'), readingsIn('day')]).toEqual([360, 360, 360]);
});

test('nor does one that is ahead when the store is opened', () => {
  live();
  rig.store.close();
  rig.reborn();
  setClock(years);
  rig.store.open(settings);
  live();
  rig.store.close();
  rig.reborn();
  setClock(-years);
  rig.store.open(settings);
  live();

  expect([readingsIn('minute'), readingsIn('hour')]).toEqual([360, 360]);
});

test('a clock that stays ahead for a day is believed, and old windows go', () => {
  live();
  setClock(years);
  live();
  rig.tick(day);
  live();

  expect([readingsIn('minute'), readingsIn('hour'), readingsIn('day')]).toEqual([240, 240, 360]);
});
