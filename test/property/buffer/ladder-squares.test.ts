import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { coarseReadings } from '#agent/buffer/rollup/coarse-rows.ts';
import { spreadRoundingsMax, spreadRoundingsOpen } from '#agent/buffer/rungs/spread.ts';
import { decodeRows } from '#agent/buffer/rungs/packed-rows.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { climbingSettings, StoreRig } from './model/store-rig.ts';

/** Values of one series, ten minutes apart, beside bytes that make them go up the ladder. */
class Climbing {
  readonly rig = new StoreRig();
  readonly values: number[] = [];
  readonly #random = new Prng(7);

  constructor() {
    this.rig.store.open(climbingSettings);
  }

  append(values: readonly number[]): void {
    const builder = new BatchBuilder({ stream: 's', clock: 'device', capacity: values.length });
    for (const value of values) {
      builder.begin({ tags: {}, timeMicros: 1_700_000_000_000_000 + this.values.length * 600_000_000 });
      builder.set('v', value);
      builder.set(
        'waveform',
        Uint8Array.from({ length: 60 }, () => this.#random.below(256)),
      );
      this.values.push(value);
    }
    const rows = [{ bytes: encodeJournalRow(builder.finish()), count: values.length }];
    const entries = [{ stream: 's', received: values.length, filtered: [], marks: [], rows }];
    this.rig.store.commit([{ kind: 'append', entries }], this.rig.now);
    this.rig.tick(1_000);
  }

  /** Sixty readings, and then some slices of upkeep. */
  grow(value: () => number, afterStep: () => void = () => {}): void {
    this.append(Array.from({ length: 60 }, value));
    for (let steps = this.#random.below(8); steps > 0; steps--) {
      this.rig.store.maintain(this.rig.now);
      afterStep();
    }
  }

  blocks(): { first: number; count: number; level: number; roundings: number; bytes: Uint8Array }[] {
    return this.rig
      .raw!.prepare<{ first: number; count: number; level: number; roundings: number; bytes: Uint8Array }>(
        'SELECT first, count, level, roundings, bytes FROM (SELECT payload, first, count, level, roundings FROM blocks) JOIN payloads ON id = payload ORDER BY first',
      )
      .all();
  }

  /** Of each row that a query takes: how far its squares are from those of its readings, and how far it says they are. */
  squares(): { off: number; stated: number; roundings: number }[] {
    const found: { off: number; stated: number; roundings: number }[] = [];
    for (const { bytes, level, roundings } of this.blocks()) {
      if (level === 0 || level === 14) continue;
      const rows = decodeRows(bytes);
      if (!rows.ok) throw new Error(rows.error.detail);
      for (const row of coarseReadings(rows.value.batch, { fidelity: 'window', roundings })) {
        const { count, squares, squaresError } = row.field('v')!;
        const exact = squaresOf(this.values.slice(row.offset, row.offset + count));
        found.push({ off: Math.abs(exact - squares), stated: squaresError, roundings });
      }
    }
    return found;
  }
}

/** From the first value, in whole parts of 2^-40: exact for the values here. */
function squaresOf(values: readonly number[]): number {
  const parts = values.map((value) => BigInt(Math.round((value - values[0]!) * 2 ** 40)));
  const sum = parts.reduce((all, one) => all + one, 0n);
  const squares = parts.reduce((all, one) => all + one * one, 0n);
  const n = BigInt(parts.length);
  return Number(squares * n - sum * sum) / Number(n) / 2 ** 80;
}

test.each([
  ['of a sensor', (random: Prng) => 20 + 5 * random.float()],
  ['of a switch', (random: Prng) => (random.chance(0.3) ? 1 : 0)],
  ['far from 0 and close to each other', (random: Prng) => 1_700_000_000 + 2 ** -16 * random.float()],
])('what a query is told of the error of squares is true down the ladder, of values %s', (_, source) => {
  for (let seed = 1; seed <= 2; seed++) {
    const random = new Prng(seed);
    const climbing = new Climbing();
    try {
      for (let turn = 0; turn < 40; turn++) climbing.grow(() => source(random));
      const rows = climbing.squares();

      expect(Math.max(...rows.map(({ roundings }) => roundings)), `seed ${seed}`).toBeGreaterThan(2);
      for (const { off, stated } of rows) expect(off, `seed ${seed}`).toBeLessThanOrEqual(stated);
    } finally {
      climbing.rig.dispose();
    }
  }
});

/** Lets a buffer grow; answers the step in which its oldest block first took further readings in at its level, and what became of the block by then. */
function firstTaken(until: number, before: (climbing: Climbing) => void): { step: number; count: number } {
  const random = new Prng(5);
  const climbing = new Climbing();
  let step = 0;
  let oldest = { level: 0, count: 0 };
  const taken: { step: number; count: number }[] = [];
  try {
    for (let turn = 0; turn < 40 && taken.length === 0; turn++) {
      climbing.grow(
        () => random.float(),
        () => {
          if (taken.length > 0) return;
          const { level, count } = climbing.blocks()[0] ?? oldest;
          if (step === until || (level > 1 && level === oldest.level && count > oldest.count))
            taken.push({ step, count });
          oldest = { level, count };
          if (++step === until) before(climbing);
        },
      );
    }
  } finally {
    climbing.rig.dispose();
  }
  if (taken[0] === undefined) throw new Error('no block took others in');
  return taken[0];
}

test('a block that was rounded many times takes nothing further in at its level', () => {
  const before: number[] = [];
  const usual = firstTaken(Infinity, () => {});
  const found = firstTaken(usual.step, (climbing) => {
    before.push(climbing.blocks()[0]!.count);
    climbing.rig.raw!.exec(`UPDATE blocks SET roundings = ${spreadRoundingsOpen}`);
  });

  expect(usual.count).toBeGreaterThan(before[0]!);
  expect(found).toEqual({ step: usual.step, count: before[0] });
});

test('no block is rounded more often than the error allows for', () => {
  const random = new Prng(5);
  const climbing = new Climbing();
  let most = 0;
  try {
    for (let turn = 0; turn < 40; turn++) {
      const often = `UPDATE blocks SET roundings = ${spreadRoundingsMax} WHERE level > 0`;
      if (turn > 20) climbing.rig.raw!.exec(often);
      climbing.grow(
        () => random.float(),
        () => (most = climbing.blocks().reduce((high, { roundings }) => Math.max(high, roundings), most)),
      );
    }

    expect(most).toBe(spreadRoundingsMax);
  } finally {
    climbing.rig.dispose();
  }
});

test('coarse blocks of schema 7, which counted no roundings, count as ones that take nothing further in, and go on up', () => {
  const random = new Prng(5);
  const climbing = new Climbing();
  try {
    const isUnderWay = (): boolean => climbing.blocks().some(({ level }) => level > 1 && level < 5);
    for (let turn = 0; turn < 30 && !isUnderWay(); turn++) climbing.grow(() => random.float());
    climbing.rig.raw!.exec('ALTER TABLE blocks DROP COLUMN roundings; PRAGMA user_version = 7; SELECT 1');
    climbing.rig.reborn().open(climbingSettings);
    const before = climbing.squares();
    for (let turn = 0; turn < 30; turn++) climbing.grow(() => random.float());
    const after = climbing.squares();

    expect(before.every(({ roundings }) => roundings === spreadRoundingsOpen)).toBe(true);
    expect(after.some(({ roundings }) => roundings > spreadRoundingsOpen)).toBe(true);
    for (const { off, stated } of [...before, ...after]) expect(off).toBeLessThanOrEqual(stated);
  } finally {
    climbing.rig.dispose();
  }
});
