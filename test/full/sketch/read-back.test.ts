import { describe, expect, it } from 'vitest';
import { Prng } from '#agent/base/prng.ts';
import { ExponentialHistogram } from '#agent/sketch/exponential-histogram.ts';
import type { Parsed } from '#agent/sketch/fault.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { HyperLogLog } from '#agent/sketch/hyperloglog.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Theta } from '#agent/sketch/theta.ts';
import { fuzzSeed } from '#test/support/fuzz-seed.ts';
import { askPython, pythonLacks } from '#test/support/golden-python.ts';

const lacking = pythonLacks('datasketches', 'opentelemetry.proto.metrics.v1.metrics_pb2');

/** What the library says of sketches of ours: of each, the bytes it writes of each itself, and of all merged by it. */
interface Said<One, All = One> {
  readonly parts: readonly One[];
  readonly again: readonly string[];
  readonly union: All;
}

function readBack<One, All = One>(
  kind: string,
  cases: readonly { readonly parts: readonly { toBytes(): Uint8Array }[]; readonly [key: string]: unknown }[],
): Said<One, All>[] {
  return askPython(
    'read_back.py',
    cases.map((given) => ({ ...given, kind, parts: given.parts.map((part) => base64(part.toBytes())) })),
  ) as Said<One, All>[];
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

function valueOf<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

/** Sizes from nothing to far beyond every change of form, most of them drawn. */
function sizes(random: Prng, max: number): number[] {
  const drawn = Array.from({ length: 4 }, () => Math.floor(max ** random.float()));
  return [0, 1, 7, 8, ...drawn, max].slice(random.below(5));
}

/** A sketch of each size over items that the sizes partly share. */
function drawnParts<S>(random: Prng, max: number, make: (from: number, size: number) => S): S[] {
  return sizes(random, max).map((size) => make(random.below(1 + (max >> 1)), size));
}

function merged<S extends { merge(other: S): void }>(empty: S, parts: readonly S[]): S {
  for (const part of parts) empty.merge(part);
  return empty;
}

/** Everything but flags of order and HIP (bytes 5, 8 … 15): which coupons, or which registers. */
function contentsOf(sketch: HyperLogLog): Uint8Array {
  const bytes = sketch.toBytes();
  return bytes[0] === 10 ? bytes.subarray(16) : bytes;
}

const updates = [
  (sketch: HyperLogLog | Theta, i: number) => sketch.updateInteger(i - 500),
  (sketch: HyperLogLog | Theta, i: number) => sketch.updateNumber(i / 8),
  (sketch: HyperLogLog | Theta, i: number) => sketch.updateText(`é\u{1f321}${i}`),
];

describe.skipIf(lacking !== null)(
  lacking === null ? 'Apache DataSketches' : `Apache DataSketches (${lacking})`,
  () => {
    it('reads our HyperLogLogs of drawn shapes with our estimates, keeps every register, and merges them into ours', () => {
      const random = new Prng(fuzzSeed());
      const cases = Array.from({ length: 30 }, (_, i) => {
        const registerBits = ([4, 6, 8] as const)[i % 3]!;
        const lgK = 4 + random.below(i < 6 ? 13 : 9);
        const update = random.pick(updates);
        const make = (from: number, size: number): HyperLogLog => {
          const sketch = new HyperLogLog({ lgK, registerBits });
          for (let j = from; j < from + size; j++) update(sketch, j);
          return sketch;
        };
        const union = new HyperLogLog({ lgK, registerBits });
        return { lgK, registerBits, parts: drawnParts(random, 20_000, make), union };
      });

      const said = readBack<number, { estimate: number; bytes: string }>('hll', cases);

      for (const [i, { parts, union, lgK }] of cases.entries()) {
        const { again, parts: estimates, union: theirs } = said[i]!;
        for (const [j, part] of parts.entries()) {
          expect(Math.abs(estimates[j]! - part.estimate())).toBeLessThanOrEqual(1e-4 * part.estimate());
          const back = valueOf(HyperLogLog.parse(fromBase64(again[j]!)));
          expect(contentsOf(back)).toEqual(contentsOf(part));
        }
        const ours = merged(union, parts);
        expect(contentsOf(valueOf(HyperLogLog.parse(fromBase64(theirs.bytes))))).toEqual(contentsOf(ours));
        // Two estimators over the same registers, each right within its own error; a sketch merged of parts that fill coupons only is exact.
        const apart = Math.abs(theirs.estimate - ours.estimate()) / Math.max(1, ours.estimate());
        expect(apart).toBeLessThan(2.2 / Math.sqrt(2 ** lgK));
      }
    });

    it('reads our KLL sketches of drawn shapes, merged ones too, with our quantiles and ranks, and gives our bytes back', () => {
      const random = new Prng(fuzzSeed());
      // Not 0 and 1: there we answer with the exact ends, the library with the outermost value it kept.
      const ranks = [0.01, 0.25, 0.5, 0.9, 0.99];
      const values = [-1e300, -3, 0, 0.25, 0.5, 1, 1e300];
      const cases = Array.from({ length: 24 }, (_, i) => {
        const precision = i % 2 === 0 ? ('double' as const) : ('float' as const);
        const k = i < 4 ? 200 : 8 + random.below(400);
        const make = (from: number, size: number): Kll => {
          const chance = new Prng(from);
          const sketch = new Kll(chance, { k, precision });
          for (let j = 0; j < size; j++) sketch.update(chance.float() - (from % 3));
          return sketch;
        };
        const own = drawnParts(random, 30_000, make);
        const all = merged(new Kll(new Prng(i), { k, precision }), own);
        return { k, precision, ranks, values, parts: [...own, all] };
      });

      const said = readBack<KllWords>('kll', cases);

      for (const [i, { parts, k, precision }] of cases.entries()) {
        expect(said[i]!.parts).toEqual(parts.map((part) => kllWords(part, ranks, values)));
        for (const [j, part] of parts.entries()) {
          const back = valueOf(Kll.parse(fromBase64(said[i]!.again[j]!), { chance: new Prng(1), precision }));
          expect(back.toBytes()).toEqual(part.toBytes());
        }
        // The last one holds all the others, so that the library's union has each value twice: the same ranks within both bounds.
        const all = parts.at(-1)!;
        const { union } = said[i]!;
        expect(union.n).toBe(2 * all.n);
        if (all.n === 0) continue;
        expect([union.min, union.max]).toEqual([all.min, all.max]);
        const error = 2 * (2.296 / k ** 0.9723);
        for (const [j, value] of values.entries())
          expect(Math.abs(union.ranks![j]! - all.rank(value))).toBeLessThanOrEqual(2 * error);
      }
    });

    it('reads our frequent items of drawn shapes, merged and purged ones too, with our bounds, and merges them within the truth', () => {
      const random = new Prng(fuzzSeed());
      const cases = Array.from({ length: 24 }, (_, i) => {
        const lgMapSize = 3 + random.below(8);
        const weights = new Map<string, number>();
        const make = (from: number, size: number): FrequentItems => {
          const sketch = new FrequentItems({ lgMapSize });
          for (let j = 0; j < size; j++) {
            const item = `é${from % 7}/${Math.floor(random.float() ** 3 * 2000)}`;
            const weight = 1 + random.below(i % 2 === 0 ? 1 : 1000);
            sketch.update(item, weight);
            weights.set(item, (weights.get(item) ?? 0) + weight);
          }
          return sketch;
        };
        const own = [...drawnParts(random, 5_000, make), purgedEmpty(lgMapSize)];
        const items = [...weights.keys()].slice(0, 50);
        const all = merged(new FrequentItems({ lgMapSize }), own);
        return { lgMapSize, parts: [...own, all], items, weights };
      });

      const said = readBack<FrequentWords>('frequent', cases);

      for (const [i, { parts, items, weights }] of cases.entries()) {
        for (const [j, part] of parts.entries()) {
          const { total, rows, bounds } = said[i]!.parts[j]!;
          expect(total).toBe(part.n);
          const ours = part.frequent('possible').map((row) => [row.item, row.lower, row.upper]);
          expect(new Set(rows.map(String))).toEqual(new Set(ours.map(String)));
          const estimates = items.map((item) => part.estimate(item));
          expect(bounds).toEqual(estimates.map(({ item, lower, upper }) => [item, lower, upper]));
          if (part.frequent('possible', 0).length === 0) continue;
          expect(valueOf(FrequentItems.parse(fromBase64(said[i]!.again[j]!))).toBytes()).toEqual(
            part.toBytes(),
          );
        }
        // The last one holds all the others: the library's union has every weight twice. It passes over a sketch that a purge left without
        // items, total and all.
        const { union } = said[i]!;
        const counted = parts.filter((part) => part.frequent('possible', 0).length > 0);
        expect(union.total).toBe(counted.reduce((sum, { n }) => sum + n, 0));
        if (counted.length < parts.filter(({ n }) => n > 0).length - 1) continue;
        for (const [item, lower, upper] of union.bounds) {
          expect(lower).toBeLessThanOrEqual(2 * weights.get(item)!);
          expect(upper).toBeGreaterThanOrEqual(2 * weights.get(item)!);
        }
      }
    });

    it('reads our theta sketches of drawn shapes, and writes and merges them byte for byte as we do', () => {
      const random = new Prng(fuzzSeed());
      const cases = Array.from({ length: 24 }, () => {
        const lgK = 5 + random.below(8);
        const seed = random.chance(0.5) ? 9001 : 1 + random.below(1e6);
        const update = random.pick(updates);
        const make = (from: number, size: number): Theta => {
          const sketch = new Theta({ lgK, seed });
          for (let j = from; j < from + size; j++) update(sketch, j);
          return sketch;
        };
        return { lgK, seed, parts: drawnParts(random, 20_000, make), union: new Theta({ lgK, seed }) };
      });

      const said = readBack<number, { estimate: number; bytes: string }>('theta', cases);

      for (const [i, { parts, union, lgK, seed }] of cases.entries()) {
        for (const [j, part] of parts.entries()) {
          expect(said[i]!.parts[j]).toBeCloseTo(part.estimate(), 6);
          expect(said[i]!.again[j]).toBe(base64(part.toBytes()));
        }
        const ours = merged(union, parts);
        const theirs = valueOf(Theta.parse(fromBase64(said[i]!.union.bytes), { lgK, seed }));
        expect(theirs.toBytes()).toEqual(ours.toBytes());
        expect(said[i]!.union.estimate).toBeCloseTo(ours.estimate(), 6);
      }
    });

    it('OpenTelemetry reads our exponential histograms field by field, leaves nothing over, and gives our bytes back', () => {
      const random = new Prng(fuzzSeed());
      const histograms = Array.from({ length: 60 }, (_, i) => drawnHistogram(random, i));
      const headers = histograms.map((_, i) => ({
        startNanos: i % 3 === 0 ? 0n : 1_700_000_000_000_000_001n + BigInt(i),
        timeNanos: 1_700_000_060_000_000_000n,
        attributes: i % 2 === 0 ? {} : { machine: `m${i}`, 'örtlich\n': '\u{1f321} "q"', leer: '' },
      }));
      const parts = histograms.map((histogram, i) => ({ toBytes: () => histogram.toBytes(headers[i]) }));

      const [said] = readBack<object>('histogram', [{ parts }]);

      for (const [i, histogram] of histograms.entries()) {
        const { scale, zeros, positive, negative } = histogram.buckets();
        expect(said!.parts[i]).toEqual({
          attributes: headers[i]!.attributes,
          startNanos: String(headers[i]!.startNanos),
          timeNanos: String(headers[i]!.timeNanos),
          count: histogram.n,
          sum: histogram.sum,
          scale,
          zeros,
          min: histogram.n === 0 ? null : histogram.min,
          max: histogram.n === 0 ? null : histogram.max,
          positive: { offset: positive.offset, counts: Array.from(positive.counts) },
          negative: { offset: negative.offset, counts: Array.from(negative.counts) },
          unknownFields: 0,
        });
        // Attributes are a list: the library keeps their order, so that the bytes are equal.
        expect(said!.again[i]).toBe(base64(parts[i]!.toBytes()));
      }
    });
  },
);

interface KllWords {
  readonly n: number;
  readonly k: number;
  readonly rankError: number;
  readonly min?: number;
  readonly max?: number;
  readonly quantiles?: readonly number[];
  readonly ranks?: readonly number[];
}

function kllWords(sketch: Kll, ranks: readonly number[], values: readonly number[]): object {
  const { n, k } = sketch;
  const rankError: unknown = expect.closeTo(2.296 / k ** 0.9723, 12);
  if (n === 0) return { n, k, rankError };
  return {
    n,
    k,
    rankError,
    min: sketch.min,
    max: sketch.max,
    quantiles: ranks.map((rank) => sketch.quantile(rank)),
    ranks: values.map((value) => sketch.rank(value)),
  };
}

interface FrequentWords {
  readonly total: number;
  readonly rows: readonly [string, number, number][];
  readonly bounds: readonly [string, number, number][];
}

/** Different items once each, until a purge leaves none. */
function purgedEmpty(lgMapSize: number): FrequentItems {
  const sketch = new FrequentItems({ lgMapSize });
  for (let i = 0; sketch.maximumError === 0; i++) sketch.update(`once ${i}`);
  return sketch;
}

/** Magnitudes over a few or over all scales of doubles, of both signs, zeros among them; each fourth merged of two. */
function drawnHistogram(random: Prng, i: number): ExponentialHistogram {
  const maxBuckets = random.pick([2, 20, 160, 1024]);
  const spread = random.pick([0.01, 3, 40, 600]);
  const size = Math.floor(2000 ** random.float()) - 1;
  const histogram = new ExponentialHistogram({ maxBuckets });
  const shift = random.pick([0, 0, 100, -100]);
  for (let j = 0; j < size; j++) {
    const magnitude = 2 ** ((random.float() - 0.5) * spread + shift);
    histogram.update(random.chance(0.1) ? 0 : random.chance(0.3) ? -magnitude : magnitude);
  }
  if (i % 4 === 3) histogram.merge(drawnHistogramOf(random, maxBuckets));
  return histogram;
}

function drawnHistogramOf(random: Prng, maxBuckets: number): ExponentialHistogram {
  const histogram = new ExponentialHistogram({ maxBuckets });
  for (let j = 0; j < 300; j++) histogram.update((random.float() - 0.5) * 1e6);
  return histogram;
}
