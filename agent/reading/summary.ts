import { assert } from '../base/assert.ts';
import type { Batch, Column } from './batch.ts';

/**
 * Summaries travel as batches too: a row stands for `count` readings of its series and quality, the first of which has `offset` and the last
 * `until - 1`; their event times lie between the row's time and `end`. These four are number columns without holes; the other columns are what is kept
 * of each field, named `field_what` (`agent/buffer/rungs/README.md`).
 */
export interface SummaryFrame {
  readonly offset: Float64Array;
  readonly until: Float64Array;
  readonly count: Float64Array;
  /** Microseconds since 1970, inclusive. */
  readonly end: Float64Array;
  /** The columns of fields. */
  readonly columns: readonly Column[];
}

const frameNames = new Set(['offset', 'until', 'count', 'end']);

/** @throws {Bug} when the batch holds no summaries. */
export function summaryFrame(batch: Batch): SummaryFrame {
  const numbers = (name: string): Float64Array => {
    const column = batch.columns.find((one) => one.name === name);
    assert(column?.kind === 'number' && column.present === null, `summaries have ${name}`);
    return column.values;
  };
  return {
    offset: numbers('offset'),
    until: numbers('until'),
    count: numbers('count'),
    end: numbers('end'),
    columns: batch.columns.filter(({ name }) => !frameNames.has(name)),
  };
}
