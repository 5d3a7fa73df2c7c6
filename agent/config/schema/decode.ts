import * as z from 'zod';
import { timeUnits } from '../../reading/event-time.ts';
import { choice, flag, leaf, list, text } from './leaf.ts';

const fieldName = () => text({ what: 'a field name of 1 to 256 characters', type: 'field name', max: 256 });

/** Either names to keep, or new names with the path each comes from. */
const fieldSelection = () =>
  leaf(
    z.union([
      z.array(z.string().min(1).max(256)).min(1).max(1024),
      z.record(z.string().min(1).max(256), z.string().min(1).max(1024)),
    ]),
    {
      type: 'list of names, or map NAME: PATH',
      expected: 'a list of field names, or a map of new names to paths',
    },
  );

export const decodeSchema = z.strictObject({
  format: choice('json', 'cbor', 'influx', 'csv', 'number', 'text', 'raw')
    .prefault('json')
    .describe(
      'How payloads are written. number and text: the whole payload is the field `value`; raw: kept undecoded as the field `payload`.',
    ),
  time: fieldName()
    .optional()
    .describe('Field that holds the event time, a path such as `meta.ts`; default: the time of arrival.'),
  time_unit: choice(...timeUnits)
    .prefault('auto')
    .describe('Unit of the time field. auto: RFC 3339 for text, s, ms, us or ns for numbers by their size.'),
  readings: text({ what: 'a path such as data.samples', type: 'path', max: 1024 })
    .optional()
    .describe('Path of an array of readings in the payload; fields beside it belong to each of them.'),
  tags: list(fieldName(), { max: 64 })
    .prefault([])
    .describe('Fields that become tags: they name the series and are not values.'),
  quality: fieldName()
    .optional()
    .describe('Field that holds the quality: good, uncertain, bad, or an OPC UA status; default: good.'),
  fields: fieldSelection()
    .optional()
    .describe('Fields to keep, and their new names; default: all as they are.'),
  columns: list(fieldName(), { min: 1, max: 1024 })
    .optional()
    .describe('csv: names of the columns, in order; default: the first line names them.'),
  header: flag()
    .optional()
    .describe('csv: whether the first line names the columns. Default: true without `columns`.'),
  delimiter: text({ what: 'one character', type: 'character', max: 1 })
    .prefault(',')
    .describe('csv: what stands between columns.'),
  measurement: text({ what: 'a tag name', type: 'tag name', max: 256 })
    .optional()
    .describe('influx: tag that takes the measurement name; default: `measurement`.'),
});
