import { expect, test } from 'vitest';
import { collector } from '#agent/host/garbage-collector.ts';

test('the collector is looked for again when another thread took the flag down, and not for ever', () => {
  let looks = 0;
  const never = (): null => {
    looks++;
    return null;
  };
  const collect = (): void => undefined;

  expect(collector(never)).toBeNull();
  expect(looks).toBe(16);
  expect(collector(() => (++looks < 20 ? null : collect))).toBe(collect);
  expect(collector(never)).toBe(collect);
});
