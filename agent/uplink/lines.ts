import { valueAt, qualityNames } from '../reading/batch.ts';
import type { StoredRun } from '../ports/store.ts';

/** Rows `from` … `to - 1` of a run as NDJSON, one line a reading. */
export function encodeLines(run: StoredRun, rows: { agent: string; from: number; to: number }): Uint8Array {
  let text = '';
  for (let row = rows.from; row < rows.to; row++) {
    const values: Record<string, unknown> = {};
    for (const column of run.batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined) values[column.name] = typeof value === 'bigint' ? Number(value) : value;
    }
    text += `${JSON.stringify({
      agent: rows.agent,
      stream: run.stream,
      offset: run.first + row,
      time: new Date(run.batch.timeMicros[row]! / 1000).toISOString(),
      quality: qualityNames[run.batch.quality[row]! as 0 | 1 | 2],
      fidelity: run.fidelity,
      tags: run.batch.series[run.batch.seriesIndex[row]!],
      values,
    })}\n`;
  }
  return encoder.encode(text);
}

const encoder = new TextEncoder();
