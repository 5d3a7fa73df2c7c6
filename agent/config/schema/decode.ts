import * as z from 'zod';
import { decodeFormats } from '../../reading/decode/options.ts';
import { timeUnits } from '../../reading/event-time.ts';
import { maxPayloadMost } from '../../reading/limits.ts';
import { formatSize } from '../units.ts';
import { choice, flag, leaf, list, size, text } from './leaf.ts';

const fieldName = () => text({ what: 'a field name of 1 to 256 characters', type: 'field name', max: 256 });

/** Either paths, or names with the path each comes from. */
const namedPaths = () =>
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
  format: choice(...decodeFormats)
    .prefault('json')
    .describe(
      'How payloads are written. number and text: the whole payload is the field `value`; raw: kept undecoded as the field `payload`.',
    ),
  max_payload: size('1KiB', formatSize(maxPayloadMost))
    .optional()
    .describe(
      'Largest payload that is decoded; a larger one goes to the dead letters. For ndjson: the largest line. Decoding may take 44 times as much memory for a moment. Default: 512KiB.',
    ),
  time: fieldName()
    .optional()
    .describe('Field that holds the event time, a path such as `meta.ts`; default: the time of arrival.'),
  time_unit: choice(...timeUnits)
    .optional()
    .describe(
      'Unit of the time field. Default: auto (RFC 3339 for text, s, ms, us or ns for numbers by their size); for influx ns.',
    ),
  readings: text({ what: 'a path such as data.samples', type: 'path', max: 1024 })
    .optional()
    .describe('Path of an array of readings in the payload; fields beside it belong to each of them.'),
  tags: namedPaths()
    .optional()
    .describe(
      'Fields that become tags instead of values (they name the series): paths, or TAG: PATH. Default: none.',
    ),
  quality: fieldName()
    .optional()
    .describe('Field that holds the quality: good, uncertain, bad, or an OPC UA status; default: good.'),
  fields: namedPaths()
    .optional()
    .describe('The only values to take: paths, or NEW_NAME: PATH. Default: all.'),
  columns: list(text({ what: 'a field name', type: 'field name', min: 0, max: 256 }), { min: 1, max: 1024 })
    .optional()
    .describe(
      'csv: names of the columns, in order, an empty name leaves one out; default: the first line names them.',
    ),
  header: flag()
    .optional()
    .describe('csv: whether the first line names the columns. Default: true without `columns`.'),
  delimiter: text({ what: 'one character', type: 'character', max: 1 })
    .optional()
    .describe('csv: what stands between columns; default: a comma.'),
  measurement: text({ what: 'a tag name', type: 'tag name', min: 0, max: 256 })
    .optional()
    .describe(
      'influx: tag that takes the measurement name; default: `measurement`; an empty text leaves it out.',
    ),
});
