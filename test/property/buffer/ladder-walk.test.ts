import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { walksMax } from '#agent/buffer/limits.ts';
import { summaryFrame } from '#agent/reading/summary.ts';
import type { StoredRun } from '#agent/ports/store.ts';
import { entryOf, climbingSettings, StoreRig } from './model/store-rig.ts';

/** Somebody who reads page by page from the oldest reading on, and settles nothing. */
class Walk {
  readonly name: string | undefined;
  next = 0;
  count = 0;
  sum = 0;
  /** By offset: how often a line covered it. */
  readonly covered: number[] = [];

  constructor(name?: string) {
    this.name = name;
  }

  read(rig: StoreRig, readings: number): StoredRun | null {
    const run = rig.store.read({
      stream: 's',
      from: this.next,
      readings,
      bytes: 1 << 20,
      ...(this.name === undefined ? {} : { walk: this.name }),
    });
    if (run === null) return null;
    expect(run.until).toBeGreaterThan(this.next);
    this.next = run.until;
    this.#take(run);
    return run;
  }

  #take(run: StoredRun): void {
    const numbers = (name: string): ArrayLike<number> => {
      const column = run.batch.columns.find((one) => one.name === name);
      return column?.kind === 'number' ? column.values : [];
    };
    const sums = numbers(run.fidelity === 'raw' ? 'v' : 'v_sum');
    const frame = run.fidelity === 'raw' ? null : summaryFrame(run.batch);
    for (let row = 0; row < run.batch.length; row++) {
      this.count += frame?.count[row] ?? 1;
      this.sum += sums[row]!;
      const first = frame?.offset[row] ?? run.first + row;
      for (let at = first; at < (frame?.until[row] ?? first + 1); at++)
        this.covered[at] = (this.covered[at] ?? 0) + 1;
    }
  }
}

/** Readings of two series in turn, each with its offset as its value. */
function append(rig: StoreRig, from: number, until: number): void {
  const values = Array.from({ length: until - from }, (_, i) => from + i);
  const entries = [entryOf('s', values, { textBytes: 100 })];
  rig.store.commit([{ kind: 'append', entries }], rig.now);
}

/** Everything that can be becomes coarser. */
function climb(rig: StoreRig): void {
  rig.tick(1000);
  for (let i = 0; i < 40; i++) rig.store.maintain(rig.now);
}

interface Told {
  readonly walk: Walk;
  readonly appended: number;
  readonly sum: number;
  readonly coarse: boolean;
}

/** Lets a walk read to the end while readings come and the ladder goes up around it. */
function walked(seed: number): Told {
  const walk = new Walk('w1');
  const random = new Prng(seed);
  const rig = new StoreRig();
  try {
    rig.store.open(climbingSettings);
    let appended = 0;
    let sum = 0;
    let coarse = false;
    for (let step = 0; step < 60; step++) {
      if (random.chance(0.4)) {
        const until = appended + 10 + random.below(60);
        append(rig, appended, until);
        for (; appended < until; appended++) sum += appended;
      }
      rig.tick(100);
      for (let i = random.below(8); i >= 0; i--) rig.store.maintain(rig.now);
      if (random.chance(0.6)) {
        const run = walk.read(rig, 1 + random.below(40));
        coarse ||= run !== null && run.fidelity !== 'raw';
      }
    }
    while (walk.read(rig, 1 + random.below(40)) !== null);
    return { walk, appended, sum, coarse };
  } finally {
    rig.dispose();
  }
}

test('who walks through a stream is given every reading exactly once, raw or in one summary, however the ladder goes up meanwhile', () => {
  let coarse = 0;
  for (let seed = 1; seed <= 5; seed++) {
    const told = walked(seed);
    expect([told.walk.count, told.walk.sum], `seed ${seed}`).toEqual([told.appended, told.sum]);
    if (told.coarse) coarse++;
  }
  expect(coarse).toBeGreaterThan(2);
});

test.each([
  ['a reader without a name', undefined, () => {}],
  [
    'a walk of before a restart',
    'w1',
    (rig: StoreRig) => {
      rig.store.close();
      rig.reborn().open(climbingSettings);
    },
  ],
  [
    'a walk that newer ones made the store forget',
    'w1',
    (rig: StoreRig) => {
      for (let i = 0; i < walksMax; i++) new Walk(`other${i}`).read(rig, 1);
    },
  ],
])('%s is given every reading at least once, in summaries that say what they cover', (_who, name, forget) => {
  const rig = new StoreRig();
  try {
    rig.store.open(climbingSettings);
    append(rig, 0, 150);
    const walk = new Walk(name);
    walk.read(rig, 75);
    forget(rig);
    climb(rig);

    while (walk.read(rig, 1000) !== null);

    // One summary of each series reaches over the place where the walk stood.
    expect(walk.count).toBeGreaterThan(150);
    expect(walk.covered.length).toBe(150);
    expect(Math.min(...walk.covered)).toBeGreaterThan(0);
  } finally {
    rig.dispose();
  }
});

test('a page that is asked for again is given again, and a walk that waits at the end goes on there', () => {
  const rig = new StoreRig();
  try {
    rig.store.open(climbingSettings);
    append(rig, 0, 150);
    const walk = new Walk('w1');
    walk.read(rig, 100);
    const answered = walk.next;
    walk.read(rig, 20);
    climb(rig);
    const again = new Walk('w1');
    again.next = answered;

    while (again.read(rig, 1000) !== null);
    append(rig, 150, 300);
    climb(rig);
    while (again.read(rig, 1000) !== null);

    expect(again.count).toBe(300 - answered);
    expect(again.sum).toBe((300 * 299) / 2 - (answered * (answered - 1)) / 2);
  } finally {
    rig.dispose();
  }
});
