import { micros } from '../base/units.ts';
import type { Config, TestCaseConfig } from '../config/schema/config.ts';
import { type CaseResult, runCase } from '../pipeline/cases.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { compilePipeline } from '../pipeline/plan.ts';
import { BatchBuilder } from '../reading/batch-builder.ts';
import { createDecoder } from '../reading/decode/decoder.ts';
import { readTime } from '../reading/event-time.ts';
import { TopicRouter } from '../reading/topic-match.ts';

/** Arrival of a case's first message, where it names none: 2026-01-01T00:00:00Z. */
const firstArrivalMicros = 1_767_225_600_000_000;
const arrivalStepMicros = 1_000_000;

interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly arrivalMicros: number;
}

/** One case of `tests:`, through the stream's own decoder and stages. */
export function runConfigCase(config: Config, testCase: TestCaseConfig): CaseResult {
  const stream = config.streams[testCase.stream];
  if (stream === undefined) return broken(testCase, `there is no stream ${testCase.stream}`);
  const compiled = compilePipeline({ stream: testCase.stream, stages: stream.stages });
  if (!compiled.ok) return broken(testCase, compiled.problems[0]?.message ?? 'the stages are wrong');
  const others = new Map<string, Pipeline | null>();
  const pipelineOf = (name: string): Pipeline | null => {
    if (!others.has(name)) others.set(name, otherPipeline(config, name));
    return others.get(name)!;
  };
  const decoder = createDecoder(stream.decode);
  const router = new TopicRouter([{ stream: testCase.stream, match: stream.match }]);
  let arrivalMicros = firstArrivalMicros - arrivalStepMicros;
  const input: Message[] = [];
  for (const { topic, payload, at } of testCase.input) {
    arrivalMicros += arrivalStepMicros;
    if (at !== undefined) {
      const time = { micros: 0, nanos: 0 };
      const problem = readTime(at, 'rfc3339', time);
      if (problem !== null) return broken(testCase, `at: ${problem}`);
      arrivalMicros = time.micros;
    }
    input.push({
      topic,
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      arrivalMicros,
    });
  }
  return runCase<Message>(
    { ...testCase, input },
    {
      pipeline: compiled.pipeline,
      pipelineOf,
      nowMicros: micros(arrivalMicros),
      decode: ({ topic, payload, arrivalMicros: at }) => {
        const route = router.route(topic)[0];
        if (route === undefined)
          return { ok: false, reason: `topic ${topic} does not match ${testCase.stream}` };
        const builder = new BatchBuilder({ stream: testCase.stream, clock: decoder.clock });
        const bytes = new TextEncoder().encode(payload);
        const outcome = decoder.decode(
          { topic, payload: bytes, tags: route.tags, arrivalMicros: at },
          builder,
        );
        return outcome.ok
          ? { ok: true, batch: builder.finish() }
          : { ok: false, reason: `${outcome.reason}: ${outcome.detail}` };
      },
    },
  );
}

/** Null: the stream is not configured. */
function otherPipeline(config: Config, name: string): Pipeline | null {
  const stream = Object.hasOwn(config.streams, name) ? config.streams[name] : undefined;
  if (stream === undefined) return null;
  const compiled = compilePipeline({ stream: name, stages: stream.stages });
  return compiled.ok ? compiled.pipeline : null;
}

function broken(testCase: TestCaseConfig, difference: string): CaseResult {
  return { name: testCase.name, passed: false, differences: [difference], readings: [], filtered: [] };
}
