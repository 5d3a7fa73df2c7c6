import { assert } from '#agent/base/assert.ts';
import { Site } from './site.ts';

export interface Steady {
  readonly suspicions: number;
  /** Live agents declared unreachable, counted once for each that declared it. */
  readonly falselyUnreachable: number;
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What one agent may send a second at a loss, whatever the size of its site: the bounds that the room's README states. */
export const statedCosts = [
  { loss: 0, messagesMax: 2.5, bytesMax: 40 },
  { loss: 0.1, messagesMax: 5, bytesMax: 65 },
  { loss: 0.3, messagesMax: 9, bytesMax: 120 },
] as const;

/** A joined site; loss begins when all know each other. */
export function joinedSite(options: {
  readonly seed: number;
  readonly size: number;
  readonly loss: number;
}): Site {
  const site = new Site(options);
  site.startAll();
  const joinedMs = site.runUntil(() => site.isOfOneMind(), 120_000, 100);
  assert(joinedMs < Infinity, `seed ${options.seed}: the site joins`);
  site.network.weather = { ...site.network.weather, loss: options.loss };
  site.run(20_000);
  return site;
}

/** What a site without any fault but loss does to itself, and what it costs one agent. */
export function measureSteady(site: Site, spanMs: number): Steady {
  let suspicions = 0;
  let falselyUnreachable = 0;
  site.witnesses.push({
    stepped(_, __, effects) {
      for (const effect of effects) {
        if (effect.kind !== 'member') continue;
        suspicions += Number(effect.member.state === 'suspect' && effect.before === 'alive');
        falselyUnreachable += Number(effect.member.state === 'unreachable');
      }
    },
  });
  const sent = (what: 'sentMessages' | 'sentBytes') =>
    site.places.reduce((sum, place) => sum + place[what], 0);
  const before = { messages: sent('sentMessages'), bytes: sent('sentBytes') };
  site.run(spanMs);
  site.witnesses.pop();
  const seconds = (spanMs / 1000) * site.places.length;
  return {
    suspicions,
    falselyUnreachable,
    messagesPerSecond: (sent('sentMessages') - before.messages) / seconds,
    bytesPerSecond: (sent('sentBytes') - before.bytes) / seconds,
  };
}

/** Milliseconds from one agent's new description until all others hold it, for each of so many trials. */
export function measureDissemination(site: Site, trials: number): number[] {
  const spans: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const place = site.places[(trial * 7) % site.places.length]!;
    const attributes = `trial ${trial}`;
    const told = new Set<number>();
    site.witnesses.push({
      stepped(observer, _, effects) {
        for (const effect of effects)
          if (effect.kind === 'member' && effect.member.attributes === attributes) told.add(observer.index);
      },
    });
    const from = site.now;
    site.happen(place.index, { kind: 'describe', address: place.address, attributes });
    site.timeline.runUntil(from + 60_000, () => told.size === site.places.length - 1);
    spans.push(site.now - from);
    site.witnesses.pop();
    site.run(3_000 + 500 * site.random.float());
  }
  return spans.sort((a, b) => a - b);
}

/** Milliseconds within which this share of the news is with all, over sites of several seeds. */
export function disseminationMs(
  of: { readonly size: number; readonly loss: number; readonly seeds: readonly number[] },
  { trials, share }: { readonly trials: number; readonly share: number },
): number {
  const { size, loss, seeds } = of;
  const spans = seeds.flatMap((seed) => measureDissemination(joinedSite({ seed, size, loss }), trials));
  return percentile(
    spans.sort((a, b) => a - b),
    share,
  );
}

/** Milliseconds from a death until the first, and until all, hold the dead unreachable. */
export function measureDetection(
  site: Site,
  death: { readonly index: number; readonly refusing: boolean },
): { readonly firstMs: number; readonly allMs: number } {
  const dead = site.places[death.index]!.agent;
  const told = new Set<number>();
  let firstMs = Infinity;
  const from = site.now;
  site.witnesses.push({
    stepped(observer, _, effects) {
      for (const effect of effects) {
        if (effect.kind !== 'member' || effect.member.agent !== dead) continue;
        if (effect.member.state !== 'unreachable') continue;
        firstMs = Math.min(firstMs, site.now - from);
        told.add(observer.index);
      }
    },
  });
  site.crash(death.index, { refusing: death.refusing });
  site.timeline.runUntil(from + 300_000, () => told.size >= site.alive.length);
  site.witnesses.pop();
  return { firstMs, allMs: site.now - from };
}

/** The share-th of a sorted list: 0.99 of a hundred is the ninety-ninth. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}
