import type { StageOutput } from '../stage.ts';

/** The output, with a note when series were forgotten. */
export function evictionNotes(output: StageOutput, rule: string, evicted: number): StageOutput {
  if (evicted === 0) return output;
  return { ...output, notes: [...(output.notes ?? []), { kind: 'series_evicted', rule, count: evicted }] };
}
