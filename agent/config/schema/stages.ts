import * as z from 'zod';
import { deriverStages } from './deriver-stages.ts';
import { filterStages } from './filter-stages.ts';
import { choice, duration, integer, leaf, list, real, text } from './leaf.ts';
import { reducerStages } from './reducer-stages.ts';
import { fieldName, fieldPattern, seriesMax } from './stage-parts.ts';
import { windowStages } from './window-stages.ts';

const points = () =>
  leaf(
    z
      .array(z.tuple([z.number(), z.number()]))
      .min(2)
      .max(4096)
      .superRefine((pairs, context) => {
        const sorted = pairs.every((pair, i) => i === 0 || pair[0] > pairs[i - 1]![0]);
        if (!sorted) context.addIssue({ code: 'custom', message: 'must have raw values that ascend' });
      }),
    { type: 'list of [raw, true]', expected: 'a list of at least two pairs [raw, true]' },
  );

const calibrate = z
  .strictObject({
    field: fieldName().describe('Field to correct, a number.'),
    scale: real().optional().describe('Factor; default 1.'),
    offset: real().optional().describe('Added after scaling, in the unit of the result; default 0.'),
    points: points()
      .optional()
      .describe('Curve through pairs of raw and true value, raw ascending, instead of `scale` and `offset`.'),
    outside: choice('clamp', 'extrapolate')
      .optional()
      .describe(
        'Beyond the outermost points: hold the end value (clamp, the default) or go on along the end segment.',
      ),
  })
  .superRefine((stage, context) => {
    const line = stage.scale !== undefined || stage.offset !== undefined;
    if (line && stage.points !== undefined) {
      context.addIssue({ code: 'custom', message: 'has both points and scale/offset: use one of them' });
    } else if (!line && stage.points === undefined) {
      context.addIssue({ code: 'custom', message: 'changes nothing: give scale, offset or points' });
    }
    if (stage.outside !== undefined && stage.points === undefined) {
      context.addIssue({ code: 'custom', path: ['outside'], message: 'has a meaning only with points' });
    }
  });

const deadband = z
  .strictObject({
    field: fieldName().optional().describe('Field to watch. One of `field` and `fields` is needed.'),
    fields: list(fieldPattern(), { min: 1, max: 1024 })
      .optional()
      .describe('Fields to watch, globs allowed; a reading passes when any of them does.'),
    absolute: real({ min: 0 })
      .optional()
      .describe(
        'Half width of the band in the unit of the field. One of `absolute` and `percent` is needed.',
      ),
    percent: real({ min: 0, max: 1000 })
      .optional()
      .describe('Half width in percent of the last value passed; with `absolute` too, the wider one counts.'),
    max_interval: duration('1ms', '365d')
      .optional()
      .describe('Event time after which a value passes even if unchanged; default: never.'),
    max_series: seriesMax(),
  })
  .superRefine((stage, context) => {
    if (stage.field === undefined && stage.fields === undefined) {
      context.addIssue({ code: 'custom', message: 'watches nothing: give `field` or `fields`' });
    }
    if (stage.absolute === undefined && stage.percent === undefined) {
      context.addIssue({ code: 'custom', message: 'has no width: give `absolute` or `percent`' });
    }
  });

const throttle = z.strictObject({
  every: duration('1ms', '365d').describe(
    'Span of event time that passes at most `count` readings of a series.',
  ),
  count: integer(1, 1_000_000).prefault(1).describe('Readings that pass in each span.'),
  max_series: seriesMax(),
});

/** One key each. A stage drops, changes or lets pass; it never reorders. */
export const stageKeys = {
  keep: text({ what: 'a CEL expression', type: 'CEL expression', max: 4096 }).describe(
    'Keeps the readings for which the expression is true. Names: reading, tags, stream, time, quality.',
  ),
  calibrate: calibrate.describe('Corrects a field by a line or a curve.'),
  select: z
    .strictObject({
      fields: list(fieldPattern(), { min: 1, max: 1024 }).describe(
        'Fields to keep, globs allowed; the last match decides.',
      ),
    })
    .describe('Keeps some fields and drops the others.'),
  rename: z.record(fieldName(), fieldName()).describe('Gives fields other names: OLD: NEW.'),
  deadband: deadband.describe('Drops readings that changed too little since the last one that passed.'),
  throttle: throttle.describe('Lets at most `count` readings of a series pass in a span of event time.'),
  ...filterStages,
  ...reducerStages,
  ...deriverStages,
  ...windowStages,
};

/** A stage as configured; the key says which. Units as everywhere: milliseconds. */
export type StageConfig = {
  [K in keyof typeof stageKeys]: { readonly [P in K]: z.output<(typeof stageKeys)[K]> };
}[keyof typeof stageKeys];

const optionalKeys = Object.fromEntries(
  Object.entries(stageKeys).map(([key, schema]) => [key, schema.optional()]),
);

export const stageSchema = z
  .strictObject(optionalKeys)
  .superRefine((stage, context) => {
    const keys = Object.keys(stage);
    if (keys.length === 1) return;
    const message =
      keys.length === 0
        ? `names no stage: give one of ${Object.keys(stageKeys).join(', ')}`
        : `holds ${keys.length} stages (${keys.join(', ')}): write each with its own dash`;
    context.addIssue({ code: 'custom', message });
  })
  .transform((stage) => stage as StageConfig);
