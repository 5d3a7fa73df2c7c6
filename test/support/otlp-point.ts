import { expect } from 'vitest';

/** A data point of an exponential histogram as scripts/golden/read_envelopes.py tells it. */
export interface OtlpPoint {
  readonly attributes: Readonly<Record<string, string>>;
  readonly startNanos: string;
  readonly timeNanos: string;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly zeros: number;
  /** Of all buckets together. */
  readonly counted: number;
  /** Magnitudes in (low, high], and how many values have them. */
  readonly positive: readonly [number, number, number][];
  readonly negative: readonly [number, number, number][];
  readonly isDelta?: boolean;
}

/** Each bucket has as many values as lie between its ends. */
export function expectBuckets({ positive, negative }: OtlpPoint, values: readonly number[]): void {
  const inside = (low: number, high: number, sign: number): number =>
    values.filter((value) => value * sign > low && value * sign <= high).length;
  expect(positive.map(([low, high]) => inside(low, high, 1))).toEqual(positive.map(([, , count]) => count));
  expect(negative.map(([low, high]) => inside(low, high, -1))).toEqual(negative.map(([, , count]) => count));
}
