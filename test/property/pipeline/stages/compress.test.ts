import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CompressConfig } from '#agent/pipeline/stages/compress.ts';
import { batchOf, later, pipelineOf, plainOf } from '#test/unit/pipeline/pipeline-fixture.ts';
import type { Plain } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs, signal } from './signal-arbitraries.ts';

type Point = { at: number; values: { a: number } };

const options = fc.record({
  deviation: fc.constantFrom(0, 0.5, 2),
  max_interval: fc.constantFrom(undefined, 6000),
  exception: fc.constantFrom(undefined, { deviation: 0.5 }, { deviation: 1, max_interval: 4000 }),
});

/** Points after which the clock on the wall ran on while the series was silent. */
const silences = fc.array(fc.nat(40), { maxLength: 3 });

/** What is given out for points in time order; a last bad reading drives out what is held. */
function compressed(
  config: Omit<CompressConfig, 'field'>,
  points: readonly Point[],
  silentAfter: readonly number[],
): Plain[] {
  const end: Plain = { at: points.at(-1)!.at + 1, values: { a: 0 }, quality: 2 };
  const pipeline = pipelineOf({ compress: { field: 'a', summary: true, ...config } });
  const out: Plain[] = [];
  for (const [i, reading] of [...points, end].entries()) {
    const silentMs = silentAfter.filter((at) => at < i).length * 4_000_000;
    const outputs = [pipeline.process(batchOf([reading]), later(silentMs))];
    if (silentAfter.includes(i)) outputs.push(pipeline.tick(later(silentMs + 4_000_000)));
    for (const { batch } of outputs.flatMap((output) => output.outputs)) out.push(...plainOf(batch));
  }
  return out.slice(0, -1);
}

/** Strictly ascending times: readings at one time stand for themselves. */
const apart = signal.map((points) => points.filter(({ at }, i) => i === 0 || at > points[i - 1]!.at));

const lineAt = (line: readonly Plain[], at: number): number => {
  const after = line.findIndex((point) => point.at >= at);
  const right = line[after]!;
  if (right.at === at) return right.values['a'] as number;
  const left = line[after - 1]!;
  const share = (at - left.at) / (right.at - left.at);
  return (left.values['a'] as number) * (1 - share) + (right.values['a'] as number) * share;
};

test('a line through what comes out is within the deviation at every raw point', () => {
  fc.assert(
    fc.property(options, apart, silences, (config, points, silentAfter) => {
      const line = compressed(config, points, silentAfter);
      expect(line[0]!.at).toBe(points[0]!.at);
      expect(line.at(-1)!.at).toBe(points.at(-1)!.at);
      const bound = config.deviation + 2 * (config.exception?.deviation ?? 0) + 1e-9;
      for (const { at, values } of points)
        expect(Math.abs(lineAt(line, at) - values.a)).toBeLessThanOrEqual(bound);
    }),
    { numRuns: runs.numRuns * 2 },
  );
});

test('every reading that comes out is a raw one, and carries the sums of all since the one before', () => {
  fc.assert(
    fc.property(options, apart, silences, (config, points, silentAfter) => {
      let from = 0;
      for (const { at, values } of compressed(config, points, silentAfter)) {
        const to = points.findIndex((point) => point.at === at) + 1;
        const raw = points.slice(from, to).map((point) => point.values.a);
        let integral = 0;
        for (let i = Math.max(1, from); i < to; i++)
          integral +=
            ((points[i]!.values.a + points[i - 1]!.values.a) / 2) * (points[i]!.at - points[i - 1]!.at);
        expect(values['a']).toBe(points[to - 1]!.values.a);
        expect(values['a.count']).toBe(raw.length);
        expect(values['a.sum']).toBeCloseTo(
          raw.reduce((sum, one) => sum + one, 0),
          9,
        );
        expect(values['a.min']).toBe(Math.min(...raw));
        expect(values['a.max']).toBe(Math.max(...raw));
        expect(values['a.integral']).toBeCloseTo(integral, 6);
        from = to;
      }
      expect(from).toBe(points.length);
    }),
    runs,
  );
});

test('a door keeps what its twin keeps, which looks at every point of the segment again', () => {
  fc.assert(
    fc.property(fc.constantFrom(0.3, 1.1), apart, (deviation, points) => {
      const kept = [points[0]!];
      let origin = 0;
      for (let next = 2; next < points.length; next++) {
        const line = [points[origin]!, points[next]!];
        const fits = points
          .slice(origin + 1, next)
          .every(({ at, values }) => Math.abs(lineAt(line, at) - values.a) <= deviation + 1e-12);
        if (fits) continue;
        origin = next - 1;
        kept.push(points[origin]!);
      }
      if (points.length > 1) kept.push(points.at(-1)!);
      expect(compressed({ deviation, summary: false }, points, []).map(({ at }) => at)).toEqual(
        kept.map(({ at }) => at),
      );
    }),
    runs,
  );
});
