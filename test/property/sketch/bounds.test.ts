import { describe, expect, it } from 'vitest';
import { boundTrials, missesAllowed, missesOf } from './bound-trials.ts';

describe.each(boundTrials)('the bound of $name', (trial) => {
  it('holds over 400 seeded trials as often as it says', () => {
    expect(missesOf(trial, 400, 1)).toBeLessThanOrEqual(missesAllowed(400, trial.missing));
  });

  it('holds after 64 parts were merged in an order of chance', () => {
    expect(missesOf(trial, 40, 64)).toBeLessThanOrEqual(missesAllowed(40, trial.missing));
  });
});
