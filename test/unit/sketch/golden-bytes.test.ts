import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import type { Parsed } from '#agent/sketch/fault.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { parseHistogram } from '#agent/sketch/histogram-bytes.ts';
import { HyperLogLog, type HyperLogLogOptions } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { johnsonLindenstraussMinDim } from '#agent/sketch/random-projection.ts';
import { Theta } from '#agent/sketch/theta.ts';
import { fromBase64, golden, goldenValues } from './golden.ts';

function valueOf<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

interface HllCase {
  readonly bits: NonNullable<HyperLogLogOptions['registerBits']>;
  readonly lgK: number;
  readonly n: number;
  readonly estimate: number;
  readonly compact: string;
  readonly updatable: string;
  readonly union?: string;
  readonly unionEstimate?: number;
}

describe('HyperLogLog beside DataSketches', () => {
  for (const given of golden<HllCase>('hll')) {
    const name = `HLL_${given.bits} lgK ${given.lgK} of ${given.n} items`;
    const ours = (prefix = 'item') => {
      const sketch = new HyperLogLog({ lgK: given.lgK, registerBits: given.bits });
      for (let i = 0; i < given.n; i++) sketch.updateText(`${prefix}-${i}`);
      return sketch;
    };

    it(`reads both forms of ${name} as what it makes of the same items itself`, () => {
      const fromCompact = valueOf(HyperLogLog.parse(fromBase64(given.compact)));
      const fromUpdatable = valueOf(HyperLogLog.parse(fromBase64(given.updatable)));
      const own = ours();

      expect(fromUpdatable.toBytes()).toEqual(fromCompact.toBytes());
      // Everything but the estimate (bytes 8 … 15), whose start is computed by another formula here.
      const isRegisters = own.toBytes()[0] === 10;
      const from = isRegisters ? 16 : 0;
      expect(fromCompact.toBytes().subarray(from)).toEqual(own.toBytes().subarray(from));
      expect(fromCompact.toBytes().length).toBe(fromBase64(given.compact).length);
      expect(own.estimate()).toBeCloseTo(given.estimate, given.estimate > 100 ? 0 : 3);
      expect(Math.abs(own.estimate() / Math.max(1, given.estimate) - (given.n === 0 ? 0 : 1))).toBeLessThan(
        1e-4,
      );
    });

    if (given.union === undefined) continue;
    it(`merges ${name} into the registers of the library's union`, () => {
      const merged = ours();
      merged.merge(ours('other'));
      const theirs = valueOf(HyperLogLog.parse(fromBase64(given.union!)));

      // Where merged coupons become registers we leave order at once, the library goes on with HIP: registers only.
      const from = merged.toBytes()[0] === 10 ? 16 : 0;
      expect(merged.toBytes().subarray(from)).toEqual(theirs.toBytes().subarray(from));
      // Two estimators over the same registers: each is right within its own error.
      expect(
        Math.abs(merged.estimate() / Math.max(1, given.unionEstimate!) - (given.n === 0 ? 0 : 1)),
      ).toBeLessThan(given.lgK === 4 ? 0.1 : 0.03);
    });
  }
});

interface KllCase {
  readonly precision: 'double' | 'float';
  readonly k: number;
  readonly n: number;
  readonly bytes: string;
  readonly rankError: number;
  readonly ranks?: number[];
  readonly quantiles?: number[];
  readonly values?: number[];
  readonly ranksOfValues?: number[];
}

describe('KLL beside DataSketches', () => {
  for (const given of golden<KllCase>('kll')) {
    it(`answers from ${given.precision} bytes of ${given.n} values at k ${given.k} as the library does`, () => {
      const bytes = fromBase64(given.bytes);
      const sketch = valueOf(Kll.parse(bytes, { chance: new Prng(1), precision: given.precision }));

      expect(sketch.n).toBe(given.n);
      expect(given.ranks?.map((rank) => sketch.quantile(rank))).toEqual(given.quantiles);
      expect(given.values?.map((value) => sketch.rank(value))).toEqual(given.ranksOfValues);
      const bound = sketch.bound();
      if (bound.error > 0) expect(bound.error).toBeCloseTo(given.rankError, 12);
      // Level 0 may be marked as sorted by the library; the mark is a hint only and not written here.
      const again = sketch.toBytes();
      again[3]! |= bytes[3]! & 2;
      expect(again).toEqual(bytes);
    });
  }
});

interface FrequentCase {
  readonly lgMapSize: number;
  readonly n: number;
  readonly total: number;
  readonly offset: number;
  readonly bytes: string;
  readonly items: [string, number, number][];
}

describe('frequent items beside DataSketches', () => {
  for (const given of golden<FrequentCase>('frequent')) {
    it(`keeps the items of the library for ${given.n} updates in a map of 2^${given.lgMapSize}`, () => {
      const own = new FrequentItems({ lgMapSize: given.lgMapSize });
      let i = 0;
      for (const value of goldenValues(given.n))
        own.update(`topic/${Math.floor((value * value) / 4000)}`, 1 + (i++ % 3));
      const theirs = valueOf(FrequentItems.parse(fromBase64(given.bytes)));

      expect(theirs.n).toBe(given.total);
      expect(theirs.maximumError).toBe(given.offset);
      const rows = theirs.frequent('possible').map((row) => [row.item, row.lower, row.upper]);
      expect(new Set(rows.map(String))).toEqual(new Set(given.items.map(String)));
      expect(own.toBytes()).toEqual(theirs.toBytes());
    });
  }
});

interface ThetaCase {
  readonly lgK: number;
  readonly n: number;
  readonly seed: number;
  readonly estimate: number;
  readonly bytes: string;
}

describe('theta beside DataSketches', () => {
  for (const given of golden<ThetaCase>('theta')) {
    it(`writes the library's bytes for ${given.n} items at lgK ${given.lgK}, seed ${given.seed}`, () => {
      const own = new Theta({ lgK: given.lgK, seed: given.seed });
      for (let i = 0; i < given.n; i++) own.updateText(`item-${i}`);
      const bytes = fromBase64(given.bytes);

      expect(own.toBytes()).toEqual(bytes);
      expect(own.estimate()).toBeCloseTo(given.estimate, 6);
      const read = valueOf(Theta.parse(bytes, { lgK: given.lgK, seed: given.seed }));
      expect(read.toBytes()).toEqual(bytes);
    });
  }
});

describe('the exponential histogram beside the OTLP library', () => {
  it('writes the bytes of the library for the same values at the same scale', () => {
    const [given] = golden<{ scale: number; n: number; shift: number; zeros: number; bytes: string }>(
      'histogram',
    );
    const own = new ExponentialHistogram({ maxScale: given!.scale });
    for (const value of goldenValues(given!.n)) own.update(value + given!.shift);
    for (let i = 0; i < given!.zeros; i++) own.update(0);
    const bytes = fromBase64(given!.bytes);
    const { histogram, header } = valueOf(parseHistogram(bytes));

    expect(histogram.toBytes(header)).toEqual(bytes);
    const nanos = 1_700_000_000_000_000_000n;
    const attributes = { machine: 'm4' };
    const written = own.toBytes({ startNanos: nanos, timeNanos: nanos + 60_000_000_000n, attributes });
    expect(written).toEqual(bytes);
  });
});

describe('the least dimension of a projection', () => {
  it('is the one scikit-learn gives', () => {
    for (const { points, distortion, k } of golden<{ points: number; distortion: number; k: number }>(
      'projection',
    ))
      expect(johnsonLindenstraussMinDim(points, distortion)).toBe(k);
  });
});
