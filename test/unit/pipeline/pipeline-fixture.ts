import type { Batch, Quality, Scalar, Tags } from '#agent/reading/batch.ts';
import { valueAt } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { micros } from '#agent/base/units.ts';
import { compilePipeline } from '#agent/pipeline/plan.ts';
import type { Pipeline } from '#agent/pipeline/pipeline.ts';
import type { StageConfig } from '#agent/pipeline/stage-config.ts';

/** One reading as an object: what tests and dumb twins work on. `at` in seconds. */
export interface Plain {
  readonly at: number;
  readonly values: Readonly<Record<string, Scalar>>;
  readonly tags?: Tags;
  readonly quality?: Quality;
}

export const now = micros(1_700_000_000_000_000);

export function batchOf(readings: readonly Plain[], stream = 'line'): Batch {
  const builder = new BatchBuilder({ stream, clock: 'device' });
  const interned = new Map<string, Tags>();
  for (const { at, values, tags = {}, quality = 0 } of readings) {
    const key = JSON.stringify(tags);
    const known = interned.get(key) ?? tags;
    interned.set(key, known);
    builder.begin({ tags: known, timeMicros: Math.round(at * 1e6), quality });
    for (const [name, value] of Object.entries(values)) builder.set(name, value);
  }
  return builder.finish();
}

export function plainOf(batch: Batch | null): Plain[] {
  if (batch === null) return [];
  return Array.from({ length: batch.length }, (_, row) => {
    const values: Record<string, Scalar> = {};
    for (const column of batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined) values[column.name] = value;
    }
    return {
      at: batch.timeMicros[row]! / 1e6,
      values,
      tags: batch.series[batch.seriesIndex[row]!]!,
      quality: batch.quality[row]! as Quality,
    };
  });
}

export function pipelineOf(...stages: StageConfig[]): Pipeline {
  const compiled = compilePipeline({ stream: 'line', stages });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  return compiled.pipeline;
}

/** Runs readings through fresh stages: the values that came out and the account of the rest. */
export function run(
  stages: readonly StageConfig[],
  readings: readonly Plain[],
): { out: Plain[]; filtered: Record<string, number> } {
  const output = pipelineOf(...stages).process(batchOf(readings), now);
  return {
    out: output.outputs.flatMap(({ batch }) => plainOf(batch)),
    filtered: Object.fromEntries(output.filtered.map(({ rule, count }) => [rule, count])),
  };
}

/** `ms` of wall clock after `now`. */
export const later = (ms: number): typeof now => micros(now + ms * 1000);

/** Values of one field that came out. */
export const valuesOut = (
  field: string,
  stages: readonly StageConfig[],
  readings: readonly Plain[],
): (Scalar | undefined)[] => run(stages, readings).out.map(({ values }) => values[field]);

/** One reading a second with this field. */
export const seconds = (field: string, values: readonly Scalar[]): Plain[] =>
  values.map((value, at) => ({ at, values: { [field]: value } }));
