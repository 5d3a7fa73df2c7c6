import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OffsetSet } from '#agent/receiver/offset-set.ts';

test('it is a set: the same answers as a plain one, in ascending runs that never touch', () => {
  const action = fc.tuple(fc.constantFrom('add', 'add', 'delete', 'has'), fc.nat({ max: 30 }));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const set = new OffsetSet();
      const plain = new Set<number>();
      for (const [what, offset] of actions) {
        if (what === 'add') expect(set.add(offset)).toBe(plain.size < plain.add(offset).size);
        else if (what === 'delete') expect(set.delete(offset)).toBe(plain.delete(offset));
        else expect(set.has(offset)).toBe(plain.has(offset));
      }
      const max = Math.max(-1, ...plain);
      const runs = set.runs();

      expect(set.max).toBe(max);
      expect(set.missing()).toBe(max + 1 - plain.size);
      expect(
        runs.flatMap(([first, until]) => Array.from({ length: until - first }, (_, i) => first + i)),
      ).toEqual([...plain].sort((a, b) => a - b));
      expect(runs.every(([first], i) => i === 0 || first > runs[i - 1]![1])).toBe(true);
      expect(new OffsetSet(runs).runs()).toEqual(runs);
      const holes = set.holes(100).reduce((sum, [first, until]) => sum + until - first, 0);
      expect(holes).toBe(set.missing());
    }),
  );
});
