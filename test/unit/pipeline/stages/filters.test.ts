import { describe, expect, test } from 'vitest';
import { PolynomialFit } from '#agent/pipeline/signal/polynomial-weights.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Quality, Scalar } from '#agent/reading/batch.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, now, pipelineOf, plainOf, run, seconds, valuesOut } from '../pipeline-fixture.ts';
import { goldenSignals } from './golden-signals.ts';

const spaced = (delta: number, values: readonly number[]): Plain[] =>
  values.map((v, i) => ({ at: i * delta, values: { v } }));

const close = (actual: readonly (Scalar | undefined)[], expected: readonly number[], share = 1e-9): void => {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(
      Math.abs((actual[i] as number) - value),
      `at ${i}: ${String(actual[i])}, ${value}`,
    ).toBeLessThanOrEqual(share * Math.max(1, Math.abs(value)));
};

describe('despike', () => {
  test('replaces what scipy calls a spike by the median and leaves the rest', () => {
    for (const { window, sigmas, input, output } of goldenSignals<{
      window: number;
      sigmas: number;
      input: number[];
      output: number[];
    }>('hampel')) {
      close(valuesOut('v', [{ despike: { field: 'v', window, sigmas } }], spaced(1, input)), output);
    }
  });

  test('takes a spike out of a ramp, and keeps the ramp', () => {
    const ramp = Array.from({ length: 20 }, (_, i) => i);

    expect(valuesOut('v', [{ despike: { field: 'v' } }], seconds('v', ramp))).toEqual(ramp);
    expect(valuesOut('v', [{ despike: { field: 'v' } }], seconds('v', ramp.with(10, 99)))[10]).toBe(7);
  });

  test('lets steps below the floor pass on a flat signal', () => {
    const flat = [20, 20, 20, 20.1, 20, 25];

    expect(valuesOut('v', [{ despike: { field: 'v', floor: 0.2 } }], seconds('v', flat))).toEqual(
      flat.with(5, 20),
    );
    expect(valuesOut('v', [{ despike: { field: 'v' } }], seconds('v', flat))[3]).toBe(20);
  });

  test.each<['replace' | 'mark' | 'drop', Plain['values'][], Quality[], Record<string, number>]>([
    ['replace', [1, 1, 1, 1, 1].map((v) => ({ v })), [0, 0, 0, 1, 0], {}],
    ['mark', [1, 1, 1, 9, 1].map((v) => ({ v })), [0, 0, 0, 2, 0], {}],
    ['drop', [1, 1, 1, 1].map((v) => ({ v })), [0, 0, 0, 0], { '0:despike': 1 }],
  ])('can %s a spike', (action, values, quality, filtered) => {
    const result = run([{ despike: { field: 'v', action } }], seconds('v', [1, 1, 1, 9, 1]));

    expect(result.out.map((one) => one.values)).toEqual(values);
    expect(result.out.map((one) => one.quality)).toEqual(quality);
    expect(result.filtered).toEqual(filtered);
  });
});

