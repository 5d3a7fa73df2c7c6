import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { agentId, type AgentId } from '#agent/mesh/swim/agent-id.ts';
import { compareStanding, type Claim, type Standing } from '#agent/mesh/swim/claim.ts';
import { differingCells, digestOf } from '#agent/mesh/swim/digest.ts';
import { Dissemination } from '#agent/mesh/swim/dissemination.ts';
import { edgeLan } from '#agent/mesh/swim/parameters.ts';
import { ProbeOrder } from '#agent/mesh/swim/probe-order.ts';
import { Suspicion, suspicionMs, suspicionTerms } from '#agent/mesh/swim/suspicion.ts';
import { claims, fewAgents, standings } from './arbitraries.ts';

describe('the order of standings', () => {
  it('is total, so that whoever hears the same claims in any order ends the same', () => {
    const greater = (a: Standing, b: Standing): Standing => (compareStanding(a, b) >= 0 ? a : b);
    fc.assert(
      fc.property(standings, standings, standings, (a, b, c) => {
        expect(Math.sign(compareStanding(a, b)) + Math.sign(compareStanding(b, a))).toBe(0);
        if (compareStanding(a, b) === 0) expect(a).toEqual(b);
        expect(greater(a, b)).toEqual(greater(b, a));
        expect(greater(greater(a, b), c)).toEqual(greater(a, greater(b, c)));
      }),
    );
  });
});

describe('the digest', () => {
  it('does not depend on the order of claims and differs in the cell of the claim that changed', () => {
    const distinct = fc.uniqueArray(claims, {
      minLength: 1,
      maxLength: 20,
      selector: (claim) => claim.agent,
    });
    fc.assert(
      fc.property(distinct, fc.nat(), (list, at) => {
        const changed = at % list.length;
        const newer = list.map((claim, i) =>
          i === changed ? { ...claim, incarnation: claim.incarnation + 1 } : claim,
        );
        expect(digestOf([...list].reverse())).toEqual(digestOf(list));
        const mask = differingCells(digestOf(list), digestOf(newer));
        expect(mask.toString(2).replaceAll('0', '')).toBe('1');
      }),
    );
  });
});

describe('dissemination', () => {
  it('sends what a plain list sorted on every call would send', () => {
    const action = fc.oneof(
      fc.record({ put: fewAgents, incarnation: fc.nat(300) }),
      fc.record({ take: fc.nat(80) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const queue = new Dissemination();
        let twin: { claim: Claim; bytes: number; sent: number; order: number }[] = [];
        for (const [order, each] of actions.entries()) {
          if ('put' in each) {
            const claim = plain(each.put, each.incarnation);
            queue.put(claim);
            twin = twin.filter((entry) => entry.claim.agent !== each.put);
            // State, length of the id, id, incarnation.
            twin.push({
              claim,
              bytes: 2 + each.put.length + (each.incarnation < 128 ? 1 : 2),
              sent: 0,
              order,
            });
            continue;
          }
          twin.sort((a, b) => a.sent - b.sent || b.bytes - a.bytes || b.order - a.order);
          let left = each.take;
          const expected: Claim[] = [];
          for (const entry of twin) {
            if (entry.bytes > left) continue;
            left -= entry.bytes;
            entry.sent++;
            expected.push(entry.claim);
          }
          twin = twin.filter((entry) => entry.sent < 3);
          expect(queue.take(each.take, 3)).toEqual(expected);
          expect(queue.length).toBe(twin.length);
        }
      }),
    );
  });
});

describe('the probe order', () => {
  it('asks every agent exactly once a turn, so at most 2n − 1 probes apart', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (size, seed) => {
        const agents = Array.from({ length: size }, (_, i) => agentId(`gw-${i}`));
        const order = new ProbeOrder(new Prng(seed));
        for (const agent of agents) order.insert(agent);
        const take = (): AgentId => order.take(Boolean, () => [...agents])!;
        for (let round = 0; round < 3; round++) expect(new Set(agents.map(take)).size).toBe(size);
      }),
    );
  });

  it('asks the hastened next, and never one that has gone', () => {
    const action = fc.record({ agent: fewAgents, what: fc.constantFrom('insert', 'hasten', 'go') });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), fc.nat(), (actions, seed) => {
        const order = new ProbeOrder(new Prng(seed));
        const present = new Set<AgentId>();
        for (const { agent, what } of actions) {
          if (what === 'insert' && !present.has(agent)) order.insert(agent);
          if (what === 'insert') present.add(agent);
          if (what === 'go') present.delete(agent);
          if (what !== 'hasten' || !present.has(agent)) continue;
          order.hasten(agent);
          expect(
            order.take(
              (each) => present.has(each),
              () => [...present],
            ),
          ).toBe(agent);
        }
        const taken = order.take(
          (each) => present.has(each),
          () => [...present],
        );
        expect(taken === null ? present.size : Number(!present.has(taken))).toBe(0);
      }),
    );
  });
});

describe('suspicion', () => {
  const sizes = fc.integer({ min: 2, max: 1_000 });

  it('lasts longest with one accuser, least with all, and never grows with a confirmation', () => {
    fc.assert(
      fc.property(sizes, (present) => {
        const terms = suspicionTerms(edgeLan, { present, probeIntervalMs: 1_000 });
        const spans = Array.from({ length: terms.confirmations + 1 }, (_, c) => suspicionMs(terms, c));
        expect(spans.at(-1)).toBe(terms.leastMs);
        expect(spans).toEqual(spans.toSorted((a, b) => b - a));
        if (terms.confirmations > 0) expect(spans[0]).toBe(Math.floor(terms.longestMs));
      }),
    );
  });

  it('depends on who accused, not on the order or how often', () => {
    const accusers = fc.array(fc.record({ agent: fewAgents, refused: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(sizes, accusers, (present, list) => {
        const terms = suspicionTerms(edgeLan, { present, probeIntervalMs: 1_000 });
        const deadline = (order: typeof list): number => {
          const suspicion = new Suspicion(terms, 500);
          for (const accuser of order) suspicion.confirm(accuser);
          return suspicion.deadline();
        };
        expect(deadline([...list, ...list].reverse())).toBe(deadline(list));
      }),
    );
  });
});

function plain(agent: AgentId, incarnation: number): Claim {
  return { agent, state: 'alive', incarnation, details: null, accusers: [], ageSeconds: 0 };
}
