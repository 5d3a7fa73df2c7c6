import { valueAt } from '../../reading/batch.ts';
import type { Stage } from '../stage.ts';
import { mapColumn } from './calibrate.ts';
import { writtenField } from './written-field.ts';

export interface UnitConfig {
  readonly field: string;
  /** Field that takes the result. Default: the field itself. */
  readonly as?: string | undefined;
  /** UCUM codes, case-sensitive: `Cel`, `[degF]`, `kW.h`, `m3/h`. */
  readonly from: string;
  readonly to: string;
  /** The values are differences, so a temperature scale counts from 0. Default false. */
  readonly difference?: boolean | undefined;
}

/**
 * Gives the numbers of a field in another unit, whatever their quality. What is no number stays; with `as` another field takes the results, and
 * keeps what it has where there is none.
 */
export function unitStage(rule: string, config: UnitConfig, convert: (value: number) => number): Stage {
  const { field, as = field } = config;
  return {
    rule,
    process(batch) {
      const at = batch.columns.findIndex((column) => column.name === field);
      if (at < 0) return { main: batch };
      const column = batch.columns[at]!;
      if (as === field)
        return { main: { ...batch, columns: batch.columns.with(at, mapColumn(column, convert)) } };
      const values = new Float64Array(batch.length);
      const chosen = new Uint8Array(batch.length);
      for (let row = 0; row < batch.length; row++) {
        const value = valueAt(column, row);
        if (typeof value !== 'number' && typeof value !== 'bigint') continue;
        values[row] = convert(Number(value));
        chosen[row] = 1;
      }
      return { main: writtenField(batch, as, values, chosen) };
    },
  };
}
