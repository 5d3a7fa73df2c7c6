import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentId } from '#agent/mesh/swim/agent-id.ts';
import { claimBytes, decodeMessage, encodeMessage } from '#agent/mesh/swim/codec.ts';
import { limits } from '#agent/mesh/swim/limits.ts';
import { claims, messages } from './arbitraries.ts';

describe('the message codec', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual({ ok: true, value: message });
      }),
      { numRuns: 200 },
    );
  });

  it('knows the size of a claim without writing it', () => {
    fc.assert(
      fc.property(claims, (claim) => {
        const empty = encodeMessage({ kind: 'gossip', claims: [] }).length;
        const full = encodeMessage({ kind: 'gossip', claims: [claim] }).length;
        expect(claimBytes(claim)).toBe(full - empty);
      }),
      { numRuns: 200 },
    );
  });

  it('says of every truncation and of a longer message that it is malformed', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, cut) => {
        const bytes = encodeMessage(message);
        const short = decodeMessage(bytes.subarray(0, cut % bytes.length));
        const long = decodeMessage(new Uint8Array([...bytes, 0]));
        expect(short).toMatchObject({ ok: false, error: { reason: 'malformed' } });
        expect(long).toMatchObject({ ok: false, error: { reason: 'malformed' } });
      }),
      { numRuns: 100 },
    );
  });

  it('takes any bytes without throwing, and what it accepts it can write again', () => {
    const head = fc.tuple(fc.constant(1), fc.nat(7)).map((bytes) => Uint8Array.from(bytes));
    const damaged = fc.tuple(messages, fc.nat(), fc.nat(255)).map(([message, at, value]) => {
      const bytes = encodeMessage(message);
      bytes[at % bytes.length] = value;
      return bytes;
    });
    const noise = fc
      .tuple(head, fc.uint8Array({ maxLength: 300 }))
      .map(([a, b]) => new Uint8Array([...a, ...b]));
    fc.assert(
      fc.property(fc.oneof(damaged, noise), (bytes) => {
        const decoded = decodeMessage(bytes);
        if (!decoded.ok) return;
        expect(decodeMessage(encodeMessage(decoded.value))).toEqual(decoded);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what is too long, of another version, or beyond a bound', () => {
    expect(decodeMessage(new Uint8Array(limits.messageBytesMax + 1))).toMatchObject({
      ok: false,
      error: { reason: 'too-long' },
    });
    expect(decodeMessage(Uint8Array.of(2, 4, 0))).toMatchObject({
      ok: false,
      error: { reason: 'version' },
    });
    const claim = { state: 'alive', incarnation: 1, details: null, accusers: [], ageSeconds: 0 } as const;
    const longName = { ...claim, agent: agentId('x'.repeat(limits.agentIdBytesMax + 1)) };
    const longLife = { ...claim, agent: agentId('x'), incarnation: limits.incarnationMax + 1 };
    const fits = { ...claim, agent: agentId('x'.repeat(limits.agentIdBytesMax)) };
    for (const bad of [longName, longLife, { ...claim, agent: agentId('') }])
      expect(decodeMessage(encodeMessage({ kind: 'gossip', claims: [bad] })).ok).toBe(false);
    expect(decodeMessage(encodeMessage({ kind: 'gossip', claims: [fits] })).ok).toBe(true);
  });
});
