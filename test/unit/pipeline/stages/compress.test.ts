import { describe, expect, test } from 'vitest';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, later, now, pipelineOf, plainOf, run, seconds } from '../pipeline-fixture.ts';

const times = (out: readonly Plain[]): number[] => out.map(({ at }) => at);

describe('compress', () => {
  test('keeps the corners of a ramp, and gives each out when the next segment has begun', () => {
    const ramp = [0, 1, 2, 3, 3, 3, 3, 9, 9];
    const { out, filtered } = run([{ compress: { field: 'v', deviation: 0.1 } }], seconds('v', ramp));

    expect(times(out)).toEqual([0, 3, 6, 7]);
    expect(filtered).toEqual({ '0:compress': 5 });
  });

  test('carries count, sum, min, max and integral of what each reading stands for', () => {
    const { out } = run(
      [{ compress: { field: 'v', deviation: 1, summary: true } }],
      seconds('v', [4, 5, 4, 5, 50, 50]),
    );

    expect(out.map(({ values }) => values)).toEqual([
      { v: 4, 'v.count': 1, 'v.sum': 4, 'v.min': 4, 'v.max': 4, 'v.integral': 0 },
      { v: 5, 'v.count': 3, 'v.sum': 14, 'v.min': 4, 'v.max': 5, 'v.integral': 13.5 },
      { v: 50, 'v.count': 1, 'v.sum': 50, 'v.min': 50, 'v.max': 50, 'v.integral': 27.5 },
    ]);
  });

  test('gives a reading held from an earlier batch out whole, as derived', () => {
    const pipeline = pipelineOf({ compress: { field: 'v', deviation: 0 } });
    pipeline.process(batchOf([{ at: 0, values: { v: 0 } }]), now);
    const second = { at: 1, values: { v: 1, state: 'on', n: 5n, raw: new Uint8Array([7]), ok: true } };
    const held = pipeline.process(batchOf([second]), now);

    const output = pipeline.process(
      batchOf([
        { at: 2, values: { v: 9, ok: false } },
        { at: 3, values: { v: 2, ok: true } },
      ]),
      now,
    );

    expect(held).toMatchObject({ outputs: [], filtered: [{ rule: '0:compress', count: 1 }] });
    expect(plainOf(output.outputs[0]!.batch)).toEqual([
      { ...second, tags: {}, quality: 0 },
      { at: 2, values: { v: 9, ok: false }, tags: {}, quality: 0 },
    ]);
    expect(output.filtered).toEqual([]);
  });

  test('ends a segment where the quality changes, and lets bad readings pass without sums', () => {
    const input: Plain[] = [
      ...seconds('v', [1, 1, 1]),
      { at: 3, values: { v: 1 }, quality: 1 },
      { at: 4, values: { v: 700 }, quality: 2 },
      { at: 5, values: { v: 1 } },
    ];
    const { out } = run([{ compress: { field: 'v', deviation: 1, summary: true } }], input);

    expect(out.map(({ at, quality, values }) => [at, quality, values['v.count']])).toEqual([
      [0, 0, 1],
      [2, 0, 2],
      [3, 1, 1],
      [4, 2, undefined],
      [5, 0, 1],
    ]);
  });

  test('closes a segment that has become too long, and none that is too short', () => {
    const flat = seconds(
      'v',
      Array.from({ length: 25 }, () => 7),
    );
    const noisy = seconds('v', [0, 9, 0, 9, 0, 9, 0, 9]);

    expect(times(run([{ compress: { field: 'v', deviation: 1, max_interval: 10_000 } }], flat).out)).toEqual([
      0, 10, 20,
    ]);
    expect(times(run([{ compress: { field: 'v', deviation: 1, min_interval: 3000 } }], noisy).out)).toEqual([
      0, 3, 6,
    ]);
  });

  test('leaves out what is no exception, and keeps the reading before one', () => {
    const stage = {
      compress: {
        field: 'v',
        deviation: 0,
        exception: { deviation: 0.5, max_interval: 60_000 },
        summary: false,
      },
    };

    expect(times(run([stage], seconds('v', [5, 5.2, 5.1, 5.3, 9, 9, 20, 20])).out)).toEqual([0, 3, 4, 5]);
  });

  test('lets late readings and those without the field pass', () => {
    const pipeline = pipelineOf({ compress: { field: 'v', deviation: 1 } });
    const output = pipeline.process(
      batchOf([
        { at: 9, values: { v: 1 } },
        { at: 8, values: { v: 1 } },
        { at: 10, values: { w: 1 } },
      ]),
      now,
    );

    expect(times(plainOf(output.outputs[0]!.batch))).toEqual([9, 8, 10]);
    expect(output.notes).toEqual([{ kind: 'late_readings', rule: '0:compress', count: 1 }]);
  });

  describe('a series that falls silent', () => {
    const stage = { compress: { field: 'v', deviation: 0.5, max_interval: 60_000, summary: true } };
    const two: Plain[] = ['a', 'b'].flatMap((m) =>
      seconds('v', [1, 1, 7]).map((reading) => ({ ...reading, tags: { m } })),
    );

    test('gives out what it holds after max_interval of wall clock, as derived, and once', () => {
      const pipeline = pipelineOf(stage);
      pipeline.process(batchOf(two), now);

      const deadline = pipeline.nextDeadline();
      const early = pipeline.tick(later(59_999));
      const output = pipeline.tick(later(60_000));

      expect(deadline).toBe(later(60_000));
      expect(early.outputs).toEqual([]);
      const value = { v: 7, 'v.count': 1, 'v.sum': 7, 'v.min': 7, 'v.max': 7, 'v.integral': 4 };
      expect(output).toMatchObject({ derived: 2, filtered: [] });
      expect(output.outputs.map(({ stream, batch }) => [stream, plainOf(batch)])).toEqual([
        ['line', ['a', 'b'].map((m) => ({ at: 2, values: value, tags: { m }, quality: 0 }))],
      ]);
      expect(pipeline.tick(later(200_000)).outputs).toEqual([]);
      expect(pipeline.nextDeadline()).toBeNull();
    });

    test('goes on from there: the next segment begins at what was given out', () => {
      const pipeline = pipelineOf({
        compress: { field: 'v', deviation: 0.5, max_hold: 1000 },
      });
      pipeline.process(batchOf(seconds('v', [1, 2])), now);
      pipeline.tick(later(1000));

      const output = pipeline.process(
        batchOf([2, 3, 4].map((at) => ({ at, values: { v: at + (at === 4 ? 9 : 1) } }))),
        later(2000),
      );

      expect(times(plainOf(output.outputs[0]?.batch ?? null))).toEqual([3]);
      expect(times(plainOf(pipeline.tick(later(3000)).outputs[0]!.batch))).toEqual([4]);
    });

    test('gives out what the exception test left out, too', () => {
      const pipeline = pipelineOf({
        compress: { field: 'v', deviation: 0, exception: { deviation: 1 }, max_hold: 1000 },
      });
      pipeline.process(batchOf(seconds('v', [1, 1.5])), now);

      const { outputs } = pipeline.tick(later(1000));

      expect(plainOf(outputs[0]!.batch).map(({ values }) => values['v'])).toEqual([1.5]);
    });

    test('is counted from the first look after a restart, and speaks of the tags it had', () => {
      const before = pipelineOf(stage);
      const tags = { m: 'a"b', 'ä,': 'x:y' };
      before.process(batchOf(seconds('v', [1, 1]).map((reading) => ({ ...reading, tags }))), now);
      const pipeline = pipelineOf(stage);
      pipeline.restore(before.snapshot());

      const first = pipeline.tick(later(90_000));
      const second = pipeline.tick(later(150_000));

      expect(first.outputs).toEqual([]);
      expect(plainOf(second.outputs[0]!.batch)).toMatchObject([{ at: 1, tags }]);
    });

    test('is counted anew when the clock on the wall was set back', () => {
      const pipeline = pipelineOf(stage);
      pipeline.process(batchOf(two), later(1e9));
      pipeline.process(batchOf([{ at: 3, values: { v: 1 }, tags: { m: 'c' } }]), now);
      pipeline.process(batchOf([{ at: 4, values: { v: 1 }, tags: { m: 'c' } }]), now);

      expect(pipeline.tick(later(60_000)).derived).toBe(1);
      expect(pipeline.tick(later(120_000)).derived).toBe(2);
    });
  });
});
