import { expect, test } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { pageBytes, sizeBytesMin } from '#agent/buffer/limits.ts';
import { divide, sizeForAppend, takes } from '#agent/buffer/settings.ts';

test('database, log and reserve together stay within the cap, whatever it is', () => {
  for (const size of [sizeBytesMin, 16 * MiB, 64 * MiB + 1, 512 * MiB, 100_000 * MiB]) {
    const shares = divide(size);
    expect(shares.pagesMax * pageBytes + shares.walBytes + shares.reserveBytes).toBeLessThanOrEqual(size);
    expect(shares.pagesMax).toBeGreaterThan(shares.headroomPages + shares.urgentPages);
  }
});

test.each([1, 700_000, 4 * MiB])(
  'the size named for an append of %i bytes takes it, and a MiB less does not',
  (bytes) => {
    const size = sizeForAppend(bytes);

    expect(divide(size).appendBytes).toBeGreaterThanOrEqual(bytes);
    if (size > sizeBytesMin) expect(divide(size - MiB).appendBytes).toBeLessThan(bytes);
  },
);

test.each([
  ['*', 'vibration', true],
  ['*', '_dead_letter', false],
  ['_*', '_dead_letter', true],
  ['vib*', 'vibration', true],
  ['vib*', 'av', false],
  ['*_10s', 'vibration_10s', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['ab*ba', 'aba', false],
  ['exact', 'exact', true],
  ['exact', 'exactly', false],
])('glob %s takes %s: %s', (glob, stream, taken) => {
  expect(takes([glob], stream)).toBe(taken);
});
