import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sliceBatch } from '#agent/reading/batch.ts';
import { linear, piecewise } from '#agent/pipeline/stages/calibrate.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf, run } from '#test/unit/pipeline/pipeline-fixture.ts';

const runs = { numRuns: Number(process.env['FUZZ_RUNS'] ?? 150) };

const value = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -8, max: 8 }).map((n) => n / 4) },
  { weight: 1, arbitrary: fc.constantFrom<Plain['values'][string]>(Number.NaN, 'on', 'off', true, 5n) },
);
const reading: fc.Arbitrary<Plain> = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(10_000, 3.000001)),
  values: fc.record({ a: value, b: value, 'c.d': value }, { requiredKeys: [] }) as fc.Arbitrary<
    Plain['values']
  >,
  tags: fc.constantFrom<Record<string, string>>({}, { m: 'x' }, { m: 'y' }),
  quality: fc.constantFrom<0 | 1 | 2>(0, 0, 0, 1, 2),
});
const readings = fc.array(reading, { maxLength: 30 });
const inOrder = readings.map((list) => list.toSorted((left, right) => left.at - right.at));

const stage: fc.Arbitrary<StageConfig> = fc.oneof(
  fc
    .constantFrom(
      'reading.a > 0',
      'has(reading.b) || quality == "good"',
      'reading.c.d != 1 && !(tags.m == "x")',
      'reading.a + reading.b > 0',
    )
    .map((keep) => ({ keep })),
  fc.constantFrom<StageConfig>(
    { calibrate: { field: 'a', scale: 2, offset: -1 } },
    {
      calibrate: {
        field: 'b',
        points: [
          [-1, 0],
          [1, 1],
        ],
      },
    },
    { select: { fields: ['a', 'c*'] } },
    { select: { fields: ['!a'] } },
    { rename: { a: 'b' } },
    { rename: { a: 'b', b: 'a' } },
  ),
  fc
    .record({
      fields: fc.constantFrom(['a'], ['*'], ['*', '!b']),
      absolute: fc.constantFrom(0, 0.5, 1),
      max_interval: fc.constantFrom(undefined, 5000),
    })
    .map((deadband) => ({ deadband })),
  fc
    .record({ every: fc.constantFrom(1, 3000, 20_000), count: fc.constantFrom(undefined, 1, 3) })
    .map((throttle) => ({ throttle })),
);
const stages = fc.array(stage, { minLength: 1, maxLength: 4 });

test('every reading that goes in comes out or stands in the account of one rule', () => {
  fc.assert(
    fc.property(stages, readings, (configs, input) => {
      const { out, filtered } = run(configs, input);
      expect(out.length + Object.values(filtered).reduce((sum, count) => sum + count, 0)).toBe(input.length);
    }),
    runs,
  );
});

test('how readings are cut into batches changes nothing', () => {
  fc.assert(
    fc.property(
      stages,
      readings,
      fc.array(fc.nat(30), { maxLength: 4 }),
      fc.boolean(),
      (configs, input, cuts, restart) => {
        const whole = run(configs, input);
        const out: Plain[] = [];
        const filtered: Record<string, number> = {};
        const batch = batchOf(input);
        const edges = [
          0,
          ...cuts.map((cut) => Math.min(cut, input.length)).toSorted((a, b) => a - b),
          input.length,
        ];
        let pipeline = pipelineOf(...configs);
        for (const [i, from] of edges.slice(0, -1).entries()) {
          const output = pipeline.process(sliceBatch(batch, from, edges[i + 1]!), now);
          out.push(...output.outputs.flatMap((one) => plainOf(one.batch)));
          for (const { rule, count } of output.filtered) filtered[rule] = (filtered[rule] ?? 0) + count;
          if (!restart) continue;
          // A restart between any two batches is one more way to cut.
          const next = pipelineOf(...configs);
          next.restore(pipeline.snapshot());
          pipeline = next;
        }
        expect(out).toEqual(whole.out);
        expect(filtered).toEqual(whole.filtered);
      },
    ),
    runs,
  );
});

test('a deadband passes what its twin passes', () => {
  const options = fc.record({
    absolute: fc.constantFrom(0, 0.5, 1),
    percent: fc.constantFrom(undefined, 50),
    max_interval: fc.constantFrom(undefined, 4000),
  });
  fc.assert(
    fc.property(options, readings, (config, input) => {
      expect(run([{ deadband: { field: 'a', ...config } }], input).out).toEqual(deadbandTwin(config, input));
    }),
    runs,
  );
});

