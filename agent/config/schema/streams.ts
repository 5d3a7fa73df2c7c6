import * as z from 'zod';
import { patternProblem } from '../../reading/topic-match.ts';
import { decodeSchema } from './decode.ts';
import { integer, leaf, list, name } from './leaf.ts';
import { stageSchema } from './stages.ts';

const topicPattern = () =>
  z
    .string()
    .min(1)
    .max(65_535)
    .superRefine((pattern, context) => {
      const problem = patternProblem(pattern);
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    });

export const streamSchema = z.strictObject({
  from: list(name(), { max: 256 })
    .prefault([])
    .describe('Sources this stream takes messages from. None: only POST /v1/ingest/STREAM feeds it.'),
  match: leaf(z.union([topicPattern(), z.array(topicPattern()).min(1).max(64)]), {
    type: 'topic pattern, or a list of them',
    expected: 'a topic pattern such as plant/{machine}/telemetry',
  })
    .prefault('#')
    .describe('Topics this stream takes. {name} stands for one level and becomes a tag; + and # as in MQTT.'),
  decode: decodeSchema.prefault({}).describe('How payloads become readings.'),
  priority: integer(0, 9)
    .prefault(5)
    .describe(
      '0 least, 9 most: who is sent first when the uplink is narrow, and dropped last when the disk is full. ' +
        '7 and more are urgent: still stored when a buffer with when_full: block is full for the others, unless a stage must survive a crash exactly (such as window, sketch).',
    ),
  stages: list(stageSchema, { max: 64 })
    .prefault([])
    .describe('What happens to readings before they are stored, in order.'),
});
