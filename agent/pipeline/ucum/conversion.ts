import type { Result } from '../../base/result.ts';
import { parseUnit } from './parse-unit.ts';
import type { Unit } from './parse-unit.ts';
import type { Rational } from './rational.ts';
import { minus, numberOf, over, rational, times } from './rational.ts';

export interface ConversionOptions {
  /** UCUM codes. */
  readonly from: string;
  readonly to: string;
  /** The values are differences: the zero of a temperature scale does not count. */
  readonly isDifference: boolean;
}

/**
 * The function from a value in one unit to the value in the other, or why there is none. Lines between units whose ratio is a short
 * fraction are computed as (x × a + b) / c with whole a, b and c, which is the double nearest to the true value but for the rounding of
 * x × a + b; others as x × ratio.
 */
export function conversion(options: ConversionOptions): Result<(value: number) => number, string> {
  const from = parseUnit(options.from);
  if (!from.ok) return from;
  const to = parseUnit(options.to);
  if (!to.ok) return to;
  const [a, b] = [from.value, to.value];
  if (a.dimension.some((exponent, i) => exponent !== b.dimension[i]))
    return { ok: false, error: `${a.code} and ${b.code} are units of different quantities` };
  const ratio = over(a.factor, b.factor);
  const pi = a.pi - b.pi;
  if (pi !== 0) {
    const factor = numberOf(ratio) * Math.PI ** pi;
    return { ok: true, value: (value) => value * factor };
  }
  const shift = options.isDifference ? rational(0n) : over(minus(zeroOf(a), zeroOf(b)), b.factor);
  return { ok: true, value: line(ratio, shift) };
}

const zeroOf = (unit: Unit): Rational => unit.zero ?? rational(0n);

function line(ratio: Rational, shift: Rational): (value: number) => number {
  const divisor = ratio.denominator * shift.denominator;
  const common = rational(divisor);
  const scale = wholeOf(times(ratio, common));
  const offset = wholeOf(times(shift, common));
  const plainScale = numberOf(ratio);
  const plainOffset = numberOf(shift);
  const plain = (value: number): number => value * plainScale + plainOffset;
  const c = Number(divisor);
  if (scale === null || offset === null || divisor > exactMax) return plain;
  return (value) => {
    const result = (value * scale + offset) / c;
    return Number.isFinite(result) ? result : plain(value);
  };
}

/** Factors up to this leave a double room for values of some six digits without rounding. */
const exactMax = 2n ** 40n;

function wholeOf({ numerator, denominator }: Rational): number | null {
  const size = numerator < 0n ? -numerator : numerator;
  return denominator === 1n && size <= exactMax ? Number(numerator) : null;
}
