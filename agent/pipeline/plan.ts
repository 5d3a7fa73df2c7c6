import type { StageProblem } from './compile-stage.ts';
import { compileStage } from './compile-stage.ts';
import { stagesMax } from './limits.ts';
import { Pipeline } from './pipeline.ts';
import type { StageConfig } from './stage-config.ts';
import type { Stage } from './stage.ts';

/** `stage` is the index in `stages:`, -1 for the list itself; `path` continues from there (`deadband.absolute`). */
export interface PipelineProblem extends StageProblem {
  readonly stage: number;
}

export type CompiledPipeline =
  | { readonly ok: true; readonly pipeline: Pipeline }
  | { readonly ok: false; readonly problems: readonly PipelineProblem[] };

/** Builds the pipeline of a stream, or says everything that is wrong with its stages. */
export function compilePipeline(options: {
  readonly stream: string;
  readonly stages: readonly StageConfig[];
}): CompiledPipeline {
  const { stream, stages: configs } = options;
  if (configs.length > stagesMax) {
    return {
      ok: false,
      problems: [
        { stage: -1, path: '', message: `${configs.length} stages; at most ${stagesMax} are allowed` },
      ],
    };
  }
  const problems: PipelineProblem[] = [];
  const stages: Stage[] = [];
  for (const [index, config] of configs.entries()) {
    const compiled = compileStage(index, config, stream);
    if (isProblems(compiled)) problems.push(...compiled.map((problem) => ({ stage: index, ...problem })));
    else stages.push(compiled);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, pipeline: new Pipeline({ stream, stages, fingerprints: fingerprintsOf(configs) }) };
}

function isProblems(compiled: Stage | readonly StageProblem[]): compiled is readonly StageProblem[] {
  return Array.isArray(compiled);
}

/**
 * Config as text, with a count for equal ones. The index is left out, so that state survives when another stage is put in before; a
 * stage's state depends on its input, but it is a "last value seen", right again after one reading.
 */
function fingerprintsOf(configs: readonly StageConfig[]): string[] {
  const seen = new Map<string, number>();
  return configs.map((config) => {
    const text = JSON.stringify(config);
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    return `${text}#${count}`;
  });
}
