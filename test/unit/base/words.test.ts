import { describe, expect, it } from 'vitest';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatLatency,
  formatPercent,
  formatRate,
} from '#agent/base/words.ts';

describe('words', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [81_204, '81,204'],
    [1_234_567.4, '1,234,567'],
    [Number.NaN, '?'],
  ])('count %d as %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it.each([
    [-3, '0 s'],
    [40, '40 s'],
    [59.6, '1 min'],
    [12 * 60, '12 min'],
    [59.6 * 60, '1 h'],
    [3 * 3_600 + 5 * 60, '3 h 5 min'],
    [47 * 3_600 + 59.6 * 60, '2 days'],
    [9 * 86_400, '9 days'],
  ])('say %d seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([
    [0, '0 s'],
    [59.5, '1 min'],
    [75, '1 min'],
    [90, '2 min'],
    [5_399, '90 min'],
    [5_400, '2 h'],
    [9.2 * 86_400, '9 days'],
    [800 * 86_400, '2 years'],
    [1e12, 'more than a century'],
  ])('guess %d seconds as %s', (seconds, text) => {
    expect(formatEstimate(seconds)).toBe(text);
  });

  it.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [1_023, '1023 bytes'],
    [1_023.9 * 1_024, '1.0 MiB'],
    [1_536, '1.5 KiB'],
    [312 * 1_024 ** 2, '312 MiB'],
    [1.5 * 1_024 ** 3, '1.5 GiB'],
  ])('weigh %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0/s'],
    [0.05, '3/min'],
    [0.25, '0.25/s'],
    [9.96, '10/s'],
    [1_204.3, '1,204/s'],
  ])('rate %d as %s', (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  it.each([
    [0.000_25, '250 µs'],
    [0.002_1, '2.1 ms'],
    [0.015_2, '15 ms'],
    [1.23, '1.2 s'],
  ])('time %d seconds as %s', (seconds, text) => {
    expect(formatLatency(seconds)).toBe(text);
  });

  it('never round a share to nothing or to all', () => {
    expect([0, 0.2, 60.6, 99.7, 100].map(formatPercent)).toEqual([
      '0 %',
      'under 1 %',
      '61 %',
      '99 %',
      '100 %',
    ]);
  });

  it('put one and many right', () => {
    expect([counted(1, 'reading'), counted(2, 'reading'), counted(0, 'reply', 'replies')]).toEqual([
      '1 reading',
      '2 readings',
      '0 replies',
    ]);
  });
});
