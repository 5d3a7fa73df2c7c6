import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { openEnvelope, sealEnvelope } from '#agent/sketch/envelope.ts';
import { sketchCases } from './sketch-cases.ts';

const sizes = [0, 1, 2, 5, 9, 40, 300, 1200];

describe.each(sketchCases)('the bytes of $name', (given) => {
  const filled = (seed: number, size: number) => {
    const sketch = given.empty();
    const random = new Prng(seed);
    for (let i = 0; i < size; i++) given.update(sketch, random.float() * 1000);
    return sketch;
  };

  it('are the same after they were read and written again', () => {
    for (const size of sizes) {
      const bytes = filled(size, size).toBytes();
      const parsed = given.parse(bytes);
      expect(parsed.ok, `${size} values`).toBe(true);
      if (parsed.ok) {
        expect(parsed.value.toBytes()).toEqual(bytes);
        expect(parsed.value.n).toBe(filled(size, size).n);
      }
    }
  });

  it('hold a sketch that goes on as the written one does', () => {
    for (const size of sizes) {
      const parsed = given.parse(filled(size, size).toBytes());
      if (!parsed.ok) throw new Error(parsed.error.message);
      given.merge(parsed.value, filled(77, 100));
      given.update(parsed.value, 12.5);
      expect(parsed.value.toBytes().length).toBeGreaterThan(0);
      expect(parsed.value.memoryBytes).toBeLessThanOrEqual(given.memoryBytesMax);
    }
  });

  it('are refused when cut anywhere or continued', () => {
    for (const size of [0, 1, 7, 300]) {
      const bytes = filled(size, size).toBytes();
      const step = Math.max(1, Math.floor(bytes.length / 40));
      for (let cut = 0; cut < bytes.length; cut += step) {
        const parsed = given.parse(bytes.subarray(0, cut));
        // A protobuf message cut between two fields is one that lacks the fields; what it lacks is found by the counts.
        const isEmptyPoint = given.name === 'exponential histogram' && (size === 0 || cut === 0);
        if (!isEmptyPoint) expect(parsed.ok, `${size} values cut at ${cut} of ${bytes.length}`).toBe(false);
      }
      expect(given.parse(Uint8Array.of(...bytes, 0)).ok).toBe(false);
    }
  });

  it('never break the parser, whatever bit is flipped, and what is read keeps to its memory', () => {
    for (const size of [1, 30, 300]) {
      const bytes = filled(size, size).toBytes();
      const random = new Prng(size);
      for (let trial = 0; trial < 120; trial++) {
        const flipped = bytes.slice();
        const flips = 1 + random.below(3);
        for (let i = 0; i < flips; i++) flipped[random.below(flipped.length)]! ^= 1 << random.below(8);
        const parsed = given.parse(flipped);
        // A flipped value of standard bytes is another value; but it is a whole sketch, and writes bytes that are read.
        if (parsed.ok) expect(given.parse(parsed.value.toBytes()).ok).toBe(true);
        else expect(parsed.error.message).toMatch(/\S/);
      }
    }
  });

  it('are not found in garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        const parsed = given.parse(garbage);
        if (parsed.ok) expect(given.parse(parsed.value.toBytes()).ok).toBe(true);
      }),
      { numRuns: 100, seed: 3 },
    );
  });

  it('show every flipped bit inside an envelope', () => {
    const envelope = {
      kind: given.empty().kind,
      parameters: 'k=20',
      n: 300,
      firstMicros: 1.7e15,
      lastMicros: 1.7e15 + 6e7,
      source: 'gw-7/vibration/temp',
      bytes: filled(1, 30).toBytes(),
    };
    const sealed = sealEnvelope(envelope);
    const opened = openEnvelope(sealed);

    expect(opened).toEqual({ ok: true, value: envelope });
    for (let bit = 0; bit < sealed.length * 8; bit += 23) {
      const flipped = sealed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(openEnvelope(flipped).ok, `bit ${bit}`).toBe(false);
    }
    for (let cut = 0; cut < sealed.length; cut += 5)
      expect(openEnvelope(sealed.subarray(0, cut)).ok).toBe(false);
  });
});

describe.each(sketchCases)('merging $name', (given) => {
  const part = (seed: number, size: number) => {
    const sketch = given.empty();
    const random = new Prng(seed);
    for (let i = 0; i < size; i++) given.update(sketch, random.float() * 1000);
    return sketch;
  };

  it('with nothing changes nothing, from either side', () => {
    for (const size of [0, 3, 50, 500]) {
      const ours = part(size, size);
      given.merge(ours, given.empty());
      expect(ours.toBytes()).toEqual(part(size, size).toBytes());
      const empty = given.empty();
      given.merge(empty, part(size, size));
      expect(empty.n).toBe(ours.n);
    }
  });

  it('leaves the other side as it was, and gives the same bytes each time', () => {
    const [left, again, right] = [part(1, 200), part(1, 200), part(2, 300)];
    const before = right.toBytes();
    given.merge(left, right);
    given.merge(again, part(2, 300));

    expect(right.toBytes()).toEqual(before);
    expect(left.toBytes()).toEqual(again.toBytes());
  });

  it('keeps to the memory it states over 64 parts', () => {
    const whole = given.empty();
    for (let i = 0; i < 64; i++) given.merge(whole, part(i, 100));
    expect(whole.memoryBytes).toBeLessThanOrEqual(given.memoryBytesMax);
  });

  if (!given.commutes) return;
  it('gives the same bytes in any order', () => {
    const seeds = [4, 5, 6, 7];
    const forwards = part(3, 100);
    const backwards = part(3, 100);
    for (const seed of seeds) given.merge(forwards, part(seed, 30 * seed));
    for (const seed of seeds.toReversed()) given.merge(backwards, part(seed, 30 * seed));
    expect(backwards.toBytes()).toEqual(forwards.toBytes());
  });
});
