import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { sliceBatch } from '#agent/reading/batch.ts';
import { batchOf, now, pipelineOf, plainOf } from '#test/unit/pipeline/pipeline-fixture.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs } from '../stages/signal-arbitraries.ts';

interface Case {
  /** Milliseconds, as the stage's config. */
  readonly every?: number;
  readonly slide?: number;
  readonly session?: number;
  readonly out_of_order: number;
  readonly lateness: number;
}

const cases = fc.oneof(
  fc.record({ every: fc.constantFrom(1000, 4000), out_of_order: spans(), lateness: spans() }),
  fc.record({
    every: fc.constant(6000),
    slide: fc.constantFrom(2000, 3000),
    out_of_order: spans(),
    lateness: spans(),
  }),
  fc.record({ session: fc.constantFrom(1000, 3000), out_of_order: spans(), lateness: spans() }),
) as fc.Arbitrary<Case>;

function spans() {
  return fc.constantFrom(0, 1000, 3500);
}

const emit = ['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'range', 'p50', 'distinct'];

/** Readings in time order, each delayed by less than `bound` seconds: so far may they be out of order. */
const jittered = (bound: number): fc.Arbitrary<Plain[]> =>
  fc
    .array(
      fc.record({
        at: fc.integer({ min: 0, max: 160 }).map((quarter) => quarter / 4),
        delay: fc.double({ min: 0, max: 0.999, noNaN: true }),
        a: fc.integer({ min: -40, max: 40 }),
        machine: fc.constantFrom('m1', 'm2'),
        quality: fc.constantFrom<0 | 1 | 2>(0, 0, 0, 1, 2),
      }),
      { maxLength: 40 },
    )
    .map((list) =>
      list
        .toSorted((one, other) => one.at + one.delay * bound - (other.at + other.delay * bound))
        .map(({ at, a, machine, quality }) => ({ at, values: { a }, tags: { machine }, quality })),
    );

interface Result {
  readonly machine: string;
  readonly start: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Closes what is still open: one reading far in the future of every machine. */
const closing: Plain[] = ['m1', 'm2'].map((machine) => ({ at: 1000, values: { b: 0 }, tags: { machine } }));

/** The last that was said of every window. */
function finals(readings: readonly Plain[], spansOf: Case, cuts: readonly number[] = []): Result[] {
  const pipeline = pipelineOf({ window: { ...spansOf, fields: ['a'], emit, into: 'w' } });
  const batch = batchOf([...readings, ...closing]);
  const last = new Map<string, Result>();
  const edges = [
    0,
    ...cuts.map((cut) => Math.min(cut, batch.length)).toSorted((a, b) => a - b),
    batch.length,
  ];
  for (const [i, from] of edges.slice(0, -1).entries()) {
    const { outputs } = pipeline.process(sliceBatch(batch, from, edges[i + 1]!), now);
    for (const { stream, batch: one } of outputs) {
      if (stream !== 'w') continue;
      for (const { at, values, tags } of plainOf(one)) {
        const { 'window.revision': _, ...rest } = values;
        last.set(`${tags!['machine']} ${at}`, { machine: tags!['machine']!, start: at, values: rest });
      }
    }
  }
  return [...last.values()].toSorted(byPlace);
}

const byPlace = (a: Result, b: Result): number => a.start - b.start || (a.machine < b.machine ? -1 : 1);

/** Collect all, sort, group. */
function twin(readings: readonly Plain[], { every, slide = every, session }: Case): Result[] {
  const results: Result[] = [];
  for (const machine of ['m1', 'm2']) {
    const good = readings
      .filter(({ tags, quality }) => tags!['machine'] === machine && quality !== 2)
      .map(({ at, values }) => ({ at, a: values['a'] as number }))
      .toSorted((one, other) => one.at - other.at || one.a - other.a);
    if (session !== undefined) {
      const sessions: (typeof good)[] = [];
      for (const one of good) {
        const open = sessions.at(-1);
        if (open === undefined || one.at - open.at(-1)!.at >= session / 1000) sessions.push([one]);
        else open.push(one);
      }
      for (const one of sessions)
        results.push({
          machine,
          start: one[0]!.at,
          values: { ...figuresOf(one), 'window.seconds': one.at(-1)!.at - one[0]!.at },
        });
      continue;
    }
    const starts = new Set<number>();
    for (const { at } of good)
      for (let start = Math.floor((at * 1000) / slide!) * slide!; start > at * 1000 - every!; start -= slide!)
        starts.add(start);
    for (const start of starts) {
      const inside = good.filter(({ at }) => at * 1000 >= start && at * 1000 < start + every!);
      results.push({ machine, start: start / 1000, values: figuresOf(inside) });
    }
  }
  return results.toSorted(byPlace);
}

function figuresOf(inside: readonly { readonly a: number }[]): Record<string, number> {
  const values = inside.map(({ a }) => a);
  const sorted = values.toSorted((one, other) => one - other);
  const sum = values.reduce((total, one) => total + one, 0);
  const [min, max] = [sorted[0]!, sorted.at(-1)!];
  return {
    'a.count': values.length,
    'a.sum': sum,
    'a.mean': sum / values.length,
    'a.min': min,
    'a.max': max,
    'a.first': values[0]!,
    'a.last': values.at(-1)!,
    'a.range': max - min,
    // Few enough for the sketches to be exact.
    'a.p50': sorted[Math.ceil(values.length / 2) - 1]!,
    'a.distinct': new Set(values).size,
    'a.rank_error': 0,
    'a.distinct_error': 0.0001,
  };
}

const withCase = cases.chain((one) =>
  jittered((one.out_of_order + one.lateness) / 1000).map((readings) => ({ one, readings })),
);

test('windows of readings out of order within the bounds are those of all readings sorted and grouped', () => {
  fc.assert(
    fc.property(withCase, ({ one, readings }) => {
      expect(finals(readings, one)).toEqual(twin(readings, one));
    }),
    { numRuns: runs.numRuns * 2 },
  );
});

test('neither order within the bounds nor cuts change a window', () => {
  fc.assert(
    fc.property(withCase, fc.array(fc.nat(40), { maxLength: 5 }), ({ one, readings }, cuts) => {
      const sorted = readings.toSorted((a, b) => a.at - b.at);
      expect(finals(readings, one, cuts)).toEqual(finals(sorted, one));
    }),
    runs,
  );
});

test('every reading without `into` is counted once, as taken in or as late, whatever its time', () => {
  const wild = fc.array(
    fc.record({
      at: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -1e6, max: 1e6 })),
      a: fc.integer({ min: 0, max: 3 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(cases, wild, fc.nat(20), (one, list, cut) => {
      const pipeline = pipelineOf({ window: { ...one, emit: ['count'] } });
      const readings = list.map(({ at, a }) => ({ at, values: { a } }));
      let windowed = 0;
      for (const part of [readings.slice(0, cut), readings.slice(cut)]) {
        const output = pipeline.process(batchOf(part), now);
        const own = output.outputs.reduce((sum, { batch }) => sum + batch.length, 0);
        const filtered = output.filtered.reduce((sum, { count }) => sum + count, 0);
        expect(own + filtered).toBe(part.length + (output.derived ?? 0));
        for (const { batch } of output.outputs)
          for (const { values } of plainOf(batch))
            if (values['window.revision'] !== 1) windowed += values['a.count'] as number;
      }
      if (one.slide === undefined) expect(windowed).toBeLessThanOrEqual(readings.length);
      const released = pipeline.tick(micros(now + 1e15));
      expect(released.derived ?? 0).toBe(released.outputs.reduce((sum, { batch }) => sum + batch.length, 0));
      expect(pipeline.nextDeadline()).toBeNull();
    }),
    runs,
  );
});
