import { describe, expect, test } from 'vitest';
import { linear } from '#agent/pipeline/stages/calibrate.ts';
import { fieldMatcher } from '#agent/pipeline/field-pattern.ts';
import { batchOf, now, pipelineOf, run, seconds, valuesOut } from './pipeline-fixture.ts';

describe('calibrate', () => {
  test('scales and shifts to the nearest double of the decimal result', () => {
    const stage = { calibrate: { field: 'temp', scale: 0.1, offset: -2 } };

    expect(valuesOut('temp', [stage], seconds('temp', [215, 3, 0, -7]))).toEqual([19.5, -1.7, -2, -2.7]);
  });

  test('stays finite where the exact way would overflow', () => {
    expect(linear(0.001, 0)(1e308)).toBe(1e305);
    expect(linear(1 / 3, 0.1)(3)).toBeCloseTo(1.1);
  });

  test('follows a curve and holds its end values', () => {
    const points = [
      [0, 10],
      [100, 20],
      [200, 120],
    ] as const;

    expect(
      valuesOut('v', [{ calibrate: { field: 'v', points } }], seconds('v', [-5, 0, 50, 100, 150, 999])),
    ).toEqual([10, 10, 15, 20, 70, 120]);
  });

  test('goes on along the end segments when asked', () => {
    const points = [
      [0, 10],
      [100, 20],
      [200, 120],
    ] as const;
    const stage = { calibrate: { field: 'v', points, outside: 'extrapolate' as const } };

    expect(valuesOut('v', [stage], seconds('v', [-10, 210, Number.NaN]))).toEqual([9, 130, Number.NaN]);
  });

  test('leaves holes, texts and other fields alone and shares their columns', () => {
    const batch = batchOf([
      { at: 0, values: { v: 1, other: 5 } },
      { at: 1, values: { other: 6 } },
      { at: 2, values: { v: 2n, other: 7 } },
      { at: 3, values: { v: 'off', other: 8 } },
    ]);

    const out = pipelineOf({ calibrate: { field: 'v', scale: 10 } }).process(batch, now).outputs[0]!.batch;

    expect(out.columns.map((column) => [...column.values])).toEqual([
      [10, 0, 20, 'off'],
      [5, 6, 7, 8],
    ]);
    expect(out.columns[1]).toBe(batch.columns[1]);
    expect(out.timeMicros).toBe(batch.timeMicros);
  });
});

test('calibrate keeps the slot of a missing value blank', () => {
  const batch = batchOf([
    { at: 0, values: { v: 1 } },
    { at: 1, values: { w: 1 } },
  ]);

  const out = pipelineOf({ calibrate: { field: 'v', offset: 5 } }).process(batch, now).outputs[0]!.batch;

  expect(out.columns[0]).toMatchObject({ values: new Float64Array([6, 0]), present: new Uint8Array([1, 0]) });
});

describe('select', () => {
  test('keeps named fields and drops readings left without any', () => {
    const { out, filtered } = run(
      [{ select: { fields: ['temp*', '!temp_raw'] } }],
      [
        { at: 0, values: { temp: 1, temp_raw: 2, rms: 3 } },
        { at: 1, values: { temp_raw: 2 } },
        { at: 2, values: { temp_in: 4 } },
      ],
    );

    expect(out.map(({ values }) => values)).toEqual([{ temp: 1 }, { temp_in: 4 }]);
    expect(filtered).toEqual({ '0:select': 1 });
  });

  test.each([
    [['a'], 'a', true],
    [['a'], 'ab', false],
    [['*'], '', true],
    [['a*c'], 'abbc', true],
    [['a*b*c'], 'axbxbxc', true],
    [['a*b*c'], 'axbxbx', false],
    [['a?c'], 'abc', true],
    [['a?c'], 'ac', false],
    [['!a'], 'b', true],
    [['!a'], 'a', false],
    [['*', '!a*', 'ab'], 'ab', true],
    [['*', '!a*', 'ab'], 'ac', false],
    [['a.b'], 'axb', false],
  ])('%j matches %j: %j', (patterns, name, expected) => {
    expect(fieldMatcher(patterns)(name)).toBe(expected);
  });
});

describe('rename', () => {
  test('renames all at once, so that names can be swapped', () => {
    const { out } = run([{ rename: { a: 'b', b: 'a' } }], [{ at: 0, values: { a: 1, b: 2, c: 3 } }]);

    expect(out[0]!.values).toEqual({ b: 1, a: 2, c: 3 });
  });

  test('brings two names of one thing together, and loses nothing where a reading has both', () => {
    const { out } = run(
      [{ rename: { temperature: 'temp' } }],
      [
        { at: 0, values: { temp: 1 } },
        { at: 1, values: { temperature: 2 } },
        { at: 2, values: { temp: 3, temperature: 4 } },
        { at: 3, values: { temperature: 'hot' } },
      ],
    );

    expect(out.map(({ values }) => values)).toEqual([
      { temp: 1 },
      { temp: 2 },
      { temp: 3, temperature: 4 },
      { temp: 'hot' },
    ]);
  });
});

