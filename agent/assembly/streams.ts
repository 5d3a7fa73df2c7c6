import { assert } from '../base/assert.ts';
import { urgentPriorityMin } from '../buffer/limits.ts';
import { type Micros, micros } from '../base/units.ts';
import type { Config } from '../config/schema/config.ts';
import type { Parting, Preprocess, Processed, Route, Router, StreamPlan } from '../ingest/arrival.ts';
import { earlierPipeline, emptyState, statesLost } from '../pipeline/earlier.ts';
import { reportNotes, stateLeftOut, stateRestored, statesNotGivenOut } from '../pipeline/events.ts';
import type { Pipeline, PipelineOutput } from '../pipeline/pipeline.ts';
import { compilePipeline } from '../pipeline/plan.ts';
import type { Command } from '../pipeline/stage.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { ClockSource } from '../reading/batch.ts';
import type { SavedState } from '../reading/journal-entry.ts';
import { createDecoder, type Decoder } from '../reading/decode/decoder.ts';
import { type DecodeFormat, type DecodeOptions, optionsFor } from '../reading/decode/options.ts';
import { alarmStreams } from './store-settings.ts';
import { TagTable } from '../reading/tag-table.ts';
import { TopicRouter } from '../reading/topic-match.ts';

/** Readings posted to the API itself come from here; no configured source may have this name. */
export const pushedSource = '_api';

const nothing: Processed = { outputs: [], filtered: [] };

/** What the intake needs of the configured streams, and the pipelines for those who want to tap them. */
export interface BuiltStreams {
  readonly router: Router;
  readonly plans: readonly StreamPlan[];
  /** Whose clock the decoder of a configured stream takes times from. */
  readonly clockOf: (stream: string) => ClockSource;
  /** Not configured themselves. */
  readonly urgentStreams: ReadonlySet<string>;
  readonly pipelines: ReadonlyMap<string, Pipeline>;
  /** What the stages gave out that are not there any more. */
  readonly partings: readonly Parting[];
}

export interface StreamPorts {
  readonly telemetry: Telemetry;
  /** Takes what stages want out at once. */
  readonly send: (stream: string, commands: readonly Command[]) => void;
  readonly now: () => Micros;
}

/** What ran before a reload. */
export interface EarlierStreams {
  readonly config: Config;
  readonly pipelines: ReadonlyMap<string, Pipeline>;
}

/**
 * Builds decoders, routes and pipelines. After a reload, a pipeline whose stages did not change goes on as it is; of one that
 * did, each stage that is still there keeps what it remembers, and the others give out what they hold.
 */
export function buildStreams(
  config: Config,
  ports: StreamPorts,
  earlier: EarlierStreams | null = null,
): BuiltStreams {
  const tagTable = new TagTable();
  const pipelines = new Map<string, Pipeline>();
  const partings: Parting[] = [];
  const plans = Object.entries(config.streams).map(([name, stream]): StreamPlan => {
    const decoders = decodersOf(stream.decode, tagTable);
    const { decoder } = decoders;
    const old = earlier?.pipelines.get(name);
    const isSame = JSON.stringify(earlier?.config.streams[name]?.stages) === JSON.stringify(stream.stages);
    const pipeline = old !== undefined && isSame ? old : newPipeline(name, stream.stages);
    if (old !== undefined && !isSame) partings.push(partingOf(pipeline, old, ports));
    pipelines.set(name, pipeline);
    const preprocess = preprocessOf(pipeline, ports, (output) => showListeners(pipelines, name, output));
    // State that must survive a crash is stored in one order.
    const urgent = stream.priority >= urgentPriorityMin && !pipeline.isDurable;
    return { name, ...decoders, clock: decoder.clock, urgent, preprocess };
  });
  for (const [name, old] of earlier?.pipelines ?? [])
    if (!pipelines.has(name)) partings.push(endOf(old, ports));
  const urgentStreams = alarmStreams(config);
  const clocks = new Map(plans.map(({ name, clock }) => [name, clock]));
  const clockOf = (stream: string): ClockSource => clocks.get(stream) ?? 'agent';
  return { router: routerOf(config, tagTable), plans, clockOf, pipelines, urgentStreams, partings };
}

/**
 * Has pipelines go on from what was stored. Before anything is processed. Answers what stages give out that were stored and are not configured any
 * more.
 */
