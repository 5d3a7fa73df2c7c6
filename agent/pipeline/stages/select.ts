import type { Batch } from '../../reading/batch.ts';
import { fieldMatcher } from '../field-pattern.ts';
import { rowsKept } from '../rows.ts';
import type { SelectConfig } from '../stage-config.ts';
import type { Stage, StageOutput } from '../stage.ts';

/** Keeps the named fields. A reading that is left without any value is dropped and counted. */
export function selectStage(rule: string, config: SelectConfig): Stage {
  const matches = fieldMatcher(config.fields);
  return {
    rule,
    process(batch): StageOutput {
      const columns = batch.columns.filter((column) => matches(column.name));
      const narrowed: Batch = columns.length === batch.columns.length ? batch : { ...batch, columns };
      if (columns.some((column) => column.present === null)) return { main: narrowed };
      return rowsKept(narrowed, rule, (row) => columns.some((column) => column.present![row] === 1));
    },
  };
}
