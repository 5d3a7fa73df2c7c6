import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { askStore, figure } from '#test/support/ask-store.ts';
import { smallSettings, StoreRig } from '#test/property/buffer/model/store-rig.ts';

const begin = 1_800_000_000_000_000;
const settings = {
  ...smallSettings,
  sizeBytes: 16 * MiB,
  uplinks: [{ name: 'cloud', streams: ['s'] }],
  seal: { readings: 100, bytes: 64 * 1024, ageMillis: 1_000 },
};

/** What a clock that nobody has set takes `begin` for. */
const stale = begin - 365 * 86_400e6;

let rig: StoreRig;
/** Fields that do not compress away. */
let noiseFields = 0;
beforeEach(() => {
  noiseFields = 0;
  rig = new StoreRig();
  rig.store.open(settings);
});
afterEach(() => rig.dispose());

/** Readings v = offset, one a second, a hundred a row; `clockBase`: of a clock that nobody has set. */
function append(first: number, count: number, clockBase: number | null = null): void {
  for (let at = first; at < first + count; at += 100) {
    appendRow(at, Math.min(100, first + count - at), clockBase);
  }
}

function appendRow(first: number, count: number, clockBase: number | null): void {
  const builder = new BatchBuilder({ stream: 's', clock: clockBase === null ? 'device' : 'agent' });
  for (let offset = first; offset < first + count; offset++) {
    builder.begin({ tags: {}, timeMicros: (clockBase ?? begin) + offset * 1e6, quality: 0 });
    builder.set('v', offset);
    for (let i = 0; i < noiseFields; i++) builder.set(`n${i}`, Math.sin(offset * (i + 7)) * 1e3);
  }
  const rows = [{ bytes: encodeJournalRow(builder.finish()), count }];
  const entry = { stream: 's', received: count, filtered: [], marks: [], rows, clockBase };
  rig.store.commit([{ kind: 'append', entries: [entry] }], { ...rig.now, clockBase });
}

function settle(first: number, count: number): void {
  const outcome = { kind: 'delivered' } as const;
  const settlement = { uplink: 'cloud', stream: 's', first, count, bytes: 1, day: 1, outcome };
  rig.store.commit([{ kind: 'settle', settlement }], rig.now);
}

function seal(): void {
  while (rig.store.maintain(rig.now));
}

function answer(between: () => void = () => {}, clauses = ''): Record<'count' | 'sum' | 'lost', number> {
  const { rows, coverage } = askStore(rig.store, `count(), sum(v) of s ${clauses}`, {
    now: rig.now,
    between,
  });
  return { count: figure(rows[0]!, 0).value!, sum: figure(rows[0]!, 1).value!, lost: coverage.lost };
}

/** Runs once, in the query's first pause. */
function once(change: () => void): () => void {
  let done = false;
  return () => {
    if (!done) change();
    done = true;
  };
}

const all = (count: number): object => ({ count, sum: (count * (count - 1)) / 2, lost: 0 });
const atSecond = (second: number): string => new Date(begin / 1e3 + second * 1e3).toISOString();

test('blocks that are not folded and are released while a query runs are in its answer, once', () => {
  append(0, 500);
  seal();
  rig.reborn().open(settings);
  const found = answer(once(() => settle(0, 300)));

  expect(found).toEqual(all(500));
  expect(answer()).toEqual(all(500));
});

test('blocks that are folded and released while a query runs are in its answer, once', () => {
  append(0, 500);
  seal();
  rig.reborn().open(settings);
  const found = answer(
    once(() => {
      rig.tick(1_000);
      seal();
      settle(0, 400);
    }),
  );

  expect(found).toEqual(all(500));
});

test('of blocks released while a query runs, what lies at the edges of its range is answered too', () => {
  append(0, 600);
  seal();
  const range = `from ${atSecond(30)} until ${atSecond(330)}`;
  const before = answer(() => {}, range);
  const found = answer(
    once(() => settle(0, 500)),
    range,
  );

  expect(before).toMatchObject({ count: 300 });
  expect(found).toEqual(before);
});