describe('deadband', () => {
  test('drops what stays within the band around the last value that passed', () => {
    const stage = { deadband: { field: 'temp', absolute: 0.5 } };

    expect(valuesOut('temp', [stage], seconds('temp', [20, 20.5, 20.25, 20.75, 21, 20.25, 20.24]))).toEqual([
      20, 20.75, 20.24,
    ]);
    expect(run([stage], seconds('temp', [20, 20.5])).filtered).toEqual({ '0:deadband': 1 });
  });

  test('takes percent of the last value, with the absolute width as a floor near zero', () => {
    const stage = { deadband: { field: 'v', percent: 10, absolute: 1 } };

    expect(valuesOut('v', [stage], seconds('v', [100, 110, 111, 122.1, 122.2, 0, 1, -1, 1.5]))).toEqual([
      100, 111, 122.2, 0, 1.5,
    ]);
  });

  test('lets a value pass after max_interval of event time even if unchanged', () => {
    const stage = { deadband: { field: 'v', absolute: 1, max_interval: 3000 } };

    expect(run([stage], seconds('v', [5, 5, 5, 5, 5])).out.map(({ at }) => at)).toEqual([0, 3]);
  });

  test('keeps every series apart', () => {
    const readings = [
      { at: 0, values: { v: 1 }, tags: { m: 'a' } },
      { at: 1, values: { v: 9 }, tags: { m: 'b' } },
      { at: 2, values: { v: 1 }, tags: { m: 'a' } },
    ];

    expect(run([{ deadband: { field: 'v', absolute: 1 } }], readings).out).toHaveLength(2);
  });

  test('always passes a change of quality or of kind', () => {
    const stage = { deadband: { field: 'v', absolute: 10 } };

    expect(
      run(
        [stage],
        [
          { at: 0, values: { v: 1 } },
          { at: 1, values: { v: 1 }, quality: 2 },
          { at: 2, values: { v: 1 }, quality: 2 },
          { at: 3, values: { v: 1 } },
        ],
      ).out.map(({ at }) => at),
    ).toEqual([0, 1, 3]);
    expect(valuesOut('v', [stage], seconds('v', [1, '1', '1', true, true, false, 1]))).toEqual([
      1,
      '1',
      true,
      false,
      1,
    ]);
  });

  test('judges by every watched field, and not at all where there is none', () => {
    const stage = { deadband: { fields: ['*', '!noise'], absolute: 1 } };

    expect(
      run(
        [stage],
        [
          { at: 0, values: { a: 1, b: 1 } },
          { at: 1, values: { a: 1, b: 1, noise: 50 } },
          { at: 2, values: { a: 1, b: 3 } },
          { at: 3, values: { noise: 1 } },
          { at: 4, values: { a: 1 } },
        ],
      ).out.map(({ at }) => at),
    ).toEqual([0, 2, 3]);
  });

  test('knows NaN and infinities', () => {
    const inf = Number.POSITIVE_INFINITY;
    const stage = { deadband: { field: 'v', absolute: 1, percent: 10 } };

    expect(valuesOut('v', [stage], seconds('v', [1, Number.NaN, Number.NaN, inf, inf, 5, -inf]))).toEqual([
      1,
      Number.NaN,
      inf,
      5,
      -inf,
    ]);
  });

  test('compares integers beyond 2^53 exactly', () => {
    const stage = { deadband: { field: 'v', absolute: 0 } };

    expect(
      valuesOut('v', [stage], seconds('v', [9007199254740993n, 9007199254740992n, 9007199254740992n])),
    ).toHaveLength(2);
  });

  test('a late reading passes and changes nothing, until the clock was plainly set back', () => {
    const stage = { deadband: { field: 'v', absolute: 1 } };
    const readings = [
      { at: 10_000, values: { v: 5 } },
      { at: 9_000, values: { v: 50 } },
      { at: 10_001, values: { v: 5 } },
      { at: 100, values: { v: 5 } },
      { at: 101, values: { v: 5 } },
    ];

    expect(run([stage], readings).out.map(({ at }) => at)).toEqual([10_000, 9_000, 100]);
  });
});

describe('throttle', () => {
  test('lets one reading of a series pass in every span of event time', () => {
    expect(
      run([{ throttle: { every: 3000 } }], seconds('v', [0, 1, 2, 3, 4, 5, 6, 7])).out.map(({ at }) => at),
    ).toEqual([0, 3, 6]);
  });

  test('lets count readings pass in a span', () => {
    const readings = [0, 1, 2, 11, 12, 13, 14].map((at) => ({ at, values: { v: 1 } }));

    expect(run([{ throttle: { every: 10_000, count: 2 } }], readings).out.map(({ at }) => at)).toEqual([
      0, 1, 11, 12,
    ]);
  });

  test('a late reading counts to the running span; a clock set back starts anew', () => {
    const readings = [10_000, 9_999, 10_010, 5_000, 100, 105, 111].map((at) => ({ at, values: { v: 1 } }));

    const { out, filtered } = run([{ throttle: { every: 10_000 } }], readings);

    expect(out.map(({ at }) => at)).toEqual([10_000, 10_010, 5_000, 100, 111]);
    expect(filtered).toEqual({ '0:throttle': 2 });
  });
});

test('state of series is bounded: the one unheard for longest is forgotten and counted', () => {
  const pipeline = pipelineOf({ deadband: { field: 'v', absolute: 1, max_series: 2 } });
  const send = (m: string) => pipeline.process(batchOf([{ at: 0, values: { v: 1 }, tags: { m } }]), now);

  const outputs = ['a', 'b', 'a', 'c', 'a', 'b'].map(send);

  expect(outputs.map(({ outputs }) => outputs.length)).toEqual([1, 1, 0, 1, 0, 1]);
  expect(outputs[3]!.notes).toEqual([{ kind: 'series_evicted', rule: '0:deadband', count: 1 }]);
  expect(pipeline.inspect()).toEqual([
    { rule: '0:deadband', series: 2, seriesLimit: 2, bytes: expect.any(Number) as number, evicted: 2 },
  ]);
});
