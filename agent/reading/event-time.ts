import { timeMicrosLimit } from '../base/units.ts';
import type { Scalar } from './batch.ts';
import { timeTextLengthLimit } from './limits.ts';

/**
 * `auto` tells the unit of a number from its size: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds,
 * else nanoseconds; a number below 1e9 (before 2001, more likely an uptime) is refused. Text in RFC 3339 is taken with any unit.
 */
export const timeUnits = ['auto', 's', 'ms', 'us', 'ns', 'rfc3339'] as const;
export type TimeUnit = (typeof timeUnits)[number];

/** A point in time: `micros` an integer with |micros| <= 2^53 - 1, `nanos` 0 … 999 beyond it. */
export interface EventTime {
  micros: number;
  nanos: number;
}

/** Decimal digits from the unit down to the nanosecond. */
const unitDigits = { s: 9, ms: 6, us: 3, ns: 0 } as const;
type NumericUnit = keyof typeof unitDigits;

/**
 * Reads a time into `out`; null when it was read, else what is wrong. Integers (number, bigint, text) are exact; decimal
 * text is exact to the nanosecond and cut there. A fractional double in s or ms is rounded to the microsecond: at present
 * times a double resolves 0.24 µs, so further digits would be noise.
 */
export function readTime(value: Scalar, unit: TimeUnit, out: EventTime): string | null {
  if (typeof value === 'number') return readNumber(value, unit, out);
  if (typeof value === 'bigint') return readBigint(value, unit, out);
  if (typeof value === 'string') return readText(value, unit, out);
  return 'a time is a number or a text';
}

function readNumber(value: number, unit: TimeUnit, out: EventTime): string | null {
  const numeric = unitOf(value, unit);
  if (numeric === null) return noUnit(value, unit);
  if (!Number.isFinite(value)) return `${value} is no time`;
  switch (numeric) {
    case 's': {
      const whole = Math.floor(value);
      return settle(whole * 1e6 + Math.round((value - whole) * 1e6), 0, out);
    }
    case 'ms': {
      const whole = Math.floor(value);
      return settle(whole * 1e3 + Math.round((value - whole) * 1e3), 0, out);
    }
    case 'us': {
      const whole = Math.floor(value);
      const nanos = Math.round((value - whole) * 1e3);
      return nanos === 1000 ? settle(whole + 1, 0, out) : settle(whole, nanos, out);
    }
    case 'ns':
      if (!Number.isSafeInteger(value)) return readNanos(BigInt(Math.round(value)), out);
      return settle(Math.floor(value / 1e3), value - Math.floor(value / 1e3) * 1e3, out);
  }
}

function readBigint(value: bigint, unit: TimeUnit, out: EventTime): string | null {
  const numeric = unitOf(Number(value), unit);
  if (numeric === null) return noUnit(value, unit);
  return readNanos(value * 10n ** BigInt(unitDigits[numeric]), out);
}

function readText(text: string, unit: TimeUnit, out: EventTime): string | null {
  if (text.length > timeTextLengthLimit) return `a text of ${text.length} characters is no time`;
  if (isDateShaped(text)) return readRfc3339(text, out);
  const match = decimal.exec(text.trim());
  if (match === null) return `${JSON.stringify(text)} is no time`;
  const numeric = unitOf(Number(text), unit);
  if (numeric === null) return noUnit(text, unit);
  const digits = unitDigits[numeric];
  const fraction = (match[3] ?? '').slice(0, digits).padEnd(digits, '0');
  const magnitude = BigInt(match[2]! + fraction);
  return readNanos(match[1] === '-' ? -magnitude : magnitude, out);
}

const decimal = /^([+-]?)(\d+)(?:\.(\d+))?$/;

function unitOf(value: number, unit: TimeUnit): NumericUnit | null {
  if (unit !== 'auto') return unit === 'rfc3339' ? null : unit;
  if (value < 1e9) return null;
  if (value < 1e11) return 's';
  if (value < 1e14) return 'ms';
  return value < 1e17 ? 'us' : 'ns';
}