/** One reading after the other, one field, no columns. */
function deadbandTwin(
  {
    absolute,
    percent = 0,
    max_interval = Number.POSITIVE_INFINITY,
  }: { absolute: number; percent?: number | undefined; max_interval?: number | undefined },
  input: readonly Plain[],
): Plain[] {
  const last = new Map<string, Plain>();
  const band = (value: number): number => Math.max(absolute, (percent / 100) * Math.abs(value));
  return input.filter((reading) => {
    const now = reading.values['a'];
    if (now === undefined) return true;
    const key = JSON.stringify(reading.tags);
    const before = last.get(key);
    if (before !== undefined && reading.at < before.at) {
      if (before.at - reading.at > 3600) last.set(key, reading);
      return true;
    }
    const then = before?.values['a'];
    const same =
      typeof now !== typeof then
        ? false
        : typeof now === 'number'
          ? Object.is(now, then) || Math.abs(now - (then as number)) <= band(then as number)
          : now === then;
    if (
      before !== undefined &&
      same &&
      reading.quality === before.quality &&
      (reading.at - before.at) * 1000 < max_interval
    )
      return false;
    last.set(key, reading);
    return true;
  });
}

test('holding what a deadband passed until the next one is nowhere off by more than the band', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 0.5, 1), inOrder, (absolute, list) => {
      const input = list.map((one, id) => ({ ...one, values: { ...one.values, id } }));
      const { out } = run([{ deadband: { field: 'a', absolute } }], input);
      const passed = new Set(out.map(({ values }) => values['id']));
      const held = new Map<string, number>();
      for (const { tags, values } of input) {
        const current = values['a' as never] as unknown;
        if (typeof current !== 'number' || Number.isNaN(current)) continue;
        const key = JSON.stringify(tags);
        if (passed.has(values.id)) held.set(key, current);
        else expect(Math.abs(current - held.get(key)!)).toBeLessThanOrEqual(absolute);
      }
    }),
    runs,
  );
});

test('a throttle passes what its twin passes, and never more than it says', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1000, 7000),
      fc.integer({ min: 1, max: 3 }),
      inOrder,
      (every, count, input) => {
        const { out } = run([{ throttle: { every, count } }], input);
        const spans = new Map<string, { from: number; passed: number }>();
        const twin = input.filter(({ at, tags }) => {
          const key = JSON.stringify(tags);
          const span = spans.get(key);
          if (span === undefined || at - span.from >= every / 1000) spans.set(key, { from: at, passed: 1 });
          else if (span.passed < count) span.passed++;
          else return false;
          return true;
        });
        expect(out).toEqual(twin);
      },
    ),
    runs,
  );
});

test('a line of decimals gives the double nearest to the decimal result', () => {
  const decimal = fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: 0, max: 4 }));
  fc.assert(
    fc.property(decimal, decimal, fc.integer({ min: -100_000, max: 100_000 }), ([n, i], [m, j], raw) => {
      const unit = 10n ** 8n;
      const exact = BigInt(raw) * BigInt(n) * 10n ** BigInt(8 - i) + BigInt(m) * 10n ** BigInt(8 - j);
      const digits = (exact < 0n ? -exact : exact).toString().padStart(9, '0');
      const text = `${exact < 0n ? '-' : ''}${digits.slice(0, -8)}.${digits.slice(-8)}`;
      expect(linear(Number(`${n}e-${i}`), Number(`${m}e-${j}`))(raw) + 0).toBe(
        exact % unit === 0n ? Number(exact / unit) : Number(text),
      );
    }),
    runs,
  );
});

test('a curve goes through its points and rises where they rise', () => {
  const curve = fc
    .uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 8 })
    .map((xs) => xs.toSorted((a, b) => a - b).map((x, i) => [x, i * i] as const));
  fc.assert(
    fc.property(curve, fc.constantFrom('clamp' as const, 'extrapolate' as const), (points, outside) => {
      const map = piecewise(points, outside);
      for (const [x, y] of points) expect(map(x)).toBe(y);
      const line = Array.from({ length: 241 }, (_, i) => map(i / 2 - 60));
      expect(line).toEqual(line.toSorted((left, right) => left - right));
    }),
    runs,
  );
});