test('readings of a clock that was not set are in the answer once, released while it is made or sealed and released', () => {
  append(0, 300, stale);
  seal();
  append(300, 100, stale);
  const found = answer(
    once(() => {
      rig.store.setClock({ trueBase: begin, trusted: true });
      settle(0, 100);
      seal();
      settle(300, 100);
    }),
  );

  expect(found).toEqual(all(400));
  expect(answer()).toEqual(all(400));
});

test('what is purged while a query runs is still in its answer, whether it is sealed or not', () => {
  append(0, 500);
  seal();
  append(500, 50);
  const found = answer(
    once(() => void rig.store.purge({ stream: 's' })),
    `from ${atSecond(30)}`,
  );

  expect(found.count).toBe(520);
});

test('what the ladder rewrites while a query runs is in its answer, once', () => {
  noiseFields = 24;
  const tight = { ...settings, sizeBytes: MiB, whenFull: 'coarsen' as const, uplinks: [] };
  for (const share of [0.05, 0]) {
    rig.dispose();
    rig = new StoreRig();
    rig.store.open({ ...tight, rollups: { ...tight.rollups, share } });
    let head = 0;
    const more = (): void => {
      append(head, 500);
      head = rig.store.stats().streams[0]!.head;
      rig.tick(1_000);
      for (let i = 0; i < 8; i++) rig.store.maintain(rig.now);
    };
    for (let i = 0; i < 120 && rig.coarse().get('s') === undefined; i++) more();
    const whole = head;
    const found = answer(more);

    expect(head).toBeGreaterThan(whole);
    expect(found).toMatchObject({ count: whole, lost: 0 });
  }
});

/** The clock is set, and the host starts again: from now on the ladder corrects times for good. */
function setClockAndReboot(next: typeof settings): void {
  rig.store.setClock({ trueBase: begin, trusted: true });
  rig.store.close();
  rig.boot = 'boot-2';
  rig.reborn().open(next);
}

test('readings of a clock that was set later are summed up at their corrected times when they go, once, over a restart', () => {
  append(0, 4_000, stale);
  seal();
  append(4_000, 100);
  seal();
  setClockAndReboot(settings);
  const before = answer();
  settle(0, 2_000);
  rig.reborn().open(settings);
  settle(2_000, 2_100);
  for (let i = 0; i < 60; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
  const { windows } = rig.store.windows({ stream: 's', every: 'hour', after: null });

  expect(before).toEqual(all(4_100));
  expect(answer()).toEqual(all(4_100));
  expect(answer(() => {}, `from ${atSecond(0)} until ${atSecond(3_600)}`)).toEqual(all(3_600));
  expect(windows.map(({ start_micros, readings }) => [start_micros, readings])).toEqual([
    [begin, 3_600],
    [begin + 3_600e6, 500],
  ]);
});

test('readings of a clock that was set later are counted once when the ladder corrects them for good, raw or coarse by then', () => {
  noiseFields = 24;
  const tight = { ...settings, sizeBytes: MiB, whenFull: 'coarsen' as const, uplinks: [] };
  rig.dispose();
  rig = new StoreRig();
  rig.store.open(tight);
  let head = 0;
  const grow = (clockBase: number | null): void => {
    append(head, 500, clockBase);
    head = rig.store.stats().streams[0]!.head;
    rig.tick(1_000);
    for (let i = 0; i < 8; i++) rig.store.maintain(rig.now);
  };
  for (let i = 0; i < 120 && rig.coarse().get('s') === undefined; i++) grow(stale);
  const coarse = rig.coarse().get('s') ?? 0;
  setClockAndReboot(tight);
  const before = answer();
  for (let i = 0; i < 20; i++) grow(null);
  const after = answer();
  rig.reborn().open(tight);

  expect(coarse).toBeGreaterThan(0);
  expect(before.count).toBeGreaterThan(coarse);
  expect(before.lost).toBe(0);
  expect(after).toMatchObject({ count: head, lost: 0 });
  expect(answer()).toMatchObject({ count: head, lost: 0 });
});
