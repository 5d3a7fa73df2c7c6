import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';
import { batchOf, later, now, pipelineOf, plainOf } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs, signal } from './signal-arbitraries.ts';

type Point = { at: number; values: { a: number } };

const windows = fc.constantFrom(3, 5, 9);

function valuesOf(stage: StageConfig, points: readonly Point[]): number[] {
  const pipeline = pipelineOf(stage);
  const outputs = [pipeline.process(batchOf(points), now), pipeline.tick(later(4_000_000))];
  const out = outputs.flatMap((output) => output.outputs.flatMap(({ batch }) => plainOf(batch)));
  expect(out.map(({ at }) => at)).toEqual(points.map(({ at }) => at));
  return out.map(({ values }) => values['a'] as number);
}

const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  const [low, high] = [sorted[middle - 1]!, sorted[middle]!];
  return low === high ? low : low / 2 + high / 2;
};

test('centred despike does what its twin does, which sorts the values around each', () => {
  fc.assert(
    fc.property(windows, signal, (window, points) => {
      const values = points.map((point) => point.values.a);
      const half = (window - 1) / 2;
      const twin = values.map((value, i) => {
        const around = values.slice(Math.max(0, i - half), i + half + 1);
        if (around.length < 3) return value;
        const median = medianOf(around);
        const spread = medianOf(around.map((one) => Math.abs(one - median)));
        const distance = Math.abs(value - median);
        return distance > 0 && distance > 2 * 1.482602218505602 * spread ? median : value;
      });

      expect(valuesOf({ despike: { field: 'a', window, sigmas: 2, mode: 'centred' } }, points)).toEqual(twin);
    }),
    runs,
  );
});

test('centred savgol turns with the signal: turned round in time, it gives the same values turned round', () => {
  fc.assert(
    fc.property(windows, signal, (window, some) => {
      const points = some.filter(({ at }, i) => i === 0 || at > some[i - 1]!.at);
      const end = points.at(-1)!.at + points[0]!.at;
      const turned = points
        .toReversed()
        .map(({ at, values }) => ({ at: Math.round((end - at) * 1000) / 1000, values }));
      const stage: StageConfig = { savgol: { field: 'a', window, order: 1, mode: 'centred' } };

      const there = valuesOf(stage, points);
      const back = valuesOf(stage, turned).toReversed();

      const scale = Math.max(1, ...points.map(({ values }) => Math.abs(values.a)));
      for (const [i, value] of there.entries())
        expect(Math.abs(value - back[i]!) / scale).toBeLessThanOrEqual(1e-6);
    }),
    runs,
  );
});
