import { Prng } from '#agent/base/prng.ts';
import { messageOf } from '#agent/base/errors.ts';
import { Invariants } from './invariants.ts';
import type { Weather } from './network.ts';
import { calm } from './network.ts';
import { Site } from './site.ts';

export interface ChaosReport {
  readonly seed: number;
  readonly size: number;
  readonly trace: number;
  /** From the end of all faults until all were of one mind. */
  readonly healedMs: number;
}

/** All faults are over by then. */
const chaosMs = 60_000;
/** Reconnecting is tried every 30 s by each; a lost round costs another. */
const healMsMax = 180_000;

/**
 * One life of a site from one number: first safety under faults, then liveness on a healed network.
 * @throws with the command that replays it.
 */
export function runChaos(seed: number): ChaosReport {
  try {
    return live(seed);
  } catch (error) {
    throw new Error(
      `seed ${seed}: ${messageOf(error)}; replay: node test/simulation/swim/run.ts --seed ${seed}`,
      { cause: error },
    );
  }
}

function live(seed: number): ChaosReport {
  const random = new Prng(seed);
  const size = 2 + random.below(11);
  const site = new Site({ seed: random.uint32(), size, weather: drawWeather(random) });
  const invariants = new Invariants(site);
  site.witnesses.push(invariants);
  const everybody = site.places.map((place) => place.index);
  for (const index of everybody) site.timeline.at(random.below(5_000), () => site.start(index, everybody));
  site.run(5_000);
  const eventfulness = 500 + random.below(5_000);
  while (site.now < chaosMs) {
    site.run(random.below(eventfulness));
    misfortune(site, random, invariants);
  }
  const healedMs = heal(site, everybody);
  if (healedMs === Infinity) throw new Error(`not of one mind ${healMsMax / 1000} s after the last fault`);
  return { seed, size, trace: site.trace, healedMs };
}

function heal(site: Site, everybody: readonly number[]): number {
  site.network.heal();
  site.network.weather = calm;
  const last = Math.max(...site.places.map((place) => place.pausedUntil));
  site.run(Math.max(0, last - site.now) + 100);
  // One that is left alone has nobody to be of one mind with.
  for (const index of everybody)
    if (site.alive.length < 2 && site.places[index]!.swim === null) site.start(index, everybody);
  return site.runUntil(() => site.isOfOneMind(), healMsMax, 250);
}

function drawWeather(random: Prng): Weather {
  const delayMsMin = random.float() * 20;
  return {
    loss: random.chance(0.3) ? 0 : random.float() * 0.3,
    delayMsMin,
    delayMsMax: delayMsMin + random.float() * 200,
    duplicates: random.chance(0.5) ? 0 : random.float() * 0.3,
    held: random.chance(0.5) ? 0 : random.float() * 0.2,
    heldMsMax: random.float() * 4_000,
  };
}

function misfortune(site: Site, random: Prng, invariants: Invariants): void {
  const place = random.pick(site.places);
  const { index } = place;
  const everybody = site.places.map((other) => other.index);
  if (place.swim === null) {
    if (random.chance(0.05)) {
      place.ceiling = 0;
      invariants.wiped(place);
    }
    site.start(index, everybody);
    return;
  }
  const other = random.pick(site.places);
  const acts: (() => void)[] = [
    () => site.crash(index),
    () => site.crash(index, { refusing: true }),
    () => site.pause(index, random.below(15_000)),
    () => site.stepClock(index, random.below(20_000)),
    () => site.stepClock(index, -random.below(3_000)),
    () => site.network.cut(index, other.index),
    () => {
      const left = everybody.filter(() => random.chance(0.5));
      site.network.split(
        left,
        everybody.filter((each) => !left.includes(each)),
      );
    },
    () => site.network.heal(),
    () => site.network.heal(),
    () => (site.network.weather = drawWeather(random)),
    () => site.happen(index, { kind: 'describe', address: place.address, attributes: `v${site.now}` }),
    () => site.happen(index, { kind: 'link-lost', agent: other.agent, refused: other.swim === null }),
    () => site.happen(index, { kind: 'link-up', agent: other.agent }),
    () => site.happen(index, { kind: 'leave' }),
  ];
  random.pick(acts)();
}
