import * as z from 'zod';
import { choice, duration, flag, integer, leaf, list, name, real, text } from './leaf.ts';
import { fieldName, seriesMax } from './stage-parts.ts';

/** Stages that make readings for other streams. */

const expression = () => text({ what: 'a CEL expression', type: 'CEL expression', max: 4096 });

const bands = () =>
  leaf(z.array(z.tuple([z.number(), z.number()])).max(32), {
    type: 'list of [low, high]',
    expected: 'a list of pairs [low, high] in Hz',
  });

export const deriverStages = {
  alert: z
    .strictObject({
      when: expression().describe('Condition of an alarm, judged for every series of its own.'),
      clear: expression()
        .optional()
        .describe(
          'When a raised alarm is over, for a second threshold; default: when `when` no longer holds.',
        ),
      for: duration('0s', '365d')
        .prefault('0s')
        .describe('Event time the condition must hold before the alarm is raised.'),
      silence: duration('0s', '365d')
        .prefault('0s')
        .describe('Event time from one raising to the next of a series; what falls within is counted.'),
      name: text({ what: 'a name of 1 to 128 characters', max: 128 })
        .optional()
        .describe('Name of the alarm; default: place and kind of the stage.'),
      severity: choice('info', 'warning', 'critical').prefault('warning').describe('Told with the alarm.'),
      into: name().prefault('alarms').describe('Stream that takes the alarms.'),
      publish: text({ what: 'a topic such as plant/{plant}/alarm', max: 1024 })
        .optional()
        .describe('Topic of a message that goes out at once, cloud or no cloud; {name} stands for a tag.'),
      via: name()
        .optional()
        .describe(
          'Source of type mqtt or broker whose broker takes the message; default: the first one this stream takes messages from.',
        ),
      max_series: seriesMax(),
    })
    .describe('Tells when a condition begins to hold and when it ends.'),
  resample: z
    .strictObject({
      every: duration('1ms', '365d').describe(
        'Spacing of the grid of event time; its points are whole multiples since 1970.',
      ),
      method: choice('previous', 'linear')
        .prefault('previous')
        .describe('Hold the reading before, or draw a line between two (fields that are numbers in both).'),
      max_gap: duration('1ms', '365d')
        .optional()
        .describe('Longest span between two readings that is filled; default: ten times `every`.'),
      max_series: seriesMax(),
    })
    .describe('Gives the readings of every series on an even grid.'),
  vibration: z
    .strictObject({
      field: fieldName().describe('Samples: a number a reading, or a text with a JSON array of numbers.'),
      sample_rate: real({ min: 0.001, max: 1e9 }).describe('Samples a second, Hz.'),
      block: choice(16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384)
        .prefault(1024)
        .describe('Samples that make one reading of figures.'),
      overlap: real({ min: 0, max: 0.9 }).prefault(0).describe('Share of a block that the next one repeats.'),
      bands: bands()
        .prefault([])
        .describe('Bands of frequency, [low, high] in Hz, each giving FIELD.band.LOW-HIGH: its power.'),
      max_gap: duration('1ms', '1h')
        .optional()
        .describe(
          'Longest time between samples that belong together; default: ten sample periods, at least 1ms.',
        ),
      into: name().optional().describe('Stream that takes the figures; default: they stay in this one.'),
      durable: flag()
        .prefault(true)
        .describe(
          'Stores samples with their message until their block is full, 8 bytes each: a crash loses none. false spares flash, and a crash costs the open block.',
        ),
      max_series: integer(1, 1_000_000)
        .prefault(500)
        .describe('Series remembered, 8 bytes a sample of a block each.'),
    })
    .describe(
      'Turns samples of a vibration into rms, peak, crest factor, kurtosis, strongest frequency and band power.',
    ),
  join: z
    .strictObject({
      with: name().describe('The other stream, as its own stages give it out.'),
      fields: list(fieldName(), { min: 1, max: 64 }).describe('Fields to take over from it.'),
      prefix: text({ what: 'the beginning of a field name', max: 64 })
        .optional()
        .describe('Put before their names here; default: nothing.'),
      by: list(text({ what: 'the name of a tag', max: 256 }), { max: 64 })
        .optional()
        .describe('Tags that must be equal; default: all. An empty list: none.'),
      tolerance: duration('1ms', '365d').describe(
        'Greatest difference of event time between the two readings.',
      ),
      method: choice('previous', 'nearest')
        .prefault('previous')
        .describe('The newest reading that is not later, or the nearest of those seen so far.'),
      keep: integer(1, 1024)
        .prefault(8)
        .describe(
          'Readings of the other stream kept of each series: for what comes late, as many as it gives in that time.',
        ),
      required: flag().prefault(false).describe('Drops readings that have no partner.'),
      max_series: seriesMax(),
    })
    .describe(
      'Adds fields of another stream, by time. It does not wait: give the join to the slower stream.',
    ),
};
