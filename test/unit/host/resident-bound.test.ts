import { expect, test } from 'vitest';
import { residentBytesDue, ResidentBound, residentPauseMs } from '#agent/host/resident-bound.ts';

function watched() {
  const seen = { now: 0, resident: 0, looks: 0, trims: 0 };
  const bound = new ResidentBound({
    now: () => seen.now,
    resident: () => {
      seen.looks++;
      return seen.resident;
    },
    trim: () => void seen.trims++,
  });
  return { seen, bound };
}

test('memory in stock is given back once much is resident, and not before', () => {
  const { seen, bound } = watched();
  seen.resident = residentBytesDue - 1;
  bound.look();
  expect(seen.trims).toBe(0);

  seen.now += residentPauseMs;
  seen.resident = residentBytesDue;
  bound.look();
  expect(seen.trims).toBe(1);
});

test('however often there is work, it is looked at a few times a second', () => {
  const { seen, bound } = watched();
  seen.resident = 2 * residentBytesDue;
  for (; seen.now < 1000; seen.now++) bound.look();

  expect([seen.looks, seen.trims]).toEqual([5, 5]);
});
