import { describe, expect, it } from 'vitest';
import { boundTrials, missesAllowed, missesOf } from '#test/property/sketch/bound-trials.ts';

describe.each(boundTrials)('the bound of $name', (trial) => {
  it('holds over 4,000 seeded trials as often as it says', () => {
    expect(missesOf(trial, 4000, 1)).toBeLessThanOrEqual(missesAllowed(4000, trial.missing));
  });

  it('holds over 400 merges of 64 parts in an order of chance', () => {
    expect(missesOf(trial, 400, 64)).toBeLessThanOrEqual(missesAllowed(400, trial.missing));
  });
});
