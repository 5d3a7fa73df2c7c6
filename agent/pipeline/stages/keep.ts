import type { ParseResult } from '@marcbachmann/cel-js';
import { Predicate } from '../expression/predicate.ts';
import { Truth } from '../expression/vectors.ts';
import type { Stage, StageOutput } from '../stage.ts';
import { selectRows } from '../../reading/batch.ts';

/**
 * Keeps the readings for which the expression is true. Where it is false they are counted under the rule, where it has no answer
 * (a field is missing, types do not go together) under `${rule}!error`, with the first reason as a note.
 */
export function keepStage(rule: string, expression: ParseResult): Stage {
  const predicate = new Predicate(expression);
  const errorRule = `${rule}!error`;
  return {
    rule,
    process(batch): StageOutput {
      const codes = predicate.evaluate(batch);
      const { length } = batch;
      let kept = 0;
      let failures = 0;
      let firstFailure = -1;
      for (let i = 0; i < length; i++) {
        if (codes[i] === Truth.yes) kept++;
        else if (codes[i] === Truth.failed) {
          if (failures++ === 0) firstFailure = i;
        }
      }
      if (kept === length) return { main: batch };
      const filtered = [];
      const dropped = length - kept - failures;
      if (dropped > 0) filtered.push({ rule, count: dropped });
      if (failures > 0) filtered.push({ rule: errorRule, count: failures });
      let main = null;
      if (kept > 0) {
        const rows = new Uint32Array(kept);
        for (let i = 0, at = 0; at < kept; i++) if (codes[i] === Truth.yes) rows[at++] = i;
        main = selectRows(batch, rows);
      }
      if (failures === 0) return { main, filtered };
      const sample = predicate.failure(batch, firstFailure);
      return { main, filtered, notes: [{ kind: 'expression_failed', rule, count: failures, sample }] };
    },
  };
}
