import { describe, expect, it } from 'vitest';
import { runChaos } from '#test/simulation/swim/chaos.ts';
import { disseminationMs, joinedSite, measureSteady, statedCosts } from '#test/simulation/swim/measure.ts';

/** What `npm run test:long` shows over all sizes and thousands of seeds. */
describe('SWIM, in minutes', () => {
  it('declares no live agent of twenty unreachable in ten virtual minutes at 10 % loss, over three seeds', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const steady = measureSteady(joinedSite({ seed, size: 20, loss: 0.1 }), 600_000);
      expect(steady.falselyUnreachable, `seed ${seed}`).toBe(0);
    }
  });

  it('brings news to all of fifty within 1.5 s at 30 % loss, p99 of 300', () => {
    const sites = { size: 50, loss: 0.3, seeds: [1, 2, 3] };
    expect(disseminationMs(sites, { trials: 100, share: 0.99 })).toBeLessThan(1_500);
  });

  /** The ratio is between the dearest and the cheapest site from 30 agents on. */
  it.each(statedCosts)('costs an agent the same among 5, 30, 100 and 200 at a loss of $loss', (row) => {
    const costs = [5, 30, 100, 200].map((size) =>
      measureSteady(joinedSite({ seed: size, size, loss: row.loss }), 60_000),
    );
    const messages = costs.map((cost) => cost.messagesPerSecond);
    const bytes = costs.map((cost) => cost.bytesPerSecond);
    expect(Math.max(...messages)).toBeLessThan(row.messagesMax);
    expect(Math.max(...bytes)).toBeLessThan(row.bytesMax);
    expect(messages.at(-1)! / messages[1]!).toBeLessThan(1.25);
    expect(bytes.at(-1)! / bytes[1]!).toBeLessThan(1.5);
    expect(costs.map((cost) => cost.falselyUnreachable)).toEqual([0, 0, 0, 0]);
  });

  it('stays clean over two hundred fresh seeds of chaos', () => {
    // A failure prints the seed and the command that replays it.
    const first = Math.floor(Date.now() / 1000) * 1000;
    console.log(`chaos: seeds ${first} … ${first + 199}`);
    for (let seed = first; seed < first + 200; seed++) runChaos(seed);
  });
});