describe('ema', () => {
  test('shows 63.2 % of a step after its time constant, whatever the spacing', () => {
    const stage = { ema: { field: 'v', time_constant: 10_000 } };
    const at = [0, 0.5, 3, 3.1, 7, 10];

    const out = run(
      [stage],
      at.map((second, i) => ({ at: second, values: { v: i === 0 ? 0 : 1 } })),
    ).out;

    expect(out.at(-1)!.values['v']).toBeCloseTo(1 - Math.exp(-1), 12);
  });

  test('gives a field of its own beside the raw one', () => {
    const stage = { ema: { field: 'v', time_constant: 1000, as: 'v_smooth' } };

    expect(run([stage], seconds('v', [1, 'off', 1])).out.map(({ values }) => values)).toEqual([
      { v: 1, v_smooth: 1 },
      { v: 'off' },
      { v: 1, v_smooth: 1 },
    ]);
  });

  test('takes in neither bad quality nor late readings nor what is no finite number', () => {
    const stage = { ema: { field: 'v', time_constant: 1000 } };
    const input: Plain[] = [
      { at: 10, values: { v: 5 } },
      { at: 11, values: { v: 1e9 }, quality: 2 },
      { at: 9, values: { v: -7 } },
      { at: 11, values: { v: Number.NaN } },
      { at: 12, values: { v: 5 }, quality: 1 },
    ];

    const output = pipelineOf(stage).process(batchOf(input), now);

    expect(plainOf(output.outputs[0]!.batch).map(({ values }) => values['v'])).toEqual([
      5,
      1e9,
      -7,
      Number.NaN,
      5,
    ]);
    expect(output.notes).toEqual([{ kind: 'late_readings', rule: '0:ema', count: 1 }]);
  });

  test('begins anew after a gap, and after a clock that was set back', () => {
    const stage = { ema: { field: 'v', time_constant: 10_000, max_gap: 60_000 } };
    const input = [
      { at: 10_000, values: { v: 0 } },
      { at: 10_061, values: { v: 8 } },
      { at: 10_062, values: { v: 8 } },
      { at: 1000, values: { v: 3 } },
    ];

    expect(valuesOut('v', [stage], input)).toEqual([0, 8, 8, 3]);
  });
});

test('median follows the middle of its window', () => {
  expect(valuesOut('v', [{ median: { field: 'v', window: 3 } }], seconds('v', [5, 1, 9, 2, 2, 2]))).toEqual([
    5, 3, 5, 2, 2, 2,
  ]);
});

describe('rate', () => {
  test('counts on through a restart of the counter, and drops the reading that has no rate yet', () => {
    const { out, filtered } = run([{ rate: { field: 'n' } }], seconds('n', [100, 110, 130, 5, 5]));

    expect(out.map(({ values }) => values)).toEqual([{ n: 10 }, { n: 20 }, { n: 5 }, { n: 0 }]);
    expect(filtered).toEqual({ '0:rate': 1 });
  });

  test.each<[string, number[], number[]]>([
    ['over the top', [65_530, 4], [10]],
    ['too far back for a wrap: a restart', [40_000, 20_000], [20_000]],
  ])('with bits goes %s', (_name, values, expected) => {
    expect(valuesOut('n', [{ rate: { field: 'n', bits: 16 } }], seconds('n', values))).toEqual(expected);
  });

  test('of a gauge falls too, per minute, beside the level', () => {
    const stage = { rate: { field: 'level', kind: 'gauge' as const, per: 60_000, as: 'flow' } };

    expect(
      run(
        [stage],
        [
          { at: 0, values: { level: 10 } },
          { at: 30, values: { level: 8 } },
          { at: 30, values: { level: 7 } },
          { at: 60, values: { level: 8 } },
        ],
      ).out.map(({ values }) => values),
    ).toEqual([{ level: 10 }, { level: 8, flow: -4 }, { level: 7 }, { level: 8, flow: 0 }]);
  });

  test('can give the increase itself, of wide integers too', () => {
    const stage = { rate: { field: 'n', emit: 'increase' as const } };

    expect(valuesOut('n', [stage], seconds('n', [1n, 4n, 4n]))).toEqual([3, 0]);
  });
});

describe('savgol', () => {
  test('gives what scipy gives at the newest point', () => {
    for (const { window, order, derivative, delta, input, causal } of goldenSignals<{
      window: number;
      order: number;
      derivative: 0 | 1 | 2;
      delta: number;
      input: number[];
      causal: number[];
    }>('savgol')) {
      const stage: StageConfig = { savgol: { field: 'v', window, order, derivative } };
      close(valuesOut('v', [stage], spaced(delta, input)).slice(-causal.length), causal);
    }
  });

  test('fits uneven spacing at its true times', () => {
    const at = [0, 0.3, 1, 1.05, 2, 4, 4.5, 6];
    const input = at.map((t) => ({ at: t, values: { v: 2 - 3 * t + 0.5 * t * t } }));

    close(
      valuesOut('v', [{ savgol: { field: 'v', window: 5, order: 2 } }], input),
      input.map(({ values }) => values.v),
    );
    close(
      run([{ savgol: { field: 'v', window: 5, order: 2, derivative: 1, as: 'slope' } }], input)
        .out.slice(2)
        .map(({ values }) => values['slope']),
      at.slice(2).map((t) => -3 + t),
      1e-8,
    );
  });

  test('copes with values at one and the same time', () => {
    const input = [1, 3, 5].map((v) => ({ at: 7, values: { v } }));

    expect(valuesOut('v', [{ savgol: { field: 'v', window: 5 } }], input)).toEqual([1, 2, 3]);
  });
});

