import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EntryToStore } from '#agent/buffer/append.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import type { JournalStore } from '#agent/buffer/journal-store.ts';
import type { StoredRun } from '#agent/ports/store.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const second = 1_000_000;
const hour = 3_600 * second;
const year = 365 * 24 * hour;
/** True wall time at monotonic 0, and what a stale clock takes it for. */
const trueBase = 1_800_000_000 * second;
const staleBase = trueBase - year;

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
  rig.now = { wallMicros: staleBase + 5 * second, monotonicMillis: 5_000 };
});
afterEach(() => rig.dispose());

function open(): JournalStore {
  rig.store.open({ ...smallSettings, uplinks: [{ name: 'cloud', streams: ['*'] }] });
  return rig.store;
}

function entry(
  times: readonly number[],
  clockBase: number | null,
  clock: 'agent' | 'device' = 'agent',
): EntryToStore {
  const builder = new BatchBuilder({ stream: 's', clock });
  for (const timeMicros of times) {
    builder.begin({ tags: {}, timeMicros });
    builder.set('v', timeMicros);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count: times.length }];
  return { stream: 's', received: times.length, filtered: [], marks: [], rows, clockBase };
}

function append(...entries: EntryToStore[]): void {
  const clockBase = entries[0]?.clockBase ?? null;
  const { outcomes } = rig.store.commit([{ kind: 'append', entries }], { ...rig.now, clockBase });
  expect(outcomes).toEqual([{ ok: true }]);
}

const setClock = (base: number, trusted = true) => rig.store.setClock({ trueBase: base, trusted });

const at = (base: number, seconds: number): number => base + seconds * second;

function runs(): { clock: StoredRun['clock']; times: number[] }[] {
  const found = [];
  for (let from = 0; ;) {
    const run = rig.store.read({ stream: 's', from, readings: 1_000, bytes: 1 << 20 });
    if (run === null) return found;
    found.push({ clock: run.clock, times: [...run.batch.timeMicros] });
    from = run.first + run.batch.length;
  }
}

const statsOfStream = () => rig.store.stats().streams[0];

function sealAll(): void {
  rig.tick(10_000);
  while (rig.store.maintain(rig.now));
}

