import { expect, test } from 'vitest';
import { BufferGarbage, oldBytesMax, youngBytesMax } from '#agent/host/buffer-garbage.ts';

/** A thread's buffers: those in use, and those nobody uses that only a collection of the whole heap finds, or one of young objects too. */
function thread() {
  const held = { used: 0, young: 0, old: 0, most: 0 };
  const collected = { minor: 0, major: 0 };
  const garbage = new BufferGarbage({
    bytes: () => held.used + held.young + held.old,
    collect: (type) => {
      collected[type]++;
      held.young = 0;
      if (type === 'major') held.old = 0;
    },
  });
  const drop = (bytes: number, kind: 'young' | 'old' = 'young'): void => {
    held[kind] += bytes;
    held.most = Math.max(held.most, held.young + held.old);
    garbage.look();
  };
  return { held, collected, garbage, drop };
}

const piece = 64 * 1024;

test('buffers that nobody uses are collected before they are more than the bound', () => {
  const { held, collected, garbage, drop } = thread();
  garbage.look();
  for (let i = 0; i < 10_000; i++) drop(piece);
  expect(held.most).toBeLessThanOrEqual(youngBytesMax + piece);
  // Not more often than that takes.
  expect(collected).toEqual({ minor: Math.floor((10_000 * piece) / youngBytesMax), major: 0 });
});

test('buffers in use are no reason to collect again and again', () => {
  const { held, collected, garbage } = thread();
  garbage.look();
  held.used = 4 * youngBytesMax;
  for (let i = 0; i < 100; i++) garbage.look();
  expect(collected).toEqual({ minor: 1, major: 0 });
});

test('what a thread has given back counts anew when it comes again', () => {
  const { held, collected, garbage } = thread();
  for (const used of [youngBytesMax / 2, youngBytesMax, 0, youngBytesMax - 1]) {
    held.used = used;
    garbage.look();
  }
  expect(collected).toEqual({ minor: 0, major: 0 });
  held.used = youngBytesMax;
  garbage.look();
  expect(collected).toEqual({ minor: 1, major: 0 });
});

test('buffers that grew old before they were let go of are collected with the whole heap, within a bound too', () => {
  const { held, collected, garbage, drop } = thread();
  garbage.look();
  for (let i = 0; i < 10_000; i++) drop(piece, 'old');
  expect(held.most).toBeLessThanOrEqual(oldBytesMax + 2 * youngBytesMax);
  expect(collected.major).toBeGreaterThan(0);
  expect(collected.major).toBeLessThanOrEqual(Math.ceil((10_000 * piece) / oldBytesMax));
});