export function resumeStreams(
  { pipelines }: BuiltStreams,
  ports: StreamPorts,
  saved: ReadonlyMap<string, readonly SavedState[]>,
): readonly Parting[] {
  const partings: Parting[] = [];
  for (const [name, states] of saved) {
    const pipeline = pipelines.get(name);
    const old = earlierPipeline(name, states);
    const lost = old === null ? statesLost(states, pipeline) : [];
    if (lost.length > 0) statesNotGivenOut(ports.telemetry, name, lost);
    if (pipeline === undefined) {
      if (old !== null) partings.push(endOf(old, ports));
      // What can not be read is told of at one start only.
      else if (lost.length > 0) partings.push({ stream: name, processed: nothing, state: emptyState() });
      continue;
    }
    stateRestored(ports.telemetry, name, pipeline.resume(states));
    if (old !== null && !pipeline.covers(old)) partings.push(partingOf(pipeline, old, ports));
  }
  return partings;
}

/** A pipeline takes the place of another. */
function partingOf(pipeline: Pipeline, old: Pipeline, ports: StreamPorts): Parting {
  const processed = pipeline.succeed(old, ports.now());
  told(processed, pipeline.stream, ports);
  return { stream: pipeline.stream, processed, state: null };
}

/** A pipeline of a stream that is not configured any more. */
function endOf(old: Pipeline, ports: StreamPorts): Parting {
  const processed = old.part(new Set(), ports.now());
  told(processed, old.stream, ports);
  return { stream: old.stream, processed, state: emptyState() };
}

function told({ notes, commands }: PipelineOutput, stream: string, { telemetry, send }: StreamPorts): void {
  if (notes.length > 0) reportNotes(telemetry, stream, notes);
  if (commands !== undefined) send(stream, commands);
}

/** The decoder of a stream, and those of senders that say they write otherwise. */
function decodersOf(
  options: DecodeOptions,
  tagTable: TagTable,
): { readonly decoder: Decoder; readonly decoderOf: (format: DecodeFormat) => Decoder } {
  const own = createDecoder(options, tagTable);
  const decoders = new Map([[options.format, own]]);
  const decoderOf = (format: DecodeFormat): Decoder => {
    let decoder = decoders.get(format);
    if (decoder === undefined)
      decoders.set(format, (decoder = createDecoder(optionsFor(format, options), tagTable)));
    return decoder;
  };
  return { decoder: own, decoderOf };
}

type Stages = Config['streams'][string]['stages'];

function newPipeline(stream: string, stages: Stages): Pipeline {
  const compiled = compilePipeline({ stream, stages });
  assert(compiled.ok, `the stages of ${stream} were checked with the config`);
  return compiled.pipeline;
}

/** Hands what the stages of a stream gave out to the pipelines that join with it. Other configured streams tell of theirs themselves. */
function showListeners(
  pipelines: ReadonlyMap<string, Pipeline>,
  own: string,
  { outputs }: PipelineOutput,
): void {
  const final = outputs.filter(({ stream }) => stream === own || !pipelines.has(stream));
  for (const pipeline of pipelines.values()) {
    if (pipeline.listensTo.size === 0) continue;
    for (const { stream, batch } of final)
      if (pipeline.listensTo.has(stream)) pipeline.observe(stream, batch);
  }
}

function preprocessOf(
  pipeline: Pipeline,
  ports: StreamPorts,
  show: (output: PipelineOutput) => void,
): Preprocess {
  const reported = (output: PipelineOutput): Processed => {
    told(output, pipeline.stream, ports);
    show(output);
    return output;
  };
  const complete = (state: SavedState | null): SavedState | null => {
    if (state?.kind === 'full' && pipeline.stateLeftOut.length > 0)
      stateLeftOut(ports.telemetry, pipeline.stream, pipeline.stateLeftOut);
    return state;
  };
  return {
    hears: pipeline.listensTo.size > 0,
    process: (batch, now) => reported(pipeline.process(batch, micros(now))),
    tick: (now) => reported(pipeline.tick(micros(now))),
    changes: (bytesMax) => complete(pipeline.changes(bytesMax)),
    whole: (bytesMax) => complete(pipeline.whole(bytesMax)),
  };
}

/** One topic table a source: a stream takes topics only from the sources it names. */
function routerOf(config: Config, tags: TagTable): Router {
  const bySource = new Map<string, TopicRouter>();
  for (const source of Object.keys(config.sources)) {
    const streams = Object.entries(config.streams)
      .filter(([, stream]) => stream.from.includes(source))
      .map(([stream, { match }]) => ({ stream, match }));
    bySource.set(source, new TopicRouter(streams, { tags }));
  }
  // What is pushed to the API by topic may go to every stream, whatever sources it names.
  const all = Object.entries(config.streams).map(([stream, { match }]) => ({ stream, match }));
  bySource.set(pushedSource, new TopicRouter(all, { tags }));
  const none: readonly Route[] = [];
  return { routes: (source, topic) => bySource.get(source)?.route(topic) ?? none };
}