test('the weights of a fit are those of least squares solved by hand', () => {
  const into = new Float64Array(3);
  const fit = new PolynomialFit();

  fit.weights(Float64Array.of(-1, 0, 1), { count: 3, order: 1, derivative: 0, at: 1 }, into);

  close([...into], [-1 / 6, 2 / 6, 5 / 6]);
});

describe('kalman', () => {
  interface Case {
    model: 'level' | 'velocity';
    process_noise: number;
    measurement_noise: number;
    times: number[];
    input: number[];
    level: number[];
    velocity: number[];
  }

  test('gives what filterpy gives, at uneven times', () => {
    for (const { times, input, level, velocity, ...options } of goldenSignals<Case>('kalman')) {
      const second = options.model === 'velocity' ? { velocity_as: 'speed' } : {};
      const stage = { kalman: { field: 'v', as: 'level', ...second, ...options } };

      const { out } = run(
        [stage],
        times.map((at, i) => ({ at, values: { v: input[i]! } })),
      );

      close(
        out.map(({ values }) => values['level']),
        level,
        1e-7,
      );
      if (options.model === 'velocity')
        close(
          out.map(({ values }) => values['speed']),
          velocity,
          1e-7,
        );
    }
  });

  test('does not believe what lies beyond the gate', () => {
    const stage = { kalman: { field: 'v', process_noise: 0.1, measurement_noise: 1, gate: 4 } };

    const out = valuesOut('v', [stage], seconds('v', [5, 5, 500, 5]));

    close(out, [5, 5, 5, 5]);
  });
});

test('filters are refused what they cannot do', () => {
  const wrong: StageConfig[] = [
    { despike: { field: '', window: 2 } },
    { ema: { field: 'v', time_constant: 0 } },
    { rate: { field: 'v', kind: 'gauge', bits: 16 } },
    { savgol: { field: 'v', window: 3, order: 3 } },
    { savgol: { field: 'v', order: 1, derivative: 2 } },
    { kalman: { field: 'v', process_noise: 0, measurement_noise: 1, velocity_as: 'w' } },
    {
      kalman: { field: 'v', process_noise: 1, measurement_noise: 1, model: 'velocity', velocity_as: 'v' },
    },
  ];

  expect(wrong.map((stage) => () => pipelineOf(stage)).map((build) => messageOf(build)))
    .toMatchInlineSnapshot(`
      [
        "[{"stage":0,"path":"despike.field","message":"a field name is needed"},{"stage":0,"path":"despike.window","message":"2 is not a whole number from 3 to 255"}]",
        "[{"stage":0,"path":"ema.time_constant","message":"0 is not a number > 0"}]",
        "[{"stage":0,"path":"rate.bits","message":"has a meaning for counters only"}]",
        "[{"stage":0,"path":"savgol.order","message":"must be below the window of 3 values"}]",
        "[{"stage":0,"path":"savgol.derivative","message":"a polynomial of order 1 has no such derivative"}]",
        "[{"stage":0,"path":"kalman.process_noise","message":"0 is not a number > 0"},{"stage":0,"path":"kalman.velocity_as","message":"needs \`model: velocity\`"}]",
        "[{"stage":0,"path":"kalman.velocity_as","message":"takes the value already"}]",
      ]
    `);
});

function messageOf(build: () => unknown): string {
  try {
    build();
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}
