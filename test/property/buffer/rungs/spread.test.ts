import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundSpread, spreadError, spreadRoundingsMax } from '#agent/buffer/rungs/spread.ts';

test('a sum rounded as often as the stated error allows for is within it, whatever is added', () => {
  const share = fc.double({ min: 0, max: 2, noNaN: true });
  /** What is added each time, in parts of 2^-15 of the sum so far: below a half it vanishes in the rounding. */
  const steps = fc.array(share, { minLength: 1, maxLength: spreadRoundingsMax });
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), steps, (start, shares) => {
      let exact = start;
      let kept = start;
      for (const one of shares) {
        const added = kept * one * 2 ** -15;
        exact += added;
        kept = roundSpread(kept + added);
      }

      expect(Math.abs(kept - exact)).toBeLessThanOrEqual(kept * spreadError);
    }),
    { examples: [[1, Array.from({ length: spreadRoundingsMax }, () => 0.499)]] },
  );
});

test('the error is no looser than it needs: twice as many roundings may leave it', () => {
  let exact = 1;
  let kept = 1;
  for (let i = 0; i < 2 * spreadRoundingsMax + 4; i++) {
    const added = 0.499 * 2 ** -15;
    exact += added;
    kept = roundSpread(kept + added);
  }

  expect(Math.abs(kept - exact)).toBeGreaterThan(kept * spreadError);
});
