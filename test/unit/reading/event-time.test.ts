import { describe, expect, it } from 'vitest';
import { formatTime, readTime, type EventTime, type TimeUnit } from '#agent/reading/event-time.ts';
import type { Scalar } from '#agent/reading/batch.ts';

function read(value: Scalar, unit: TimeUnit = 'auto'): EventTime | string {
  const out = { micros: -1, nanos: -1 };
  return readTime(value, unit, out) ?? out;
}

describe('readTime, RFC 3339', () => {
  // The examples of RFC 3339 §5.8, with what `date -u -d … +%s` says.
  it.each([
    ['1985-04-12T23:20:50.52Z', 482_196_050_520_000],
    ['1996-12-19T16:39:57-08:00', 851_042_397_000_000],
    ['1990-12-31T23:59:60Z', 662_688_000_000_000],
    ['1990-12-31T15:59:60-08:00', 662_688_000_000_000],
    ['1937-01-01T12:00:27.87+00:20', -1_041_337_172_130_000],
  ])('reads %s', (text, micros) => {
    expect(read(text)).toEqual({ micros, nanos: 0 });
  });

  it('keeps nine digits of a fraction and cuts the rest', () => {
    expect(read('1970-01-01T00:00:00.1234567899Z')).toEqual({ micros: 123_456, nanos: 789 });
  });

  it('takes a lower case t and z, and a space', () => {
    expect(read('1970-01-01t00:00:01z')).toEqual({ micros: 1e6, nanos: 0 });
    expect(read('1970-01-01 00:00:01Z')).toEqual({ micros: 1e6, nanos: 0 });
  });

  it.each([
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-06-15T23:59:60Z',
    '2026-06-30T12:59:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00.Z',
    '2026-01-01',
    '1600-01-01T00:00:00Z',
    '9999-01-01T00:00:00Z',
  ])('refuses %s', (text) => {
    expect(read(text)).toBeTypeOf('string');
  });
});

describe('readTime, numbers', () => {
  it('is exact for nanoseconds given as bigint, text and safe integer', () => {
    const time = { micros: 1_763_712_000_123_456, nanos: 789 };
    expect(read(1_763_712_000_123_456_789n, 'ns')).toEqual(time);
    expect(read('1763712000123456789', 'ns')).toEqual(time);
    expect(read('1763712000.123456789', 's')).toEqual(time);
    expect(read(1_234_567, 'ns')).toEqual({ micros: 1234, nanos: 567 });
  });

  it('rounds a fractional double to the microsecond', () => {
    expect(read(1_763_712_000.123456, 's')).toEqual({ micros: 1_763_712_000_123_456, nanos: 0 });
    expect(read(1_763_712_000_123.456, 'ms')).toEqual({ micros: 1_763_712_000_123_456, nanos: 0 });
    expect(read(1_763_712_000_123_456.5, 'us')).toEqual({ micros: 1_763_712_000_123_456, nanos: 500 });
  });

  it('counts nanoseconds upwards also before 1970', () => {
    expect(read(-1, 'ns')).toEqual({ micros: -1, nanos: 999 });
    expect(read(-1n, 'ns')).toEqual({ micros: -1, nanos: 999 });
    expect(read('-0.000000001', 's')).toEqual({ micros: -1, nanos: 999 });
    expect(read(-0.5, 's')).toEqual({ micros: -500_000, nanos: 0 });
    expect(read('-0', 'ms')).toEqual({ micros: 0, nanos: 0 });
  });

  it.each([1_763_712_000, 1_763_712_000_000, 1_763_712_000_000_000, 1_763_712_000_000_000_000n])(
    'tells the unit of %s from its size',
    (value) => {
      expect(read(value)).toEqual({ micros: 1_763_712_000_000_000, nanos: 0 });
    },
  );

  it.each([
    [123_456, 'auto'],
    [Number.NaN, 'ms'],
    [Infinity, 's'],
    [9_007_199_255, 's'],
    [2n ** 63n, 'us'],
    [1_763_712_000, 'rfc3339'],
    ['', 'ms'],
    ['12 ms', 'ms'],
    ['1e9', 's'],
    [true, 's'],
    [new Uint8Array(8), 'ns'],
    ['9'.repeat(100), 'ns'],
  ] as [Scalar, TimeUnit][])('refuses %s as %s', (value, unit) => {
    expect(read(value, unit)).toBeTypeOf('string');
  });

  it('reaches to the ends of its range and no further', () => {
    expect(read(BigInt(Number.MAX_SAFE_INTEGER), 'us')).toEqual({
      micros: Number.MAX_SAFE_INTEGER,
      nanos: 0,
    });
    expect(read(BigInt(Number.MAX_SAFE_INTEGER) + 1n, 'us')).toBeTypeOf('string');
  });
});

describe('formatTime', () => {
  it('writes the fewest of 3, 6 or 9 digits', () => {
    expect(formatTime(1_795_248_000_123_000)).toBe('2026-11-21T08:00:00.123Z');
    expect(formatTime(1_795_248_000_123_456)).toBe('2026-11-21T08:00:00.123456Z');
    expect(formatTime(1_795_248_000_123_456, 7)).toBe('2026-11-21T08:00:00.123456007Z');
    expect(formatTime(-1)).toBe('1969-12-31T23:59:59.999999Z');
  });
});
