import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { maxRegisters, registerCounts } from '#agent/sketch/hyperloglog-state.ts';
import { ItemHasher, standardSeed } from '#agent/sketch/item-hasher.ts';
import { sortRun } from '#agent/sketch/kll-levels.ts';
import { Moments } from '#agent/sketch/moments.ts';

/** Smooth, crowded, with outliers, with infinities, and any doubles: what lays values out by size must bear them all. */
const number = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(1e300, -1e300, 5e-324, Infinity, -Infinity, -0),
  fc.double({ noNaN: true }),
);
const run = fc
  .tuple(fc.constantFrom(12, 60, 300, 1_100), fc.constantFrom(number, fc.integer({ min: 0, max: 4 })))
  .chain(([length, one]) => fc.array(one, { maxLength: length, size: 'max' }));

describe('a run of values', () => {
  it('is sorted in its place, and nothing beside it is touched', () => {
    fc.assert(
      fc.property(run, fc.nat(3), (values, before) => {
        const items = Float64Array.from([...Array<number>(before).fill(7.5), ...values, 7.5]);
        sortRun(items, before, before + values.length);
        const twin = values.map((value) => value + 0).sort((a, b) => a - b || 0);
        expect([...items].map((value) => value + 0)).toEqual([
          ...Array<number>(before).fill(7.5),
          ...twin,
          7.5,
        ]);
      }),
    );
  });

  it('makes the HyperLogLog that its values make one by one, repetitions and cuts or not', () => {
    fc.assert(
      fc.property(run, fc.nat(1_100), fc.constantFrom(4, 8, 12), (values, cut, lgK) => {
        const all = Float64Array.from([...values, NaN, NaN, ...values.slice(0, 3), 0, -0]);
        const [whole, single] = [new HyperLogLog({ lgK }), new HyperLogLog({ lgK })];
        const at = Math.min(cut, all.length);
        whole.updateNumbers(all, 0, at);
        whole.updateNumbers(all, at);
        for (const value of all) single.updateNumber(value);
        expect(whole.toBytes()).toEqual(single.toBytes());
        expect(whole.estimate()).toBe(single.estimate());
      }),
    );
  });

  it('of many distinct numbers makes the same HyperLogLog as one by one', () => {
    const values = Float64Array.from({ length: 60_000 }, (_, i) => i * 1.37);
    const [whole, single] = [new HyperLogLog(), new HyperLogLog()];
    whole.updateNumbers(values);
    for (const value of values) single.updateNumber(value);
    expect(whole.toBytes()).toEqual(single.toBytes());
  });

  it('is hashed as each of its numbers is', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 64 }), (values) => {
        const [together, alone] = [new ItemHasher(standardSeed), new ItemHasher(standardSeed)];
        const distinct = values.filter((value, i) => i === 0 || value !== values[i - 1]);
        expect(together.numbers(Float64Array.from(values), 0, values.length)).toBe(distinct.length);
        for (const [i, value] of distinct.entries()) {
          alone.number(value);
          expect([...together.words.subarray(2 * i, 2 * i + 2)]).toEqual([...alone.words.subarray(0, 2)]);
        }
      }),
    );
  });

  it('makes the moments that its values make one by one', () => {
    fc.assert(
      fc.property(run, fc.nat(1_100), (values, cut) => {
        const all = Float64Array.from(values);
        const [whole, single] = [new Moments(), new Moments()];
        const at = Math.min(cut, all.length);
        whole.updateAll(all, 0, at);
        whole.updateAll(all, at);
        for (const value of all) single.update(value);
        expect(whole.toBytes()).toEqual(single.toBytes());
      }),
    );
  });
});

describe('registers', () => {
  const registers = fc.uint8Array({ minLength: 16, maxLength: 16, max: 63 });

  it('are raised word by word as they would be one by one', () => {
    fc.assert(
      fc.property(registers, registers, (ours, theirs) => {
        const raised = ours.slice();
        maxRegisters(raised, theirs);
        expect([...raised]).toEqual(Array.from(ours, (value, i) => Math.max(value, theirs[i]!)));
      }),
    );
  });

  it('are counted by value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (values) => {
        const counts = new Uint32Array(256);
        for (const value of values) counts[value]!++;
        expect([...registerCounts(values)]).toEqual([...counts]);
      }),
    );
  });
});
