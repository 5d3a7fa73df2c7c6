import { describe, expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { compilePipeline } from '#agent/pipeline/plan.ts';
import type { Pipeline, PipelineOutput } from '#agent/pipeline/pipeline.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import { bytesOfBase64 } from '#agent/reading/base64.ts';
import { openEnvelope } from '#agent/sketch/envelope.ts';
import { FrequentItems } from '#agent/sketch/frequent-items.ts';
import { parseHistogram } from '#agent/sketch/histogram-bytes.ts';
import { Kll } from '#agent/sketch/kll.ts';
import { Prng } from '#agent/base/prng.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf } from '../pipeline-fixture.ts';

const each = (values: readonly (readonly [number, number])[], tags: Record<string, string> = {}): Plain[] =>
  values.map(([at, a]) => ({ at, values: { a }, tags }));

/** What came out, by stream, as start and values. */
function told(output: PipelineOutput, stream = 'line'): readonly (readonly [number, object])[] {
  return output.outputs
    .filter((one) => one.stream === stream)
    .flatMap(({ batch }) => plainOf(batch).map(({ at, values }) => [at, values] as const));
}

const filteredOf = ({ filtered }: PipelineOutput): Record<string, number> =>
  Object.fromEntries(filtered.map(({ rule, count }) => [rule, count]));

const wait = (pipeline: Pipeline, seconds: number): PipelineOutput =>
  pipeline.tick(micros(now + seconds * 1e6));

const problemsOf = (stage: StageConfig): readonly string[] => {
  const compiled = compilePipeline({ stream: 'line', stages: [stage] });
  return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path} ${message}`);
};

describe('a window', () => {
  test('takes the place of its readings, stands at its start and is counted as derived', () => {
    const pipeline = pipelineOf({
      window: { every: 10_000, out_of_order: 0, emit: ['count', 'mean', 'stddev'] },
    });
    const output = pipeline.process(
      batchOf(
        each([
          [0, 1],
          [4, 2],
          [9.9, 3],
          [10, 7],
        ]),
      ),
      now,
    );
    expect(told(output)).toEqual([[0, { 'a.count': 3, 'a.mean': 2, 'a.stddev': 1 }]]);
    expect(filteredOf(output)).toEqual({ '0:window': 4 });
    expect(output.derived).toBe(1);
  });

  test('with `into` leaves the readings to the stages behind it', () => {
    const pipeline = pipelineOf({ window: { every: 10_000, out_of_order: 0, emit: ['sum'], into: 'w' } });
    const output = pipeline.process(
      batchOf(
        each([
          [0, 1],
          [12, 2],
        ]),
      ),
      now,
    );
    expect(told(output)).toHaveLength(2);
    expect(told(output, 'w')).toEqual([[0, { 'a.sum': 1 }]]);
    expect(output).not.toHaveProperty('derived');
    expect(output.filtered).toEqual([]);
  });

  test('never has bad quality in, and is uncertain when any of its readings is', () => {
    const pipeline = pipelineOf({ window: { every: 10_000, out_of_order: 0, emit: ['sum'], into: 'w' } });
    const readings: Plain[] = [
      { at: 0, values: { a: 1 } },
      { at: 1, values: { a: 1000 }, quality: 2 },
      { at: 2, values: { a: 2 }, quality: 1 },
      { at: 10, values: { a: 0 } },
      { at: 20, values: { a: 0 } },
    ];
    const { outputs } = pipeline.process(batchOf(readings), now);
    const windows = outputs.filter(({ stream }) => stream === 'w').flatMap(({ batch }) => plainOf(batch));
    expect(windows.map(({ values, quality }) => [values, quality])).toEqual([
      [{ 'a.sum': 3 }, 1],
      [{ 'a.sum': 0 }, 0],
    ]);
  });

  test('is closed by the clock when its series is silent, at the time it would have ended', () => {
    const pipeline = pipelineOf({
      window: { every: 60_000, out_of_order: 0, idle: 5000, emit: ['count'], into: 'w' },
    });
    pipeline.process(
      batchOf(
        each([
          [20, 1],
          [30, 1],
        ]),
      ),
      now,
    );
    expect(told(wait(pipeline, 29), 'w')).toEqual([]);
    expect(told(wait(pipeline, 30), 'w')).toEqual([[0, { 'a.count': 2 }]]);
    expect(pipeline.nextDeadline()).toBeNull();
  });

  test('counts silence anew after a restart', () => {
    const window: StageConfig = {
      window: { every: 10_000, out_of_order: 0, idle: 5000, emit: ['count'], into: 'w' },
    };
    const before = pipelineOf(window);
    before.process(batchOf(each([[0, 1]])), now);
    const pipeline = pipelineOf(window);
    pipeline.restore(before.snapshot());
    expect(told(wait(pipeline, 100_000), 'w')).toEqual([]);
    expect(told(wait(pipeline, 100_010), 'w')).toEqual([[0, { 'a.count': 1 }]]);
  });

  test('is told once more, and only then, when something came late but within the lateness', () => {
    const pipeline = pipelineOf({
      window: { every: 10_000, out_of_order: 0, lateness: 20_000, emit: ['sum'], into: 'w' },
    });
    const output = pipeline.process(
      batchOf(
        each([
          [1, 1],
          [10, 2],
          [5, 4],
          [6, 8],
          [20, 0],
          [30, 0],
          [45, 0],
        ]),
      ),
      now,
    );
    expect(told(output, 'w')).toEqual([
      [0, { 'a.sum': 1, 'window.revision': 0 }],
      [10, { 'a.sum': 2, 'window.revision': 0 }],
      [0, { 'a.sum': 13, 'window.revision': 1 }],
      [20, { 'a.sum': 0, 'window.revision': 0 }],
      [30, { 'a.sum': 0, 'window.revision': 0 }],
    ]);
  });

  test('that had nothing in it when its end passed is a correction when something comes, restart or not', () => {
    const window: StageConfig = {
      window: { every: 6000, slide: 2000, by: [], lateness: 3000, emit: ['count'] },
    };
    const outcomes = [false, true].map((restart) => {
      let pipeline = pipelineOf(window);
      const first = pipeline.process(batchOf([{ at: 3, values: {} }]), now);
      if (restart) {
        const snapshot = pipeline.snapshot();
        pipeline = pipelineOf(window);
        expect(pipeline.restore(snapshot)?.empty).toEqual([]);
      }
      const late = pipeline.process(batchOf([{ at: 0, values: { b: 0 } }]), now);
      const closed = [4, 6].map((at) => pipeline.process(batchOf([{ at, values: {} }]), now));
      return [first, late, ...closed].map((output) => told(output));
    });

    expect(outcomes[1]).toEqual(outcomes[0]);
    // The second time both that ended by 4 s: one as a correction, one for the first time.
    expect(outcomes[0]).toEqual([
      [],
      [],
      [],
      [
        [-2, { 'b.count': 1, 'window.revision': 0 }],
        [-4, { 'b.count': 1, 'window.revision': 1 }],
      ],
    ]);
  });

  test('has nothing of a field without a value that counts, however batches were cut', () => {
    const window: StageConfig = {
      window: { session: 3000, out_of_order: 0, emit: ['count', 'distinct'], into: 'w' },
    };
    const readings: Plain[] = [
      { at: 0, values: { a: Number.NaN, b: 'off' } },
      { at: 1, values: { a: Number.NaN, b: 1 } },
      { at: 10, values: { c: 1 } },
    ];
    const ways = [[readings], readings.map((one) => [one])].map((batches) => {
      const pipeline = pipelineOf(window);
      return batches.flatMap((batch) => told(pipeline.process(batchOf(batch), now), 'w'));
    });

    expect(ways[1]).toEqual(ways[0]);
    expect(ways[0]).toEqual([
      [0, { 'b.count': 2, 'b.distinct': 2, 'b.distinct_error': 0.0001, 'window.seconds': 1 }],
    ]);
  });

  test('leaves what is later still to the side output, counted by name', () => {
    const pipeline = pipelineOf({
      window: { every: 10_000, out_of_order: 0, late_into: 'line_late', emit: ['sum'] },
    });
    const output = pipeline.process(
      batchOf(
        each([
          [1, 1],
          [10, 2],
          [5, 4],
        ]),
      ),
      now,
    );
    expect(told(output, 'line_late')).toEqual([[5, { a: 4 }]]);
    expect(filteredOf(output)).toEqual({ '0:window': 2, '0:window!late': 1 });
    expect(output.notes).toEqual([{ kind: 'late_readings', rule: '0:window', count: 1 }]);
  });

  test('by a tag waits for the slowest of its series, but not for a silent one', () => {
    const pipeline = pipelineOf({
      window: { every: 10_000, out_of_order: 0, idle: 30_000, by: 'plant', emit: ['sum'], into: 'w' },
    });
    const of = (at: number, machine: string): Plain => ({
      at,
      values: { a: 1 },
      tags: { plant: 'p', machine },
    });
    const output = pipeline.process(batchOf([of(1, 'm1'), of(2, 'm2'), of(15, 'm1')]), now);
    expect(told(output, 'w')).toEqual([]);
    const later = pipeline.process(batchOf([of(25, 'm1')]), micros(now + 40e6));
    expect(told(later, 'w')).toEqual([
      [0, { 'a.sum': 2 }],
      [10, { 'a.sum': 1 }],
    ]);
    expect(plainOf(later.outputs[1]!.batch)[0]!.tags).toEqual({ plant: 'p' });
  });

  test('does not wait for a series that an earlier stage keeps out', () => {
    const pipeline = pipelineOf(
      { keep: 'tags.machine == "m1"' },
      { window: { every: 10_000, out_of_order: 0, by: 'plant', emit: ['sum'], into: 'w' } },
    );
    const of = (at: number, machine: string): Plain => ({
      at,
      values: { a: 1 },
      tags: { plant: 'p', machine },
    });
    const output = pipeline.process(batchOf([of(1, 'm1'), of(1, 'm2'), of(15, 'm1')]), now);
    expect(told(output, 'w')).toEqual([[0, { 'a.sum': 1 }]]);
    expect(pipeline.inspect()[0]).toMatchObject({ series: 1 });
  });

  test('of one reading from the far future does not silence its series', () => {
    const pipeline = pipelineOf({ window: { every: 10_000, out_of_order: 0, emit: ['sum'], into: 'w' } });
    const output = pipeline.process(
      batchOf(
        each([
          [1, 1],
          [1e6, 5],
          [2, 2],
          [12, 3],
        ]),
      ),
      now,
    );
    expect(told(output, 'w')).toEqual([
      [0, { 'a.sum': 1 }],
      [1e6, { 'a.sum': 5, 'window.partial': true }],
      [0, { 'a.sum': 2 }],
    ]);
  });

  test('is given out early when there are too many series, oldest first, and that is told', () => {
    const pipeline = pipelineOf({ window: { every: 10_000, emit: ['sum'], into: 'w', max_series: 2 } });
    for (const m of ['a', 'b']) pipeline.process(batchOf(each([[1, 1]], { m })), now);
    const output = pipeline.process(batchOf(each([[1, 1]], { m: 'c' })), now);
    expect(output.notes).toEqual([{ kind: 'series_evicted', rule: '0:window', count: 1 }]);
    const windows = plainOf(output.outputs[1]!.batch);
    expect(windows).toEqual([
      { at: 0, values: { 'a.sum': 1, 'window.partial': true }, tags: { m: 'a' }, quality: 0 },
    ]);
    expect(pipeline.inspect()[0]).toMatchObject({ series: 2, seriesLimit: 2, evicted: 1 });
  });

  test('tells quantiles with their rank error', () => {
    const pipeline = pipelineOf({
      window: { every: 3_600_000, out_of_order: 0, emit: ['p50', 'p99.9'], into: 'w' },
    });
    const many = Array.from({ length: 3000 }, (_, i) => [i, (i * 7919) % 3000] as const);
    const output = pipeline.process(batchOf(each([...many, [3600, 0]])), now);
    const [[, values]] = told(output, 'w') as [[number, Record<string, number>]];
    expect(values['a.rank_error']).toBeCloseTo(0.0133, 3);
    expect(Math.abs(values['a.p50']! - 1500)).toBeLessThan(2 * 0.0133 * 3000);
    expect(Object.keys(values)).toEqual(['a.p50', 'a.p99.9', 'a.rank_error']);
  });

  test('tells the value whose rank a quantile is while all are kept, whatever binary fractions make of the rank', () => {
    const pipeline = pipelineOf({
      window: { every: 3_600_000, out_of_order: 0, emit: ['p7', 'p14', 'p28', 'p55', 'p56'], into: 'w' },
    });
    const hundred = Array.from({ length: 100 }, (_, i) => [i, i + 1] as const);
    const output = pipeline.process(batchOf(each([...hundred, [3600, 0]])), now);
    const [[, values]] = told(output, 'w') as [[number, Record<string, number>]];
    expect(values).toEqual({
      'a.p7': 7,
      'a.p14': 14,
      'a.p28': 28,
      'a.p55': 55,
      'a.p56': 56,
      'a.rank_error': 0,
    });
  });

  test('counts distinct texts, which have no other figures', () => {
    const pipeline = pipelineOf({
      window: { every: 1000, out_of_order: 0, emit: ['count', 'mean', 'distinct'] },
    });
    const readings: Plain[] = ['on', 'off', 'on'].map((state, at) => ({ at: at / 10, values: { state } }));
    const output = pipeline.process(batchOf([...readings, { at: 5, values: { b: 1 } }]), now);
    expect(told(output)).toEqual([
      [0, { 'state.count': 3, 'state.distinct': 2, 'state.distinct_error': 1e-4 }],
    ]);
  });
});

test('sketches go out as sealed standard bytes to a stream of their own, and readings pass', () => {
  const pipeline = pipelineOf({ sketch: { every: 60_000, out_of_order: 0, fields: ['a'] } });
  const output = pipeline.process(
    batchOf(
      each([
        [0, 5],
        [1, 6],
        [2, 7],
        [60, 1],
      ]),
    ),
    now,
  );
  expect(told(output)).toHaveLength(4);
  const [[at, values]] = told(output, 'line_sketch') as [[number, Record<string, string>]];
  expect(at).toBe(0);
  expect(Object.keys(values)).toEqual(['a_moments', 'a_quantiles', 'a_distinct']);
  const envelope = openEnvelope(bytesOfBase64(values['a_quantiles']!)!);
  expect(envelope).toMatchObject({ ok: true, value: { kind: 'quantiles', n: 3, source: 'line/a' } });
  const sketch = Kll.parse(envelope.ok ? envelope.value.bytes : new Uint8Array(0), { chance: new Prng(1) });
  expect(sketch.ok && sketch.value.quantile(0.5)).toBe(6);
});

test('a histogram goes out as a data point of OTLP with its time and tags, and the most frequent items with their counts', () => {
  const pipeline = pipelineOf({
    sketch: { every: 60_000, out_of_order: 0, kinds: ['histogram', 'frequent'], fields: ['a'] },
  });
  const readings = [5, 'on', 5, 6, 'on', 5].map((a, at) => ({ at, tags: { m: 'x' }, values: { a } }));
  const output = pipeline.process(
    batchOf([...readings, { at: 60, tags: { m: 'x' }, values: { a: 1 } }]),
    now,
  );
  const [[, values]] = told(output, 'line_sketch') as [[number, Record<string, string>]];
  const inside = (name: string): Uint8Array => {
    const envelope = openEnvelope(bytesOfBase64(values[name]!)!);
    return envelope.ok ? envelope.value.bytes : new Uint8Array(0);
  };

  const histogram = parseHistogram(inside('a_histogram'));
  const frequent = FrequentItems.parse(inside('a_frequent'));

  expect(histogram).toMatchObject({
    ok: true,
    value: { header: { startNanos: 0n, timeNanos: 60_000_000_000n, attributes: { m: 'x' } } },
  });
  expect(histogram.ok && [histogram.value.histogram.n, histogram.value.histogram.sum]).toEqual([4, 21]);
  expect(
    frequent.ok && frequent.value.frequent('possible', 0).map(({ item, upper }) => [item, upper]),
  ).toEqual([
    ['5', 3],
    ['on', 2],
    ['6', 1],
  ]);
});

test.each<[StageConfig, string]>([
  [{ window: {} }, 'window needs every or session'],
  [{ window: { every: 1000, session: 1000 } }, 'window.session can not stand beside every'],
  [{ window: { every: 1000, slide: 300 } }, 'window.slide must divide every without a rest'],
  [{ window: { every: 1000, emit: ['p0'] } }, 'window.emit.0 there is no "p0"; there are count'],
  [{ window: { every: 1000, into: 'line' } }, 'window.into is the stream itself'],
  [{ window: { every: 1, lateness: 86_400_000 } }, 'window 86401001 windows of a series would be open'],
  [{ sketch: { every: 1000, kinds: [] } }, 'sketch.kinds names nothing'],
])('refuses %j', (stage, words) => {
  expect(problemsOf(stage).join('\n')).toContain(words);
});
