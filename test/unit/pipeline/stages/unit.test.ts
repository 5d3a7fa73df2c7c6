import { describe, expect, test } from 'vitest';
import { conversion } from '#agent/pipeline/ucum/conversion.ts';
import { derivedUnits } from '#agent/pipeline/ucum/units.ts';
import { parseUnit } from '#agent/pipeline/ucum/parse-unit.ts';
import { pipelineOf, run, seconds, valuesOut } from '../pipeline-fixture.ts';

function converted(value: number, from: string, to: string, isDifference = false): number | string {
  const converts = conversion({ from, to, isDifference });
  return converts.ok ? converts.value(value) : converts.error;
}

describe('units', () => {
  // NIST SP 811 (2008), appendix B.8, and by definition.
  test.each([
    [100, 'Cel', '[degF]', 212],
    [98.6, '[degF]', 'Cel', 37],
    [-40, '[degF]', 'Cel', -40],
    [21.5, 'Cel', 'K', 294.65],
    [0, 'K', 'Cel', -273.15],
    [72, 'km/h', 'm/s', 20],
    [1, '[mi_i]', 'km', 1.609344],
    [1, '[psi]', 'Pa', 6894.757293168361],
    [1, 'bar', 'kPa', 100],
    [760, 'mm[Hg]', 'kPa', 101.32472],
    [1, 'kW.h', 'MJ', 3.6],
    [1, '[HP]', 'W', 745.6998715822702],
    [1, '[gal_us]/min', 'l/h', 227.124707] as const,
    [3600, 'l/h', 'm3/h', 3.6],
    [1500, '{rev}/min', 'Hz', 25],
    [180, 'deg', 'rad', Math.PI],
    [1, 'gon', 'deg', 0.9],
    [2, 'm.s-2', '[g]', 2 / 9.80665],
    [50, '%', '1', 0.5],
    [400, '[ppm]', '%', 0.04],
    [1, '[lbf_av]', 'N', 4.4482216152605],
    [1, '10*3/ul', '/l', 1e9],
    [1, 'MiBy', 'By', 1_048_576],
    [1, 'd', 'min', 1440],
    [3, '(kg.m)/s2', 'N', 3],
    [1, 'g/(m2.s)', 'kg.m-2.s-1', 0.001],
  ])('%d %s is so many %s: %d', (value, from, to, expected) => {
    const actual = converted(value, from, to) as number;

    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.abs(expected));
  });

  test('are exact where decimals are', () => {
    expect(converted(98.6, '[degF]', 'Cel')).toBe(37);
    expect(converted(0.3, 'm', 'mm')).toBe(300);
    expect(converted(235, 'mV', 'V')).toBe(0.235);
    expect(converted(10, 'K', '[degF]', true)).toBe(18);
    expect(converted(5, '[degF]', 'Cel', true)).toBe(25 / 9);
  });

  test.each([
    ['Cel', 'Pa', 'Cel and Pa are units of different quantities'],
    ['°C', 'K', '°C is no UCUM code; write Cel'],
    ['kWh', 'J', 'kWh is no UCUM code; write kW.h'],
    ['furlong', 'm', 'furlong is no UCUM unit known here'],
    ['m/', 'm', 'a unit is missing in m/'],
    ['(m', 'm', 'a ) is missing in (m'],
    ['m)', 'm', ') was not expected in m)'],
    ['m99', 'm', 'the exponent 99 is too large'],
    ['J/Cel', 'J/K', 'a temperature scale stands alone; a difference in it is one of K, or of [degR]'],
    ['('.repeat(12), 'm', 'the unit is nested too deep'],
    ['', 'm', "a unit's code has 1 to 64 characters"],
  ])('%s to %s is refused: %s', (from, to, message) => {
    expect(converted(1, from, to)).toBe(message);
  });

  test('of the table all lead to base units', () => {
    for (const code of Object.keys(derivedUnits)) expect(parseUnit(code), code).toMatchObject({ ok: true });
  });
});

test('unit converts the numbers of a field and leaves the rest', () => {
  const stage = { unit: { field: 't', from: '[degF]', to: 'Cel' } };

  expect(run([stage], seconds('t', [212, 'off', 32])).out.map(({ values }) => values['t'])).toEqual([
    100,
    'off',
    0,
  ]);
  expect(valuesOut('t', [stage], seconds('u', [1]))).toEqual([undefined]);
});

test('unit writes another field with `as`; a reading without a number gets none', () => {
  const stage = { unit: { field: 't', as: 'c', from: '[degF]', to: 'Cel' } };
  const { out } = run([stage], seconds('t', [212, 'off', 32]));

  expect(out.map(({ values }) => values)).toEqual([{ t: 212, c: 100 }, { t: 'off' }, { t: 32, c: 0 }]);
});

test('unit is refused with the reason', () => {
  expect(() => pipelineOf({ unit: { field: 't', from: 'C', to: 'Cel' } })).toThrow('different quantities');
});
