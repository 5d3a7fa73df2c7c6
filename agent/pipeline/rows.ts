import type { Batch } from '../reading/batch.ts';
import { selectRows } from '../reading/batch.ts';
import type { StageOutput } from './stage.ts';

/** The readings for which `keeps` holds, asked once each and in order; the others are counted under `rule`. */
export function rowsKept(batch: Batch, rule: string, keeps: (row: number) => boolean): StageOutput {
  const rows = new Uint32Array(batch.length);
  let kept = 0;
  for (let row = 0; row < batch.length; row++) if (keeps(row)) rows[kept++] = row;
  return rowsSelected(batch, rule, rows.subarray(0, kept));
}

/** `rows` ascending, without repetition. */
export function rowsSelected(batch: Batch, rule: string, rows: Uint32Array): StageOutput {
  if (rows.length === batch.length) return { main: batch };
  const filtered = [{ rule, count: batch.length - rows.length }];
  return { main: rows.length === 0 ? null : selectRows(batch, rows), filtered };
}
