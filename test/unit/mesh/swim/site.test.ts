import { describe, expect, it } from 'vitest';
import { runChaos } from '#test/simulation/swim/chaos.ts';
import { Invariants } from '#test/simulation/swim/invariants.ts';
import { disseminationMs, joinedSite, measureSteady, statedCosts } from '#test/simulation/swim/measure.ts';
import { Site } from '#test/simulation/swim/site.ts';

function joined(size: number, options: { readonly loss?: number; readonly seed?: number } = {}): Site {
  const site = new Site({ seed: options.seed ?? 1, size });
  site.witnesses.push(new Invariants(site));
  site.startAll();
  expect(site.runUntil(() => site.isOfOneMind(), 60_000, 50)).toBeLessThan(60_000);
  site.network.weather = { ...site.network.weather, loss: options.loss ?? 0 };
  return site;
}

/** The trace of ten seconds. */
function lossySite(seed: number): number {
  const site = new Site({
    seed,
    size: 5,
    weather: { loss: 0.2, duplicates: 0.1, held: 0.1, heldMsMax: 500 },
  });
  site.startAll();
  site.run(10_000);
  return site.trace;
}

describe('a site under chaos', () => {
  it.each([1, 2, 3])('holds its invariants and heals, seed %i', (seed) => {
    expect(runChaos(seed).healedMs).toBeLessThan(180_000);
  });

  it('does the same from the same seed', () => {
    expect(lossySite(77)).toBe(lossySite(77));
    expect(lossySite(78)).not.toBe(lossySite(77));
  });
});

describe('a site in steady weather', () => {
  it('declares no live agent of twenty unreachable at 10 % loss', () => {
    const site = joined(20, { loss: 0.1 });
    let condemned = 0;
    site.witnesses.push({
      stepped(_, __, effects) {
        for (const effect of effects)
          condemned += Number(effect.kind === 'member' && effect.member.state === 'unreachable');
      },
    });
    site.run(30_000);
    expect(condemned).toBe(0);
  });

  it('brings news to all of a small site at 30 % loss as soon as to those of a large one', () => {
    const sites = { size: 9, loss: 0.3, seeds: [1, 2] };
    expect(disseminationMs(sites, { trials: 40, share: 0.98 })).toBeLessThan(1_500);
  });

  it.each(statedCosts)(
    'costs each agent the same at a loss of $loss, whatever the size of the site',
    (row) => {
      const [small, large] = [5, 25].map((size) =>
        measureSteady(joinedSite({ seed: 1, size, loss: row.loss }), 30_000),
      );
      for (const cost of [small!, large!]) {
        expect(cost.messagesPerSecond).toBeLessThan(row.messagesMax);
        expect(cost.bytesPerSecond).toBeLessThan(row.bytesMax);
      }
      expect(large!.messagesPerSecond / small!.messagesPerSecond).toBeLessThan(1.25);
      expect(large!.bytesPerSecond / small!.bytesPerSecond).toBeLessThan(1.4);
    },
  );
});