function noUnit(value: Scalar, unit: TimeUnit): string {
  return unit === 'rfc3339'
    ? `${String(value)} is not RFC 3339; set time_unit to s, ms, us or ns`
    : `${String(value)} is no time since 1970 that tells its unit; set time_unit`;
}

function readNanos(total: bigint, out: EventTime): string | null {
  let nanos = total % 1000n;
  if (nanos < 0n) nanos += 1000n;
  return settle(Number((total - nanos) / 1000n), Number(nanos), out);
}

function settle(micros: number, nanos: number, out: EventTime): string | null {
  if (!(Math.abs(micros) <= timeMicrosLimit)) return 'the time is out of range (years 1684 to 2255)';
  // Adding 0 turns -0 into 0.
  out.micros = micros + 0;
  out.nanos = nanos + 0;
  return null;
}

function isDateShaped(text: string): boolean {
  return text.length > 10 && text.charCodeAt(4) === 45 && text.charCodeAt(7) === 45;
}

/**
 * RFC 3339 §5.6: `T`, `t` or a space between date and time, `Z`, `z` or an offset behind it. Digits beyond the ninth of a fraction
 * are cut. Second 60 is taken where a leap second may be, in the last UTC minute of a month, and reads as the second after
 * it, as POSIX time has no place for it.
 */
function readRfc3339(text: string, out: EventTime): string | null {
  const match = rfc3339.exec(text);
  if (match === null) return `${JSON.stringify(text)} is not RFC 3339 (2026-11-21T08:00:00.123Z)`;
  const field = (i: number): number => Number(match[i]);
  const [year, month, day] = [field(1), field(2), field(3)];
  const [hour, minute, second] = [field(4), field(5), field(6)];
  const offsetMinutes = field(10) * 60 + field(11);
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonth(year, month)) return `${text} is no date`;
  if (hour > 23 || minute > 59 || second > 60) return `${text} is no time of day`;
  const offset = match[9] === undefined ? 0 : offsetMinutes * (match[9] === '-' ? -60 : 60);
  if (match[9] !== undefined && (field(10) > 23 || field(11) > 59)) return `${text} has no valid offset`;
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  if (second === 60 && !startsMonth(seconds)) return `${text} has a leap second where there can be none`;
  const fraction = (match[7] ?? '').slice(0, 9).padEnd(9, '0');
  return settle(seconds * 1e6 + Number(fraction.slice(0, 6)), Number(fraction.slice(6)), out);
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;

function startsMonth(seconds: number): boolean {
  return seconds % 86_400 === 0 && civilFromDays(seconds / 86_400).day === 1;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, chrono-compatible date algorithms). */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return {
    year: yoe + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: doy - Math.floor((153 * mp + 2) / 5) + 1,
  };
}

/** RFC 3339 in UTC with 3, 6 or 9 digits of fraction, the fewest that hold the time. */
export function formatTime(micros: number, nanos = 0): string {
  return new TimeFormatter().format(micros, nanos);
}

/** {@link formatTime} for many times: remembers the last second it wrote. */
export class TimeFormatter {
  #second = Number.NaN;
  #prefix = '';

  format(micros: number, nanos: number): string {
    const second = Math.floor(micros / 1e6);
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = secondText(second);
    }
    const fraction = micros - second * 1e6;
    if (nanos !== 0) return `${this.#prefix}.${digits(fraction, 6)}${digits(nanos, 3)}Z`;
    const ms = Math.floor(fraction / 1e3);
    if (ms * 1e3 === fraction) return `${this.#prefix}.${digits(ms, 3)}Z`;
    return `${this.#prefix}.${digits(fraction, 6)}Z`;
  }
}

function secondText(second: number): string {
  const days = Math.floor(second / 86_400);
  const ofDay = second - days * 86_400;
  const { year, month, day } = civilFromDays(days);
  const hour = Math.floor(ofDay / 3600);
  const minute = Math.floor(ofDay / 60) % 60;
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}T${digits(hour, 2)}:${digits(minute, 2)}:${digits(ofDay % 60, 2)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
