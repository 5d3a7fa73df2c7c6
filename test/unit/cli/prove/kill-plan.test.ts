import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planKills } from '#agent/cli/prove/kill-plan.ts';

const anyOrder = fc.record({
  total: fc.integer({ min: 100, max: 4_000_000 }),
  kills: fc.integer({ min: 1, max: 100 }),
  seed: fc.nat(),
  delayMsMax: fc.constant(20),
});

describe('the plan of kills', () => {
  it('is the same for the same seed and another for another', () => {
    const order = { total: 10_000, kills: 5, delayMsMax: 20 };
    expect(planKills({ ...order, seed: 1 })).toEqual(planKills({ ...order, seed: 1 }));
    expect(planKills({ ...order, seed: 1 })).not.toEqual(planKills({ ...order, seed: 2 }));
  });

  it('has as many kills as ordered, each while something is still to come', () => {
    fc.assert(
      fc.property(anyOrder, (order) => {
        const { flood, drain } = planKills(order);
        const all = drain === null ? flood : [...flood, drain];
        expect(all).toHaveLength(order.kills);
        for (const { count, delayMs } of all) {
          expect(count).toBeGreaterThanOrEqual(1);
          expect(count).toBeLessThan(order.total);
          expect(delayMs).toBeGreaterThanOrEqual(0);
          expect(delayMs).toBeLessThan(20);
        }
        expect(flood.map(({ count }) => count)).toEqual(
          flood.map(({ count }) => count).toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('spends a single kill on the flood', () => {
    expect(planKills({ total: 1_000, kills: 1, seed: 3, delayMsMax: 0 }).drain).toBeNull();
  });
});
