import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { allOf, countAndSum, keptSettings as settings, seal, settle } from '#test/support/kept-and-asked.ts';
import { StoreRig } from '#test/property/buffer/model/store-rig.ts';

const begin = 1_800_000_000_000_000;

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

/** Runs once, in the query's first pause. */
function once(change: () => void): () => void {
  let done = false;
  return () => {
    if (!done) change();
    done = true;
  };
}

const atSecond = (second: number): string => new Date(begin / 1e3 + second * 1e3).toISOString();

test('blocks that are not folded and are released while a query runs are in its answer, once', () => {
  append(0, 500);
  seal(rig);
  rig.reborn().open(settings);
  const found = countAndSum(rig, { between: once(() => settle(rig, 0, 300)) });

  expect(found).toEqual(allOf(500));
  expect(countAndSum(rig)).toEqual(allOf(500));
});

test('blocks that are folded and released while a query runs are in its answer, once', () => {
  append(0, 500);
  seal(rig);
  rig.reborn().open(settings);
  const found = countAndSum(rig, {
    between: once(() => {
      rig.tick(1_000);
      seal(rig);
      settle(rig, 0, 400);
    }),
  });

  expect(found).toEqual(allOf(500));
});

test('of blocks released while a query runs, what lies at the edges of its range is answered too', () => {
  append(0, 600);
  seal(rig);
  const range = `from ${atSecond(30)} until ${atSecond(330)}`;
  const before = countAndSum(rig, { clauses: range });
  const found = countAndSum(rig, { between: once(() => settle(rig, 0, 500)), clauses: range });

  expect(before).toMatchObject({ count: 300 });
  expect(found).toEqual(before);
});

test('readings of a clock that was not set are in the answer once, released while it is made or sealed and released', () => {
  append(0, 300, stale);
  seal(rig);
  append(300, 100, stale);
  const found = countAndSum(rig, {
    between: once(() => {
      rig.store.setClock({ trueBase: begin, trusted: true });
      settle(rig, 0, 100);
      seal(rig);
      settle(rig, 300, 100);
    }),
  });

  expect(found).toEqual(allOf(400));
  expect(countAndSum(rig)).toEqual(allOf(400));
});

test('what is purged while a query runs is still in its answer, whether it is sealed or not', () => {
  append(0, 500);
  seal(rig);
  append(500, 50);
  const found = countAndSum(rig, {
    between: once(() => void rig.store.purge({ stream: 's' })),
    clauses: `from ${atSecond(30)}`,
  });

  expect(found.count).toBe(520);
});

/** The ladder goes up whatever room there is, a step a slice of upkeep. */
const climbing = { ...settings, whenFull: 'coarsen' as const, ladderShare: 1, uplinks: [] };

/** Two thousand readings, most of them coarse, the newest raw. */
function partClimbed(by: typeof climbing, clockBase: number | null = null): { head: number; coarse: number } {
  noiseFields = 3;
  append(0, 2_000, clockBase);
  seal(rig);
  rig.store.configure(by);
  for (let i = 0; i < 50 && rig.coarse().get('s') === undefined; i++) rig.store.maintain(rig.now);
  return { head: 2_000, coarse: rig.coarse().get('s') ?? Infinity };
}

/** So many further readings, and some steps of the ladder. */
function climb(count: number): void {
  append(rig.store.stats().streams[0]!.head, count);
  rig.tick(1_000);
  for (let i = 0; i < 4; i++) rig.store.maintain(rig.now);
}

test.each([0.05, 0])(
  'what the ladder rewrites while a query runs is in its answer, once, with %d of the cap for summaries',
  (share) => {
    const { head, coarse } = partClimbed({ ...climbing, rollups: { ...settings.rollups, share } });
    const found = countAndSum(rig, { between: () => climb(100) });

    expect(coarse).toBeLessThan(head);
    expect(rig.coarse().get('s')).toBeGreaterThan(coarse);
    expect(found).toEqual(allOf(head));
  },
);

/** The clock is set, and the host starts again: from now on the ladder corrects times for good. */
function setClockAndReboot(next: typeof settings): void {
  rig.store.setClock({ trueBase: begin, trusted: true });
  rig.store.close();
  rig.boot = 'boot-2';
  rig.reborn().open(next);
}

test('readings of a clock that was set later are summed up at their corrected times when they go, once, over a restart', () => {
  append(0, 4_000, stale);
  seal(rig);
  append(4_000, 100);
  seal(rig);
  setClockAndReboot(settings);
  const before = countAndSum(rig);
  settle(rig, 0, 2_000);
  rig.reborn().open(settings);
  settle(rig, 2_000, 2_100);
  for (let i = 0; i < 60; i++) {
    rig.tick(1_000);
    rig.store.maintain(rig.now);
  }
  const { windows } = rig.store.windows({ stream: 's', every: 'hour', after: null });

  expect(before).toEqual(allOf(4_100));
  expect(countAndSum(rig)).toEqual(allOf(4_100));
  expect(countAndSum(rig, { clauses: `from ${atSecond(0)} until ${atSecond(3_600)}` })).toEqual(allOf(3_600));
  expect(windows.map(({ start_micros, readings }) => [start_micros, readings])).toEqual([
    [begin, 3_600],
    [begin + 3_600e6, 500],
  ]);
});

test('readings of a clock that was set later are counted once when the ladder corrects them for good, raw or coarse by then', () => {
  const { head: whole, coarse } = partClimbed(climbing, stale);
  setClockAndReboot(climbing);
  const before = countAndSum(rig);
  for (let i = 0; i < 4; i++) climb(100);
  const { head } = rig.store.stats().streams[0]!;
  const after = countAndSum(rig);
  rig.reborn().open(climbing);

  expect(coarse).toBeLessThan(whole);
  expect(before).toEqual(allOf(whole));
  expect(rig.coarse().get('s')).toBeGreaterThan(coarse);
  expect(after).toEqual(allOf(head));
  expect(countAndSum(rig)).toEqual(allOf(head));
});
