import * as z from 'zod';
import { choice, duration, leaf, list, name, text } from './leaf.ts';
import { fieldPattern, seriesMax } from './stage-parts.ts';

/** Stages that sum readings up in windows of event time. */

const tag = z.string().min(1).max(256);

/** One tag may be written without a list. */
const tagNames = () =>
  leaf(
    z.union([tag, z.array(tag).max(64)]).transform((given): readonly string[] => [given].flat()),
    { type: 'tag name, or list of them', expected: 'a tag name or a list of at most 64' },
  );

const spanKeys = {
  slide: duration('1ms', '365d')
    .optional()
    .describe('A window begins every so often, and windows overlap; divides `every`. Default: `every`.'),
  session: duration('1ms', '365d')
    .optional()
    .describe('Instead of `every`: a window lasts until its series has been silent this long.'),
  by: tagNames()
    .optional()
    .describe(
      'Tags that windows are kept apart by, `[]` for one window of all series; default: all the tags of a series.',
    ),
  fields: list(fieldPattern(), { min: 1, max: 1024 })
    .optional()
    .describe('Fields to take in, globs allowed; default: every field that holds numbers.'),
  out_of_order: duration('0s', '365d')
    .prefault('1s')
    .describe('How far the readings of a series may be out of order before a window is given out.'),
  lateness: duration('0s', '365d')
    .prefault('0s')
    .describe(
      'How long after that what comes late still corrects a window: it is then given out once more, as `window.revision` 1.',
    ),
  idle: duration('1s', '365d')
    .prefault('1m')
    .describe('Silence after which event time is taken to run on with the clock, so that windows end.'),
  late_into: name()
    .optional()
    .describe('Stream for copies of readings that came too late for every window; default: none.'),
  max_series: seriesMax(),
};

export const windowStages = {
  window: z
    .strictObject({
      every: duration('1ms', '365d')
        .optional()
        .describe('Length of a window, from 1970 on in UTC. One of `every` and `session` is needed.'),
      ...spanKeys,
      emit: list(
        text({
          what: 'a figure such as mean or p99',
          type: 'count, sum, mean, min, max, first, last, stddev, range, distinct, p50, p99.9 …',
          max: 16,
        }),
        { min: 1, max: 32 },
      )
        .prefault(['count', 'mean', 'min', 'max'])
        .describe('Figures given out, each as FIELD.NAME.'),
      into: name()
        .optional()
        .describe(
          'Stream of the results, and readings pass on; default: results take the place of the readings.',
        ),
    })
    .describe('Sums readings up in windows of event time.'),
  sketch: z
    .strictObject({
      every: duration('1ms', '365d')
        .optional()
        .describe('Length of a window, from 1970 on in UTC. One of `every` and `session` is needed.'),
      ...spanKeys,
      kinds: list(choice('moments', 'quantiles', 'distinct', 'histogram', 'frequent'), { min: 1, max: 5 })
        .prefault(['moments', 'quantiles', 'distinct'])
        .describe(
          'Sketches given out, each as FIELD_KIND: base64 of an envelope around its standard bytes. `histogram` is an exponential one of OTLP.',
        ),
      into: name()
        .optional()
        .describe('Stream of the sketches; default: the name of the stream with `_sketch`.'),
    })
    .describe('Makes mergeable sketches of fields, one a window; readings pass on.'),
};