describe('readings that came while nobody had set the clock', () => {
  test('are labelled, and get their true time when it is set, rows and sealed blocks alike', () => {
    open();
    append(
      entry(
        Array.from({ length: 25 }, (_, i) => at(staleBase, i)),
        staleBase,
      ),
    );
    sealAll();
    append(entry([at(staleBase, 30)], staleBase));
    const before = runs();
    const waiting = statsOfStream()?.clock;
    const corrected = setClock(trueBase);

    expect(before.map(({ clock }) => clock)).toEqual(['unset']);
    expect(waiting).toMatchObject({ waiting: 26, rebased: 0, lost: 0 });
    expect(statsOfStream()?.blocks).toBe(1);
    expect(corrected).toBe(26);
    expect(runs()).toEqual([
      {
        clock: 'rebased',
        times: [...Array.from({ length: 25 }, (_, i) => at(trueBase, i)), at(trueBase, 30)],
      },
    ]);
    expect(statsOfStream()?.clock).toMatchObject({ waiting: 0, rebased: 26, lost: 0 });
    expect(rig.store.blocks('s', { from: 0, limit: 9 })[0]).toMatchObject({
      minTimeMicros: at(trueBase, 0),
      maxTimeMicros: at(trueBase, 24),
    });
  });

  test('leave times of devices, and those of a trusted clock, as they are', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase), entry([7 * second], null, 'device'));
    append(entry([at(trueBase, 2)], null));
    setClock(trueBase);
    sealAll();

    expect(runs()).toEqual([
      { clock: 'rebased', times: [at(trueBase, 1)] },
      { clock: undefined, times: [7 * second] },
      { clock: undefined, times: [at(trueBase, 2)] },
    ]);
  });

  test('are corrected each from what it was counted from, and again when a second setting is better', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase));
    append(entry([at(staleBase + hour, 2)], staleBase + hour));
    setClock(staleBase + hour, false);
    const first = runs().map(({ times }) => times);
    setClock(trueBase);

    expect(first).toEqual([[at(staleBase + hour, 1)], [at(staleBase + hour, 2)]]);
    expect(runs().map(({ times }) => times)).toEqual([[at(trueBase, 1)], [at(trueBase, 2)]]);
  });

  test('do not move for the grain of the clock, and trust is remembered within the boot only', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase));
    setClock(trueBase, false);
    const byHand = rig.store.clockTerms.trustedBase;
    const again = setClock(trueBase + 2_000, true);
    const trusted = rig.store.clockTerms.trustedBase;
    rig.boot = 'boot-2';
    rig.reborn();
    open();

    expect([byHand, again, trusted]).toEqual([null, 0, trueBase + 2_000]);
    expect(rig.store.clockTerms.trustedBase).toBeNull();
  });

  test('stay corrected over a restart, and wait over one in the same boot', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase));
    rig.reborn();
    open();
    const waiting = statsOfStream()?.clock.waiting;
    const { base } = rig.store.clockTerms;
    setClock(trueBase);
    rig.boot = 'boot-2';
    rig.reborn();
    open();

    expect(waiting).toBe(1);
    expect(base).toBe(staleBase);
    expect(rig.store.clockTerms.base).toBeNull();
    expect(runs()).toEqual([{ clock: 'rebased', times: [at(trueBase, 1)] }]);
  });

  test('keep the time they have when their boot ends before the clock was set', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase));
    rig.boot = 'boot-2';
    rig.reborn();
    open();
    append(entry([at(staleBase, 100)], staleBase));
    setClock(trueBase);

    expect(runs()).toEqual([
      { clock: 'unset', times: [at(staleBase, 1)] },
      { clock: 'rebased', times: [at(trueBase, 100)] },
    ]);
    expect(statsOfStream()?.clock).toMatchObject({ waiting: 0, rebased: 1, lost: 1 });
  });

  test('never share a block with others, whatever sealing and joining do', () => {
    open();
    // Every three readings another era, or none.
    const baseOf = (i: number): number | null =>
      i % 9 < 3 ? null : staleBase + (i % 9 < 6 ? hour : 2 * hour);
    const shiftOf = (i: number): number => trueBase - (baseOf(i) ?? trueBase);
    for (let i = 0; i < 400; i++) {
      append(entry([at(staleBase, i)], baseOf(i)));
      sealAll();
    }
    const sums = rig.store.fsck({ repair: false });
    const blocks = statsOfStream()?.blocks ?? 0;
    setClock(trueBase);

    expect(sums.findings).toEqual([]);
    expect(blocks).toBeGreaterThan(100);
    expect(rig.telemetry.events).toContain('buffer_sealed');
    expect(runs().flatMap(({ times }) => times)).toEqual(
      Array.from({ length: 400 }, (_, i) => at(staleBase + shiftOf(i), i)),
    );
  });

  test('are counted out when they are delivered, and their era is forgotten once its boot is over', () => {
    open();
    append(entry([at(staleBase, 1)], staleBase));
    rig.store.commit(
      [
        {
          kind: 'settle',
          settlement: {
            uplink: 'cloud',
            stream: 's',
            first: 0,
            count: 1,
            outcome: { kind: 'delivered' },
            bytes: 1,
            day: 0,
          },
        },
      ],
      rig.now,
    );
    const gone = statsOfStream()?.clock;
    const kept = rig.raw?.prepare<{ n: number }>('SELECT count(*) AS n FROM eras').get()?.n;
    rig.boot = 'boot-2';
    rig.reborn();
    open();

    expect(gone).toMatchObject({ waiting: 0, rebased: 0, lost: 0 });
    expect(kept).toBe(1);
    expect(rig.raw?.prepare<{ n: number }>('SELECT count(*) AS n FROM eras').get()?.n).toBe(0);
  });
});

describe('the floor of time', () => {
  const commitAt = (wallMicros: number, clockBase: number | null) => {
    rig.store.commit([{ kind: 'append', entries: [entry([wallMicros], clockBase)] }], {
      wallMicros,
      monotonicMillis: rig.now.monotonicMillis,
      clockBase,
    });
  };

  test('is the newest time committed: to the microsecond after a clean end, within a minute after a crash', () => {
    open();
    commitAt(trueBase, null);
    commitAt(trueBase + 59 * second, null);
    const crashed = rig.store.clockTerms.floorMicros;
    rig.store.close();
    rig.reborn();
    open();

    expect(crashed).toBe(trueBase);
    expect(rig.store.clockTerms.floorMicros).toBe(trueBase + 59 * second);
  });

  test('is 0 in a new store', () => {
    expect(open().clockTerms).toEqual({ floorMicros: 0, base: null, trustedBase: null });
  });

  test('follows a trusted clock down, so that a clock once set years ahead leaves no trace, and no other', () => {
    open();
    commitAt(trueBase + 70 * year, null);
    commitAt(trueBase, trueBase);
    const untrusted = rig.store.clockTerms.floorMicros;
    commitAt(trueBase, null);

    expect(untrusted).toBe(trueBase + 70 * year);
    expect(rig.store.clockTerms.floorMicros).toBe(trueBase);
  });
});
