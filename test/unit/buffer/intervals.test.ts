import { expect, test } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { measure, missing, unite, type Interval } from '#agent/buffer/intervals.ts';

test('touching ranges become one', () => {
  expect(unite([[0, 3]], 3, 5)).toEqual([[0, 5]]);
  expect(
    unite(
      [
        [0, 2],
        [6, 8],
      ],
      2,
      6,
    ),
  ).toEqual([[0, 8]]);
  expect(unite([[4, 6]], 0, 2)).toEqual([
    [0, 2],
    [4, 6],
  ]);
});

test('a list of ranges is the set of its numbers', () => {
  const random = new Prng(7);
  for (let run = 0; run < 200; run++) {
    let set: readonly Interval[] = [];
    const twin = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const from = random.below(40);
      const until = from + random.below(8);
      set = unite(set, from, until);
      for (let n = from; n < until; n++) twin.add(n);
    }
    const gaps = missing(set, 5, 45).flatMap(([a, b]) => Array.from({ length: b - a }, (_, i) => a + i));

    expect(measure(set)).toBe(twin.size);
    expect(gaps).toEqual(Array.from({ length: 40 }, (_, i) => i + 5).filter((n) => !twin.has(n)));
    expect(set.every(([a, b], i) => a < b && (i === 0 || set[i - 1]![1] < a))).toBe(true);
  }
});
