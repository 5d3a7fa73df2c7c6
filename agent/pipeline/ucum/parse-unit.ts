import type { Result } from '../../base/result.ts';
import { unitDepthMax, unitExponentMax, unitLengthMax } from '../limits.ts';
import type { Rational } from './rational.ts';
import { over, power, rational, rationalOf, times } from './rational.ts';
import type { UnitDefinition } from './units.ts';
import { baseUnits, binaryPrefixes, commonNames, decimalPrefixes, derivedUnits } from './units.ts';

/** A unit as so many of the base units. */
export interface Unit {
  readonly code: string;
  readonly factor: Rational;
  /** Exponent of π in the factor. */
  readonly pi: number;
  /** Exponents of {@link baseUnits}. */
  readonly dimension: readonly number[];
  /** Base units at 0; null: the scale begins at 0. Only a unit that stands alone has one. */
  readonly zero: Rational | null;
}

/** Parses a UCUM code (case-sensitive); the error is one line. */
export function parseUnit(code: string): Result<Unit, string> {
  const common = commonNames.get(code);
  if (common !== undefined) return { ok: false, error: `${code} is no UCUM code; write ${common}` };
  if (code === '' || code.length > unitLengthMax)
    return { ok: false, error: `a unit's code has 1 to ${unitLengthMax} characters` };
  try {
    const reader = new Reader(code);
    const unit = reader.term(0);
    if (!reader.isAtEnd) throw new UnitFault(`${reader.rest} was not expected in ${code}`);
    return { ok: true, value: { ...unit, code } };
  } catch (error) {
    if (error instanceof UnitFault) return { ok: false, error: error.message };
    throw error;
  }
}

/** Thrown and caught within this file. */
class UnitFault extends Error {}

type Value = Omit<Unit, 'code'>;

const one: Value = { factor: rational(1n), pi: 0, dimension: baseUnits.map(() => 0), zero: null };

/** UCUM §2: terms of components divided by `.` and `/`, from left to right; `/` alone begins with 1. */
class Reader {
  readonly #code: string;
  #at = 0;

  constructor(code: string) {
    this.#code = code;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#code.length;
  }

  get rest(): string {
    return this.#code.slice(this.#at);
  }

  term(depth: number): Value {
    if (depth > unitDepthMax) throw new UnitFault('the unit is nested too deep');
    let value = this.#accept('/') ? combined(one, this.#component(depth), -1) : this.#component(depth);
    for (;;) {
      if (this.#accept('.')) value = combined(value, this.#component(depth), 1);
      else if (this.#accept('/')) value = combined(value, this.#component(depth), -1);
      else return value;
    }
  }

  #component(depth: number): Value {
    if (this.#accept('(')) {
      const value = this.term(depth + 1);
      if (!this.#accept(')')) throw new UnitFault(`a ) is missing in ${this.#code}`);
      return value;
    }
    // {…} is a remark, and 1 where it stands alone.
    if (this.#take(/\{[^{}]*\}/y) !== null) return one;
    const ten = this.#take(/10[*^]/y);
    const symbol = ten === null ? this.#take(/(?:\[[^\][]*\]|[A-Za-z%'_])+/y) : null;
    const digits = ten === null && symbol === null ? this.#take(/\d+/y) : null;
    let value: Value;
    if (ten !== null) value = { ...one, factor: rational(10n) };
    else if (digits !== null) value = { ...one, factor: rational(BigInt(digits)) };
    else if (symbol !== null) value = unitOf(symbol);
    else throw new UnitFault(`a unit is missing in ${this.#code}`);
    const exponent = digits === null ? this.#take(/[+-]?\d+/y) : null;
    this.#take(/\{[^{}]*\}/y);
    return exponent === null ? value : raised(value, Number(exponent));
  }

  #accept(character: string): boolean {
    if (this.#code[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#code)?.[0] ?? null;
    if (text !== null) this.#at += text.length;
    return text;
  }
}

function unitOf(symbol: string): Value {
  const atom = atomOf(symbol);
  if (atom !== null) return atom.value;
  for (const [prefixes, base] of [
    [decimalPrefixes, 10n],
    [binaryPrefixes, 2n],
  ] as const) {
    for (const [prefix, exponent] of prefixes) {
      if (!symbol.startsWith(prefix)) continue;
      const rest = atomOf(symbol.slice(prefix.length));
      if (rest === null || !rest.isMetric) continue;
      return { ...rest.value, factor: times(rest.value.factor, power(rational(base), exponent)) };
    }
  }
  const common = commonNames.get(symbol);
  throw new UnitFault(
    `${symbol} is no UCUM unit${common === undefined ? ' known here' : `; write ${common}`}`,
  );
}

function atomOf(symbol: string): { value: Value; isMetric: boolean } | null {
  const base = (baseUnits as readonly string[]).indexOf(symbol);
  if (base >= 0) return { value: { ...one, dimension: one.dimension.with(base, 1) }, isMetric: true };
  if (symbol === '[pi]') return { value: { ...one, pi: 1 }, isMetric: false };
  if (!Object.hasOwn(derivedUnits, symbol)) return null;
  const definition: UnitDefinition = derivedUnits[symbol]!;
  const of = new Reader(definition.of).term(0);
  const zero = definition.zeroKelvin === undefined ? null : rationalOf(definition.zeroKelvin);
  const factor = times(of.factor, rationalOf(definition.value));
  const { isMetric, pi = 0 } = definition;
  return { value: { factor, pi: of.pi + pi, dimension: of.dimension, zero }, isMetric };
}

function combined(left: Value, right: Value, sign: 1 | -1): Value {
  linearOnly(left);
  linearOnly(right);
  return {
    factor: sign === 1 ? times(left.factor, right.factor) : over(left.factor, right.factor),
    pi: left.pi + sign * right.pi,
    dimension: left.dimension.map((exponent, i) => exponent + sign * right.dimension[i]!),
    zero: null,
  };
}

function raised(value: Value, exponent: number): Value {
  linearOnly(value);
  if (Math.abs(exponent) > unitExponentMax) throw new UnitFault(`the exponent ${exponent} is too large`);
  return {
    factor: power(value.factor, exponent),
    pi: value.pi * exponent,
    dimension: value.dimension.map((one_) => one_ * exponent),
    zero: null,
  };
}

/** UCUM §2.2.7: units with a zero of their own stand alone. */
function linearOnly({ zero }: Value): void {
  if (zero !== null)
    throw new UnitFault('a temperature scale stands alone; a difference in it is one of K, or of [degR]');
}
