import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundSpread, spreadErrorAfter, spreadRoundingsMax } from '#agent/buffer/rungs/spread.ts';

test('a sum is within the error stated for as many roundings as it has seen, whatever is added', () => {
  const share = fc.double({ min: 0, max: 2, noNaN: true });
  /** What is added each time, in parts of 2^-15 of the sum so far: below a half it vanishes in the rounding. */
  const steps = fc.array(share, { minLength: 1, maxLength: spreadRoundingsMax });
  const worst = (roundings: number): number[] => Array.from({ length: roundings }, () => 0.499);
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), steps, (start, shares) => {
      let exact = start;
      let kept = start;
      for (const [i, one] of shares.entries()) {
        const added = kept * one * 2 ** -15;
        exact += added;
        kept = roundSpread(kept + added);

        expect(Math.abs(kept - exact)).toBeLessThanOrEqual(kept * spreadErrorAfter(i + 1));
      }
    }),
    {
      examples: [
        [1, worst(1)],
        [1, worst(10)],
        [1, worst(spreadRoundingsMax)],
      ],
    },
  );
});

test.each([1, 10, spreadRoundingsMax])(
  'the error after %i roundings is no looser than it needs',
  (roundings) => {
    let exact = 1;
    let kept = 1;
    for (let i = 0; i < 2 * roundings + 4; i++) {
      const added = 0.499 * 2 ** -15;
      exact += added;
      kept = roundSpread(kept + added);
    }

    expect(Math.abs(kept - exact)).toBeGreaterThan(kept * spreadErrorAfter(roundings));
  },
);
