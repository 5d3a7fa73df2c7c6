import * as z from 'zod';
import { choice, duration, flag, integer, real, text } from './leaf.ts';
import { fieldName, maxHold, seriesMax } from './stage-parts.ts';

/** Filters of one numeric field. */

const above0 = () => real({ min: Number.MIN_VALUE, what: 'a number greater than 0' });

const unitCode = () =>
  text({ what: 'a UCUM code such as Cel, [degF], kW.h or m3/h', type: 'UCUM code', max: 64 });

const filterKeys = {
  field: fieldName().describe(
    'Field to filter, a number. Values of bad quality and late ones do not enter the filter.',
  ),
  as: fieldName().optional().describe('Field that takes the result; default: the field itself.'),
  max_gap: duration('1ms', '365d')
    .optional()
    .describe('Silence of a series (event time) after which the filter begins anew; default: never.'),
  max_series: seriesMax(),
};

const modeKeys = {
  mode: choice('causal', 'centred')
    .prefault('causal')
    .describe(
      'The present value is the newest of the window, or the middle one: then readings are given out half a window late.',
    ),
  max_hold: maxHold('max_gap, else 1h'),
};

const { as: _as, ...withoutAs } = filterKeys;

export const filterStages = {
  despike: z
    .strictObject({
      ...withoutAs,
      method: choice('hampel').prefault('hampel').describe('The rule that tells a spike.'),
      ...modeKeys,
      window: integer(3, 255).prefault(7).describe('Values judged together; odd with `mode: centred`.'),
      sigmas: above0().prefault(3).describe('Robust standard deviations from the median that make a spike.'),
      floor: real({ min: 0 })
        .prefault(0)
        .describe(
          'Least distance of a spike from the median, in the unit of the field: for signals that lie flat.',
        ),
      action: choice('replace', 'mark', 'drop')
        .prefault('replace')
        .describe(
          'What becomes of a spike: the median with quality uncertain, itself with quality bad, or nothing.',
        ),
    })
    .describe('Takes single wrong values out of a field.'),
  ema: z
    .strictObject({
      ...filterKeys,
      time_constant: duration('1ms', '365d').describe('Span after which a step shows 63 % of itself.'),
    })
    .describe('Smooths a field by an exponential moving average in event time, whatever the spacing.'),
  median: z
    .strictObject({
      ...filterKeys,
      window: integer(2, 255).prefault(5).describe('Values, the present one the newest.'),
    })
    .describe('Replaces a field by the median of its last values.'),
  rate: z
    .strictObject({
      ...filterKeys,
      kind: choice('counter', 'gauge')
        .prefault('counter')
        .describe('A counter that falls has wrapped or was restarted; a gauge has fallen.'),
      emit: choice('rate', 'increase').prefault('rate').describe('Change in `per`, or the change itself.'),
      per: duration('1ms', '365d').prefault('1s').describe('Unit of time of the rate.'),
      bits: choice(8, 16, 24, 32, 48, 64)
        .optional()
        .describe('Width of a counter that goes on at 0; without it every fall is a restart.'),
    })
    .describe('Makes a counter or a level a rate of change.'),
  savgol: z
    .strictObject({
      ...filterKeys,
      ...modeKeys,
      window: integer(3, 255).prefault(11).describe('Values fitted; odd with `mode: centred`.'),
      order: integer(0, 5).prefault(2).describe('Order of the polynomial, below `window`.'),
      derivative: choice(0, 1, 2)
        .prefault(0)
        .describe('0 smooths; 1 and 2 give the change per second, and its change.'),
    })
    .describe(
      'Smooths a field by a polynomial through its last values, or those around it (Savitzky–Golay).',
    ),
  kalman: z
    .strictObject({
      ...filterKeys,
      model: choice('level', 'velocity')
        .prefault('level')
        .describe('A value that wanders, or one that moves at a speed that wanders.'),
      process_noise: above0().describe(
        'Standard deviation of what one second adds: to the level, or to the speed with `velocity`.',
      ),
      measurement_noise: above0().describe('Standard deviation of a measurement, in the unit of the field.'),
      gate: above0()
        .optional()
        .describe(
          'Standard deviations from the prediction beyond which a value is not believed; default: all are.',
        ),
      velocity_as: fieldName().optional().describe('Field for the speed per second, with `model: velocity`.'),
    })
    .describe('Estimates a field under noise (Kalman filter).'),
  unit: z
    .strictObject({
      field: fieldName().describe('Field to convert, a number.'),
      as: filterKeys.as,
      from: unitCode().describe('Unit of the values as they come.'),
      to: unitCode().describe('Unit they are given in.'),
      difference: flag()
        .prefault(false)
        .describe('The values are differences: the zero of a temperature scale does not count.'),
    })
    .describe('Converts a field from one unit to another (UCUM codes).'),
};
