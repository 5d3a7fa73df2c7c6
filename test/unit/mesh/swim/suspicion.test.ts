import { describe, expect, it } from 'vitest';
import { agentId } from '#agent/mesh/swim/agent-id.ts';
import { FlapScore } from '#agent/mesh/swim/flap-score.ts';
import { LocalHealth } from '#agent/mesh/swim/local-health.ts';
import { edgeLan } from '#agent/mesh/swim/parameters.ts';
import { Suspicion, suspicionMs, suspicionTerms } from '#agent/mesh/swim/suspicion.ts';

const termsFor = (present: number) => suspicionTerms(edgeLan, { present, probeIntervalMs: 1_000 });

describe('suspicion', () => {
  // memberlist's published spans of its LAN profile, whose multipliers are ours.
  it.each([
    { present: 10, least: 4_000, longest: 24_000 },
    { present: 20, least: 5_204, longest: 31_225 },
    { present: 50, least: 6_796, longest: 40_775 },
  ])('of one among $present lasts $least to $longest ms', ({ present, least, longest }) => {
    const terms = termsFor(present);
    expect(Math.round(terms.leastMs)).toBe(least);
    expect(Math.round(terms.longestMs)).toBe(longest);
  });

  it('falls with the logarithm of confirmations', () => {
    const terms = termsFor(10);
    expect([0, 1, 2].map((c) => suspicionMs(terms, c))).toEqual([24_000, 11_381, 4_000]);
  });

  it('waits for no confirmation where nobody could give one', () => {
    expect(termsFor(3).confirmations).toBe(0);
    expect(suspicionMs(termsFor(3), 0)).toBe(4_000);
    expect(termsFor(4).confirmations).toBe(2);
  });

  it('ends after a second when three were refused, and not when two were', () => {
    const suspicion = new Suspicion(termsFor(10), 100);
    const refused = (n: number) => suspicion.confirm({ agent: agentId(`gw-${n}`), refused: true });
    refused(1);
    refused(2);
    expect(suspicion.deadline()).toBe(100 + 11_381);
    refused(3);
    expect(suspicion.deadline()).toBe(100 + 1_000);
  });

  it('lets the refused replace the merely silent when its list is full', () => {
    const suspicion = new Suspicion(termsFor(10), 0);
    for (let n = 0; n < 4; n++) suspicion.confirm({ agent: agentId(`gw-${n}`), refused: false });
    expect(suspicion.confirm({ agent: agentId('gw-8'), refused: false })).toBe(false);
    for (let n = 5; n < 8; n++)
      expect(suspicion.confirm({ agent: agentId(`gw-${n}`), refused: true })).toBe(true);
    expect(suspicion.accusers).toHaveLength(4);
    expect(suspicion.deadline()).toBe(1_000);
  });
});

describe('local health', () => {
  it('stays between 0 and 7 and stretches the interval up to eightfold', () => {
    const health = new LocalHealth();
    health.add(-3);
    expect(health.stretch).toBe(1);
    health.add(30);
    expect(health.stretch).toBe(8);
  });
});

describe('the flap score', () => {
  it('calls three deaths in a minute flapping, and forgives them by halves', () => {
    const score = new FlapScore(edgeLan);
    for (const at of [0, 10_000, 20_000]) score.add(1, at);
    expect(score.review(20_000)).toBe(true);
    expect(score.isFlapping).toBe(true);
    expect(score.review(80_000)).toBe(false);
    expect(score.value(80_000)).toBeCloseTo(score.value(20_000) / 2);
    expect(score.review(140_000)).toBe(true);
    expect(score.isFlapping).toBe(false);
  });

  it('does not mind two deaths ten minutes apart', () => {
    const score = new FlapScore(edgeLan);
    for (const at of [0, 600_000, 1_200_000]) score.add(1, at);
    expect(score.review(1_200_000)).toBe(false);
  });
});
