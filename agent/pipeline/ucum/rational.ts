import { assert } from '../../base/assert.ts';

/** An exact fraction; `denominator` > 0, in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export function rational(numerator: bigint, denominator = 1n): Rational {
  assert(denominator !== 0n, 'no fraction over 0');
  const sign = denominator < 0n ? -1n : 1n;
  const divisor = sign * gcd(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** `12`, `0.3048`, `1.602e-19`, `5/9`. */
export function rationalOf(text: string): Rational {
  const [numerator = '', denominator] = text.split('/');
  return denominator === undefined
    ? decimalOf(numerator)
    : over(decimalOf(numerator), decimalOf(denominator));
}

function decimalOf(decimal: string): Rational {
  const match = /^(\d+)(?:\.(\d+))?(?:e(-?\d+))?$/.exec(decimal);
  assert(match !== null, `${decimal} is a decimal number`);
  const fraction = match[2] ?? '';
  const exponent = Number(match[3] ?? 0) - fraction.length;
  const digits = BigInt(match[1]! + fraction);
  return exponent >= 0
    ? rational(digits * 10n ** BigInt(exponent))
    : rational(digits, 10n ** BigInt(-exponent));
}

export const times = (a: Rational, b: Rational): Rational =>
  rational(a.numerator * b.numerator, a.denominator * b.denominator);
export const over = (a: Rational, b: Rational): Rational =>
  rational(a.numerator * b.denominator, a.denominator * b.numerator);
export const minus = (a: Rational, b: Rational): Rational =>
  rational(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator);

export function power(base: Rational, exponent: number): Rational {
  const size = BigInt(Math.abs(exponent));
  const raised = rational(base.numerator ** size, base.denominator ** size);
  return exponent < 0 ? over(rational(1n), raised) : raised;
}

/** The nearest double, or one beside it. */
export function numberOf({ numerator, denominator }: Rational): number {
  // A quotient of some 80 bits, so that neither part need fit a double.
  const shift = 80 - (bits(numerator) - bits(denominator));
  const quotient =
    shift >= 0 ? (numerator << BigInt(shift)) / denominator : numerator / (denominator << BigInt(-shift));
  return Number(quotient) * 2 ** -shift;
}

const bits = (value: bigint): number => (value < 0n ? -value : value).toString(2).length;

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x === 0n ? 1n : x;
}
