import type { SavedState } from '../reading/journal-entry.ts';
import type { Pipeline } from './pipeline.ts';
import { compilePipeline } from './plan.ts';
import { readSnapshot, type Snapshot, writeSnapshot } from './snapshot.ts';
import type { StageConfig } from './stage-config.ts';

const wholeOf = (saved: readonly SavedState[]): Snapshot | null => {
  const full = saved.findLast(({ kind }) => kind === 'full');
  return full === undefined ? null : readSnapshot(full.bytes);
};

/**
 * The pipeline that stored this, made anew from the configs its state stands under and brought to where it was; null where it had no stages, or one
 * that can not be made any more.
 */
export function earlierPipeline(stream: string, saved: readonly SavedState[]): Pipeline | null {
  const stages: StageConfig[] = [];
  const snapshot = wholeOf(saved);
  if (snapshot?.isWhole !== true) return null;
  for (const { fingerprint } of snapshot.states) {
    const config = configOf(fingerprint);
    if (config === null) return null;
    stages.push(config);
  }
  if (stages.length === 0) return null;
  const pipeline = compiled(stream, stages);
  pipeline?.resume(saved);
  return pipeline;
}

/**
 * Of a state that {@link earlierPipeline} can not make stages of: kinds of the stages whose part nobody takes over, so that what they held back or had
 * open is lost.
 */
export function statesLost(saved: readonly SavedState[], pipeline: Pipeline | undefined): readonly string[] {
  if (!saved.some(({ kind }) => kind === 'full')) return [];
  const snapshot = wholeOf(saved);
  if (snapshot === null) return ['all its stages'];
  return snapshot.states.flatMap(({ fingerprint, state }) => {
    if (state === null || pipeline?.has(fingerprint) === true) return [];
    return [Object.keys(configOf(fingerprint) ?? {})[0] ?? 'a stage'];
  });
}

/** What another version of the program wrote need not be what this one takes, in any way. */
function compiled(stream: string, stages: readonly StageConfig[]): Pipeline | null {
  try {
    const outcome = compilePipeline({ stream, stages });
    return outcome.ok ? outcome.pipeline : null;
  } catch {
    return null;
  }
}

/** The config in a fingerprint, see `plan.ts`. */
function configOf(fingerprint: string): StageConfig | null {
  try {
    return JSON.parse(fingerprint.slice(0, fingerprint.lastIndexOf('#'))) as StageConfig;
  } catch {
    return null;
  }
}

/** State of a stream without stages: what was stored of any is void. */
export function emptyState(): SavedState {
  return { kind: 'full', bytes: writeSnapshot({ eventMicrosMax: Number.NEGATIVE_INFINITY, states: [] }) };
}
