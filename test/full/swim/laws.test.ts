import { describe, expect, it } from 'vitest';
import { runChaos } from '#test/simulation/swim/chaos.ts';
import {
  joinedSite,
  measureDissemination,
  measureSteady,
  percentile,
} from '#test/simulation/swim/measure.ts';

/** What `npm run test:long` shows over all sizes and thousands of seeds. */
describe('SWIM, in minutes', () => {
  it('declares no live agent of twenty unreachable in ten virtual minutes at 10 % loss, over three seeds', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const steady = measureSteady(joinedSite({ seed, size: 20, loss: 0.1 }), 600_000);
      expect(steady.falselyUnreachable, `seed ${seed}`).toBe(0);
    }
  });

  it('brings news to all of fifty within 1.5 s at 30 % loss, p99 of 300', () => {
    const spans = [1, 2, 3].flatMap((seed) =>
      measureDissemination(joinedSite({ seed, size: 50, loss: 0.3 }), 100),
    );
    expect(
      percentile(
        spans.sort((a, b) => a - b),
        0.99,
      ),
    ).toBeLessThan(1_500);
  });

  it('stays clean over two hundred fresh seeds of chaos', () => {
    // A failure prints the seed and the command that replays it.
    const first = Math.floor(Date.now() / 1000) * 1000;
    console.log(`chaos: seeds ${first} … ${first + 199}`);
    for (let seed = first; seed < first + 200; seed++) runChaos(seed);
  });
});
