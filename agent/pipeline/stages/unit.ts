import type { Stage } from '../stage.ts';
import { mapColumn } from './calibrate.ts';

export interface UnitConfig {
  readonly field: string;
  /** UCUM codes, case-sensitive: `Cel`, `[degF]`, `kW.h`, `m3/h`. */
  readonly from: string;
  readonly to: string;
  /** The values are differences, so a temperature scale counts from 0. Default false. */
  readonly difference?: boolean | undefined;
}

/** Gives the numbers of a field in another unit, whatever their quality. What is no number stays. */
export function unitStage(rule: string, field: string, convert: (value: number) => number): Stage {
  return {
    rule,
    process(batch) {
      const at = batch.columns.findIndex((column) => column.name === field);
      if (at < 0) return { main: batch };
      return { main: { ...batch, columns: batch.columns.with(at, mapColumn(batch.columns[at]!, convert)) } };
    },
  };
}
