import { describe, expect, test } from 'vitest';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import type { Pipeline } from '#agent/pipeline/pipeline.ts';
import type { Plain } from '../pipeline-fixture.ts';
import { batchOf, later, now, pipelineOf, plainOf, run, seconds } from '../pipeline-fixture.ts';
import { goldenSignals } from './golden-signals.ts';

/** Everything that comes out, what waits at the end by a silence told by the clock. */
function allOf(stage: StageConfig, input: readonly Plain[]): { out: Plain[]; pipeline: Pipeline } {
  const pipeline = pipelineOf(stage);
  const outputs = [pipeline.process(batchOf(input), now), pipeline.tick(later(4_000_000))];
  const out = outputs.flatMap((output) => output.outputs.flatMap(({ batch }) => plainOf(batch)));
  return { out, pipeline };
}

const valuesOf = (out: readonly Plain[], field: string): unknown[] => out.map(({ values }) => values[field]);
const timesOf = (out: readonly Plain[]): number[] => out.map(({ at }) => at);

describe('savgol, centred', () => {
  const stage: StageConfig = {
    savgol: { field: 'v', window: 5, order: 2, mode: 'centred', max_gap: 10_000 },
  };

  test('gives what scipy gives, edges interpolated', () => {
    for (const { window, order, derivative, delta, input, centred } of goldenSignals<{
      window: number;
      order: number;
      derivative: 0 | 1 | 2;
      delta: number;
      input: number[];
      centred: number[];
    }>('savgol')) {
      const config = { field: 'v', window, order, derivative, mode: 'centred' as const };
      const { out } = allOf(
        { savgol: config },
        input.map((v, i) => ({ at: i * delta, values: { v } })),
      );

      expect(timesOf(out)).toEqual(input.map((_, i) => i * delta));
      for (const [i, value] of valuesOf(out, 'v').entries()) expect(value).toBeCloseTo(centred[i]!, 10);
    }
  });

  test('gives polynomials of its order out as they are, at uneven times and in a short run', () => {
    const at = [0, 0.3, 1, 1.05, 2, 4, 4.5, 6];
    const input = at.map((t) => ({ at: t, values: { v: 2 - 3 * t + 0.5 * t * t } }));

    for (const some of [input, input.slice(0, 3)]) {
      const { out } = allOf(stage, some);
      expect(timesOf(out)).toEqual(timesOf(some));
      for (const [i, value] of valuesOf(out, 'v').entries()) expect(value).toBeCloseTo(some[i]!.values.v, 9);
    }
  });

  test('holds a reading back whole until half a window has followed, and counts it as filtered meanwhile', () => {
    const pipeline = pipelineOf(stage);
    const input = [0, 1, 2, 3, 4, 5].map((at) => ({ at, values: { v: at, s: `s${at}` } }));
    const first = pipeline.process(batchOf(input.slice(0, 4)), now);
    const second = pipeline.process(batchOf(input.slice(4)), now);

    expect(first).toMatchObject({ outputs: [], filtered: [{ rule: '0:savgol', count: 4 }] });
    expect(second).toMatchObject({ filtered: [], derived: 2 });
    expect(plainOf(second.outputs[0]!.batch).map(({ at, values }) => [at, values['s']])).toEqual(
      [0, 1, 2, 3].map((at) => [at, `s${at}`]),
    );
    expect(plainOf(pipeline.tick(later(10_000)).outputs[0]!.batch).map(({ at }) => at)).toEqual([4, 5]);
  });

  test('a gap ends a run: nothing across it is fitted', () => {
    const flat = (from: number, v: number): Plain[] =>
      [0, 1, 2, 3, 4, 5, 6].map((i) => ({ at: from + i, values: { v } }));

    const { out } = allOf(stage, [...flat(0, 1), ...flat(100, 9)]);

    expect(valuesOf(out, 'v').map((v) => Math.round(Number(v) * 1e9) / 1e9)).toEqual([
      ...Array.from({ length: 7 }, () => 1),
      ...Array.from({ length: 7 }, () => 9),
    ]);
  });

  test('what does not enter passes at once, and a derivative of one reading is none', () => {
    const derived = { field: 'v', as: 'slope', window: 5, order: 2, derivative: 1, mode: 'centred' } as const;
    const input: Plain[] = [
      { at: 0, values: { v: 1 } },
      { at: 1, values: { w: 1 } },
      { at: 2, values: { v: 500 }, quality: 2 },
    ];

    const { out, filtered } = run([{ savgol: derived }], input);
    const alone = allOf({ savgol: { ...derived, as: undefined } }, input.slice(0, 1));

    expect(timesOf(out)).toEqual([1, 2]);
    expect(filtered).toEqual({ '0:savgol': 1 });
    expect(alone.out).toEqual([]);
  });
});

describe('despike, centred', () => {
  const stage: StageConfig = { despike: { field: 'v', window: 5, mode: 'centred' } };

  test('takes a spike out and leaves a step alone, which a window that looks back does not', () => {
    const input = seconds('v', [1, 1.1, 1, 90, 1.1, 1, 5, 5.1, 5, 5.1, 5]);

    const { out } = allOf(stage, input);
    const causal = run([{ despike: { field: 'v', window: 5 } }], input).out;

    expect(valuesOf(out, 'v')).toEqual([1, 1.1, 1, 1.1, 1.1, 1, 5, 5.1, 5, 5.1, 5]);
    expect(out.map(({ quality }) => quality)).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(causal[6]!.values['v']).not.toBe(5);
  });

  test('drops or marks a spike that was held back', () => {
    const input = seconds('v', [1, 1.1, 1, 90, 1.1, 1]);
    const config = { field: 'v', window: 5, mode: 'centred' } as const;

    const dropped = allOf({ despike: { ...config, action: 'drop' } }, input).out;
    const marked = allOf({ despike: { ...config, action: 'mark' } }, input).out;

    expect(timesOf(dropped)).toEqual([0, 1, 2, 4, 5]);
    expect(marked.map(({ values, quality }) => [values['v'], quality])[3]).toEqual([90, 2]);
  });
});

test('a centred window that has no middle is refused', () => {
  const message = (stage: StageConfig): string => {
    try {
      pipelineOf(stage);
      return '';
    } catch (error) {
      return String(error);
    }
  };

  expect(message({ savgol: { field: 'v', window: 4, mode: 'centred' } })).toContain(
    '4 values have no middle',
  );
  expect(message({ despike: { field: 'v', max_hold: 1000 } })).toContain('has a meaning with');
});
