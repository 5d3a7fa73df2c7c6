import * as z from 'zod';
import { choice, duration, name, text } from './leaf.ts';
import { seriesMax } from './stage-parts.ts';

/** Stages that make readings for other streams. */

const expression = () => text({ what: 'a CEL expression', type: 'CEL expression', max: 4096 });

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
          'MQTT source whose broker takes the message; default: the first one this stream takes messages from.',
        ),
      max_series: seriesMax(),
    })
    .describe('Tells when a condition begins to hold and when it ends.'),
};
