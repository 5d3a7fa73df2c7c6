import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { putBits, takeBits } from '#agent/buffer/codec/bits.ts';
import { BlockReader, BlockWriter, InflateBudget } from '#agent/buffer/codec/block-bytes.ts';
import { putFloats, takeFloats } from '#agent/buffer/codec/floats.ts';
import { planIntegers, putIntegers, takeIntegers } from '#agent/buffer/codec/integers.ts';
import { putByteStrings, putTexts, takeByteStrings, takeTexts } from '#agent/buffer/codec/texts.ts';
import { putTimes, takeTimes } from '#agent/buffer/codec/timestamps.ts';
import { distances, nearby, planWords, putWords, takeWords } from '#agent/buffer/codec/words.ts';

/** What `take` makes of what `put` wrote, with nothing left over. */
function through<T>(put: (out: BlockWriter) => void, take: (from: BlockReader) => T): T {
  const out = new BlockWriter();
  put(out);
  const from = new BlockReader(out.common.finish(), out.tail.finish(), new InflateBudget());
  const back = take(from);
  from.end();
  return back;
}

/** Series as sensors make them: constant, counting, walking, quantised, single precision, noise. */
const series = fc
  .record({
    length: fc.integer({ min: 0, max: 700 }),
    start: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    steps: fc.array(fc.integer({ min: -40, max: 40 }), { minLength: 1, maxLength: 9 }),
    scale: fc.constantFrom(1, 10, 100, 1e6, 3.3 / 4096, 0.0625),
    single: fc.boolean(),
    oddities: fc.array(
      fc.tuple(
        fc.nat(),
        fc.oneof(fc.double(), fc.constantFrom(-0, NaN, Infinity, 5e-324, 0.1 + 0.2, -(2 ** 60))),
      ),
      { maxLength: 5 },
    ),
  })
  .map(({ length, start, steps, scale, single, oddities }) => {
    const values = new Float64Array(length);
    let now = start;
    for (let i = 0; i < length; i++) {
      now += steps[(i * i) % steps.length]!;
      values[i] = scale >= 1 ? now / scale : now * scale;
      if (single) values[i] = Math.fround(values[i]!);
    }
    for (const [at, value] of oddities) if (length > 0) values[at % length] = value;
    return values;
  });

const bits = (values: Float64Array) => Array.from(new BigUint64Array(values.slice().buffer));

describe('floats', () => {
  it('come back bit for bit', () => {
    fc.assert(
      fc.property(series, (values) => {
        const back = through(
          (out) => putFloats(out, values),
          (from) => takeFloats(from, values.length),
        );
        expect(bits(back)).toEqual(bits(values));
      }),
    );
  });

  it('come back bit for bit whatever their words', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 300, size: 'max' }), (list) => {
        const values = Float64Array.from(list);
        const back = through(
          (out) => putFloats(out, values),
          (from) => takeFloats(from, values.length),
        );
        expect(bits(back)).toEqual(bits(values));
      }),
      { numRuns: 50 },
    );
  });
});

describe('integers', () => {
  const wide = fc.oneof(fc.integer({ min: -300, max: 300 }), fc.maxSafeInteger());
  const multiples = fc
    .tuple(fc.array(wide, { maxLength: 300 }), fc.constantFrom(1, 1000, 7))
    .map(([list, by]) => Float64Array.from(list, (value) => Math.trunc(value / by) * by + 0));

  it('come back, unless they lie too far apart', () => {
    fc.assert(
      fc.property(multiples, (values) => {
        const plan = planIntegers(values);
        if (plan === null) {
          expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(Number.MAX_SAFE_INTEGER);
          return;
        }
        const back = through(
          (out) => putIntegers(out, plan),
          (from) => takeIntegers(from, values.length),
        );
        expect(back).toEqual(values);
      }),
    );
  });

  it('come back as event times however far apart', () => {
    fc.assert(
      fc.property(fc.array(wide, { maxLength: 50 }), (list) => {
        const values = Float64Array.from(list, (value) => value + 0);
        const back = through(
          (out) => putTimes(out, values),
          (from) => takeTimes(from, values.length),
        );
        expect(back).toEqual(values);
      }),
    );
  });
});

describe('words', () => {
  const words = fc.bigUint64Array({ maxLength: 60 });
  const halves = (list: BigUint64Array) => new Uint32Array(list.slice().buffer);

  it('come back', () => {
    fc.assert(
      fc.property(words, (list) => {
        const back = through(
          (out) => putWords(out, planWords(halves(list))),
          (from) => takeWords(from, list.length),
        );
        expect(new BigUint64Array(back)).toEqual(list);
      }),
    );
  });

  it('have the distances that bigints have', () => {
    fc.assert(
      fc.property(words, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (list, shift) => {
        const near = list.map((word, i) => (i % 2 === 0 ? word + BigInt(i) : word ^ shift));
        const far = distances(halves(list), halves(near));
        const twin = list.map((word, i) => {
          const difference = BigInt.asIntN(64, word - near[i]!);
          return BigInt.asUintN(64, (difference << 1n) ^ (difference >> 63n));
        });
        expect(new BigUint64Array(far.buffer as ArrayBuffer)).toEqual(twin);
        expect(new BigUint64Array(nearby(far, halves(near)).buffer)).toEqual(list);
      }),
    );
  });
});

describe('booleans, texts and byte strings', () => {
  it('come back', () => {
    const text = fc.oneof(
      fc.constantFrom('on', 'off', 'fault', '', '\uD800', '\uDC00', '\uFEFF'),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), text, fc.uint8Array({ maxLength: 9 })), { maxLength: 120 }),
        (rows) => {
          const flags = Uint8Array.from(rows, ([flag]) => Number(flag));
          const texts = rows.map(([, one]) => one);
          const strings = rows.map(([, , one]) => one);
          const back = through(
            (out) => {
              putBits(out, flags);
              putTexts(out, texts);
              putByteStrings(out, strings);
            },
            (from) => [
              takeBits(from, rows.length),
              takeTexts(from, rows.length),
              takeByteStrings(from, rows.length),
            ],
          );
          expect(back).toEqual([flags, texts, strings]);
        },
      ),
    );
  });
});
