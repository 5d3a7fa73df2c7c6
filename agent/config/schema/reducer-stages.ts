import * as z from 'zod';
import { choice, duration, flag, integer, list, real } from './leaf.ts';
import { fieldName, maxHold, seriesMax } from './stage-parts.ts';

/** Stages that give out fewer readings than they take in. */

const spans = {
  min_interval: duration('1ms', '365d')
    .optional()
    .describe(
      'Least event time between readings given out; default: none. The deviation does not hold within it.',
    ),
  max_interval: duration('1ms', '365d')
    .optional()
    .describe('Event time after which a reading is given out although it tells nothing new; default: never.'),
};

export const reducerStages = {
  compress: z
    .strictObject({
      field: fieldName().describe('Field to compress, a number.'),
      method: choice('swinging_door').prefault('swinging_door').describe('How segments are found.'),
      deviation: real({ min: 0 }).describe(
        'What a line through the readings given out may be off by at any reading, in the unit of the field.',
      ),
      ...spans,
      exception: z
        .strictObject({
          deviation: real({ min: 0 }).describe(
            'Values this near to the last reported one are left out at once.',
          ),
          ...spans,
        })
        .optional()
        .describe('A first test before the door, as at the interface of a PI archive; default: none.'),
      summary: flag()
        .prefault(false)
        .describe(
          'Adds FIELD.count, .sum, .min, .max and .integral (unit × s) of the readings each one stands for, at four to seven times the bytes.',
        ),
      max_hold: maxHold('max_interval, else 1h'),
      max_series: seriesMax(),
    })
    .describe('Keeps the readings from which a line draws the others (swinging door).'),
  dedup: z
    .strictObject({
      by: list(fieldName(), { min: 1, max: 64 })
        .optional()
        .describe(
          'Fields that tell a reading within its series, such as a sequence number; default: its time and all its values.',
        ),
      within: duration('1ms', '365d')
        .prefault('10m')
        .describe('Event time within which the same is the same.'),
      max_entries: integer(1, 2_000_000)
        .prefault(50_000)
        .describe(
          'Readings remembered, 60 bytes each; beyond it the oldest are forgotten, which is counted.',
        ),
    })
    .describe('Drops readings that came before.'),
};
