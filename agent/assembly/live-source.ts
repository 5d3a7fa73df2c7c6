import type { LiveSource } from '../api/agent-view.ts';
import type { LiveJson } from '../api/contract.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock } from '../ports/clock.ts';
import { passingJson } from './readings-json.ts';

/** Readings one message of a tap shows; what passes beyond it within the pause is counted as skipped. */
const readingsPerMessage = 20;
const pauseMs = 100;

/**
 * Taps into running pipelines: `received` is what enters, a rule's name (`0:keep`) what leaves that stage, `stored` what leaves the
 * last one. Under load a tap samples: it never slows the flow.
 */
export function liveSource(options: {
  readonly agent: string;
  readonly clock: Clock;
  pipelines(): ReadonlyMap<string, Pipeline>;
}): LiveSource {
  return {
    tap: ({ streams, point }, deliver) => {
      const pipelines = options.pipelines();
      const wanted = streams.length === 0 ? [...pipelines.keys()] : streams;
      const stops: (() => void)[] = [];
      for (const name of wanted) {
        const pipeline = pipelines.get(name);
        const after = pipeline === undefined ? null : stageOf(pipeline, point);
        if (pipeline === undefined || after === null || pipeline.tapsFree === 0) {
          for (const stop of stops) stop();
          return null;
        }
        stops.push(tapOne(pipeline, after, { ...options, stream: name, point, deliver }));
      }
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}

/** Index of the stage after which to listen, -1 for the input; null when there is no such point. */
function stageOf(pipeline: Pipeline, point: string): number | null {
  if (point === 'received') return -1;
  if (point === 'stored') return pipeline.rules.length - 1;
  const index = pipeline.rules.indexOf(point);
  return index < 0 ? null : index;
}

function tapOne(
  pipeline: Pipeline,
  after: number,
  tap: { agent: string; clock: Clock; stream: string; point: string; deliver: (message: LiveJson) => void },
): () => void {
  let nextAtMs = 0;
  let skipped = 0;
  return pipeline.tap(after, ({ batch }) => {
    if (batch === null) return;
    const now = tap.clock.monotonic();
    if (now < nextAtMs) {
      skipped += batch.length;
      return;
    }
    nextAtMs = now + pauseMs;
    const readings = passingJson(batch, tap.agent, readingsPerMessage);
    tap.deliver({ kind: 'readings', stream: tap.stream, point: tap.point, readings, skipped });
    skipped = batch.length - readings.length;
  });
}
