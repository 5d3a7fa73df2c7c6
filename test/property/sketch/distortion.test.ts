import { expect, it } from 'vitest';
import { RandomProjection, type ProjectionMethod } from '#agent/sketch/random-projection.ts';
import { golden, goldenValues } from '#test/unit/sketch/golden.ts';

interface DistortionCase {
  readonly method: ProjectionMethod;
  readonly d: number;
  readonly k: number;
  readonly points: number;
  readonly seeds: number;
  readonly density: number;
  /** Of the relative errors of scikit-learn's squared distances. */
  readonly rms: number;
}

const squaredDistance = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);

/** Root of the mean square of the relative errors of squared distances, over pairs of points and over seeds. */
function rmsOf({ method, d, k, points }: DistortionCase, seeds: number): number {
  const values = Float64Array.from(goldenValues(points * d));
  const rows = Array.from({ length: points }, (_, i) => values.subarray(i * d, (i + 1) * d));
  let sum = 0;
  let pairs = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const projection = new RandomProjection({ method, d, k, seed: BigInt(seed) });
    const images = rows.map((row) => projection.project(row));
    for (let i = 0; i < points; i++) {
      for (let j = i + 1; j < points; j++) {
        sum += (squaredDistance(images[i]!, images[j]!) / squaredDistance(rows[i]!, rows[j]!) - 1) ** 2;
        pairs++;
      }
    }
  }
  return Math.sqrt(sum / pairs);
}

for (const given of golden<DistortionCase>('distortion')) {
  const { method, d, k, rms, density } = given;
  it(`a ${method} projection from ${d} to ${k} errs in squared distances as scikit-learn's does, and as it says itself`, () => {
    const stated = new RandomProjection({ method, d, k, seed: 0n });

    const ours = rmsOf(given, 40);

    expect(stated.density).toBeCloseTo(density, 12);
    // Distances of twelve points err together: forty seeds tell the figure to some 6 %.
    expect(Math.abs(ours / rms - 1)).toBeLessThan(0.1);
    expect(Math.abs(ours / stated.distortion - 1)).toBeLessThan(0.1);
  });
}
