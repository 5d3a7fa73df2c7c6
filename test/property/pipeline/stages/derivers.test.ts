import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fourier } from '#agent/pipeline/signal/fourier.ts';
import { VibrationAnalysis } from '#agent/pipeline/signal/vibration-figures.ts';
import { run } from '#test/unit/pipeline/pipeline-fixture.ts';
import { runs, signal } from './signal-arbitraries.ts';

test('a resampled series is what its twin reads off the raw one at every point of the grid', () => {
  const apart = signal.map((points) => points.filter(({ at }, i) => i === 0 || at > points[i - 1]!.at));
  fc.assert(
    fc.property(apart, fc.constantFrom('previous' as const, 'linear' as const), (points, method) => {
      const [every, maxGap] = [1.5, 4];
      const twin: [number, number][] = [];
      const end = points.at(-1)!.at;
      for (let n = Math.ceil(points[0]!.at / every - 1e-9); n * every <= end + 1e-9; n++) {
        const at = n * every;
        const next = points.findIndex((point) => point.at >= at - 1e-9);
        const right = points[next]!;
        if (Math.abs(right.at - at) < 1e-9) {
          twin.push([at, right.values.a]);
          continue;
        }
        const left = points[next - 1]!;
        const isGap = right.at - left.at > maxGap + 1e-9;
        const share = (at - left.at) / (right.at - left.at);
        if (method === 'previous' && at - left.at <= maxGap + 1e-9) twin.push([at, left.values.a]);
        else if (method === 'linear' && !isGap)
          twin.push([at, left.values.a + share * (right.values.a - left.values.a)]);
      }
      const { out } = run([{ resample: { every: every * 1000, max_gap: maxGap * 1000, method } }], points);
      expect(out.map(({ at }) => at)).toEqual(twin.map(([at]) => at));
      for (const [i, [, value]] of twin.entries()) expect(out[i]!.values['a']).toBeCloseTo(value, 9);
    }),
    runs,
  );
});

const block = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 32, maxLength: 32 });

test('a transform has the squares of the slow sum over all samples', () => {
  fc.assert(
    fc.property(block, (samples) => {
      const squares = new Float64Array(17);
      new Fourier(32).squares(Float64Array.from(samples), squares);
      for (let bin = 0; bin <= 16; bin++) {
        let [re, im] = [0, 0];
        for (const [i, x] of samples.entries()) {
          re += x * Math.cos((2 * Math.PI * bin * i) / 32);
          im -= x * Math.sin((2 * Math.PI * bin * i) / 32);
        }
        expect(Math.abs(squares[bin]! - (re * re + im * im))).toBeLessThanOrEqual(1e-6);
      }
    }),
    runs,
  );
});

test('a sine of amplitude A on a bin has power A²/2, all of it near its frequency', () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 60 }), fc.integer({ min: 1, max: 50 }), (bin, amplitude) => {
      const hz = bin * 10;
      const samples = Float64Array.from(
        { length: 128 },
        (_, i) => amplitude * Math.sin((2 * Math.PI * bin * i) / 128),
      );
      const bands = [
        { low: hz - 15, high: hz + 15 },
        { low: 0, high: 640 },
      ];
      const { powers, peakHz, rms } = new VibrationAnalysis({ size: 128, sampleRate: 1280, bands }).figures(
        samples,
      );
      expect(powers[0]).toBeCloseTo(amplitude ** 2 / 2, 6);
      expect(powers[1]).toBeCloseTo(amplitude ** 2 / 2, 6);
      expect(rms ** 2).toBeCloseTo(amplitude ** 2 / 2, 6);
      expect(peakHz).toBe(hz);
    }),
    runs,
  );
});
