import fc from 'fast-check';
import { agentId } from '#agent/mesh/swim/agent-id.ts';
import type { Claim } from '#agent/mesh/swim/claim.ts';
import { limits } from '#agent/mesh/swim/limits.ts';
import type { Message } from '#agent/mesh/swim/message.ts';

/** Up to a third of the bytes allowed, so that three-byte characters fit too. */
const text = (bytesMax: number, minLength = 0) =>
  fc.string({ unit: 'grapheme', minLength, maxLength: 12 }).filter((each) => {
    const bytes = new TextEncoder().encode(each);
    return bytes.length <= bytesMax && new TextDecoder().decode(bytes) === each;
  });

export const agents = text(limits.agentIdBytesMax, 1).map(agentId);
export const fewAgents = fc.integer({ min: 0, max: 9 }).map((n) => agentId(`gw-${n}`));

const details = fc.record({
  address: text(limits.addressBytesMax),
  instance: fc.nat(0xffff_ffff),
  attributes: text(limits.attributesBytesMax),
});
const accusers = fc.array(fc.record({ agent: agents, refused: fc.boolean() }), {
  minLength: 1,
  maxLength: limits.accusersMax,
});
const ages = fc.nat(limits.ageSecondsMax);
export const standings = fc.record({
  state: fc.constantFrom('alive', 'suspect', 'unreachable', 'left', 'removed'),
  incarnation: fc.oneof(fc.nat(3), fc.integer({ min: 0, max: limits.incarnationMax })),
});

export const claims: fc.Arbitrary<Claim> = fc
  .record({ agent: agents, standing: standings, details: fc.option(details), accusers, ages })
  .map((parts) => {
    const { state, incarnation } = parts.standing;
    const isAccused = state === 'suspect' || state === 'unreachable';
    const isGone = state !== 'alive' && state !== 'suspect';
    return {
      agent: parts.agent,
      state,
      incarnation,
      details: parts.details,
      accusers: isAccused ? parts.accusers : [],
      ageSeconds: isGone ? parts.ages : 0,
    };
  });

const someClaims = fc.array(claims, { maxLength: 6 });
const sequence = fc.nat(0xffff_ffff);

export const messages: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('ping' as const, 'ack' as const, 'nack' as const),
    sequence,
    claims: someClaims,
  }),
  fc.record({
    kind: fc.constant('ping-request' as const),
    sequence,
    target: agents,
    waitMs: fc.nat(limits.relayWaitMsMax),
    claims: someClaims,
  }),
  fc.record({ kind: fc.constant('gossip' as const), claims: someClaims }),
  fc.record({
    kind: fc.constant('digest' as const),
    cells: fc.array(sequence, { minLength: limits.digestCells, maxLength: limits.digestCells }),
    claims: someClaims,
  }),
  fc.record({
    kind: fc.constant('state' as const),
    cells: sequence,
    answer: fc.boolean(),
    claims: someClaims,
  }),
);
