import { expect, it } from 'vitest';
import { MiB } from '#agent/base/units.ts';
import { BufferOutlook } from '#agent/assembly/buffer-outlook.ts';

/** Sampled every five seconds for so long. */
function outlookOf(seconds: number, room: (second: number) => number): BufferOutlook {
  const outlook = new BufferOutlook();
  for (let at = 0; at <= seconds; at += 5) outlook.sample(room(at), at * 1_000);
  return outlook;
}

const start = 512 * MiB;

it('says nothing of the first minute, then when the room will be gone', () => {
  const falling = (at: number): number => start - at * 100_000;

  expect(outlookOf(55, falling).secondsFor(start)).toBeNull();
  expect(outlookOf(60, falling).secondsFor(200_000)).toBeCloseTo(2);
});

it('knows no end where room stays or comes back, and none far away out of a few pages', () => {
  expect(outlookOf(900, () => start).secondsFor(start)).toBeNull();
  expect(outlookOf(900, (at) => start + at).secondsFor(start)).toBeNull();
  expect(outlookOf(900, (at) => (at > 450 ? start - 4_096 : start)).secondsFor(start)).toBeNull();
});

it('sees through the teeth of sealing, which gives most of a minute back', () => {
  const growth = 500;
  const teeth = (at: number): number => start - at * growth - (at % 60) * 4 * growth;

  const seconds = outlookOf(900, teeth).secondsFor(start)!;

  expect(seconds / (start / growth)).toBeGreaterThan(0.8);
  expect(seconds / (start / growth)).toBeLessThan(1.25);
});

it('notices within two minutes that it fills faster than before', () => {
  const steeper = (at: number): number => start - at * 100 - Math.max(0, at - 780) * 50_000;

  expect(outlookOf(900, steeper).secondsFor(50_100)).toBeCloseTo(1, 1);
});
