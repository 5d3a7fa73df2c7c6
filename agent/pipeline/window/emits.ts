import type { ErrorBound } from '../../sketch/sketch.ts';
import type { Accumulator } from './accumulator.ts';

/** One figure of a window: its name behind the field's, and how it is had. NaN or infinite: not given out. */
export interface Emit {
  readonly name: string;
  readonly of: (sums: Accumulator) => number;
}

export const emitDefault: readonly string[] = ['count', 'mean', 'min', 'max'];

const plain: Readonly<Record<string, (sums: Accumulator) => number>> = {
  count: (sums) => sums.count + sums.texts,
  sum: (sums) => numbersOnly(sums, sums.sum),
  mean: (sums) => sums.sum / sums.count,
  min: (sums) => sums.min,
  max: (sums) => sums.max,
  first: (sums) => numbersOnly(sums, sums.first),
  last: (sums) => numbersOnly(sums, sums.last),
  range: (sums) => sums.max - sums.min,
  stddev: (sums) => Math.sqrt(sums.sketches.moments!.sampleVariance),
  distinct: (sums) => Math.round(sums.sketches.distinct!.estimate()),
};
const percentile = /^p(?<percent>\d{1,2}(?:\.\d{1,3})?)$/;

/** Names as a message lists them. */
export const emitNames = `${Object.keys(plain).join(', ')}, p50, p90, p99, p99.9`;

function numbersOnly(sums: Accumulator, value: number): number {
  return sums.count === 0 ? Number.NaN : value;
}

/** 0 … 1 for `p50`, `p99.9`; null for another name. */
function rankOf(name: string): number | null {
  const percent = Number(percentile.exec(name)?.groups?.['percent'] ?? 'NaN');
  return percent > 0 ? percent / 100 : null;
}

export function isEmit(name: string): boolean {
  return Object.hasOwn(plain, name) || rankOf(name) !== null;
}

/** Figures in the order asked for, then how far quantiles and distinct counts may be off. @throws nothing: names were checked. */
export function emitsOf(names: readonly string[]): readonly Emit[] {
  const emits = names.map((name): Emit => {
    const rank = rankOf(name);
    return rank === null
      ? { name, of: plain[name]! }
      : { name, of: (sums) => sums.sketches.quantiles!.quantile(rank) };
  });
  if (needsQuantiles(names))
    emits.push({ name: 'rank_error', of: (sums) => errorOf(sums.sketches.quantiles!.bound(), sums.count) });
  if (names.includes('distinct'))
    emits.push({ name: 'distinct_error', of: (sums) => errorOf(sums.sketches.distinct!.bound(), 1) });
  return emits;
}

export function needsQuantiles(names: readonly string[]): boolean {
  return names.some((name) => rankOf(name) !== null);
}

function errorOf(bound: ErrorBound, count: number): number {
  return count === 0 ? Number.NaN : bound.error;
}
