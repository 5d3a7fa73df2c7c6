import { SedgeError } from '../../base/errors.ts';
import type { FieldWindowJson, WindowJson, WindowLevel, WindowsJson } from '../../query/windows-json.ts';
import { windowLevels } from '../../query/windows-json.ts';
import type { Summary } from '../../query/summary.ts';
import type { StoreCore } from '../store-core.ts';
import { queryRowsTogether, rollupLevels } from './limits.ts';
import { sound } from './merge.ts';
import { readRow } from './rolled.ts';
import { tagsByNumber } from './rollup-memory.ts';

export interface WindowsRequest {
  readonly stream: string;
  readonly every: WindowLevel;
  readonly after: { readonly start: number; readonly series: number } | null;
}

/** Rolled-up windows of a stream, a page at a time; what was not merged yet comes with the next look. @throws {SedgeError} */
export function windowsOf(core: StoreCore, { stream: name, every, after }: WindowsRequest): WindowsJson {
  const stream = core.memory.streams.get(name);
  if (stream === undefined) {
    throw new SedgeError('SEDGE_API_NO_STREAM', `there is no stream ${JSON.stringify(name)}`);
  }
  const rollup = core.folding.rollupOf(stream);
  if (rollup === null) return { stream: name, windows: [], next: null };
  const level = windowLevels.indexOf(every);
  const begin = after ?? { start: -Number.MAX_SAFE_INTEGER, series: -1 };
  const rows = core
    .prepare<{ start: number; series: number; bytes: Uint8Array }>(
      `SELECT start, series, bytes FROM rollups WHERE stream = ? AND level = ? AND (start, series) > (?, ?)
       ORDER BY start, series LIMIT ?`,
    )
    .all(stream.id, level, begin.start, begin.series, queryRowsTogether);
  const tags = tagsByNumber(rollup);
  const names = new Map([...rollup.fields].map(([field, number]) => [number, field]));
  const windows: WindowJson[] = [];
  for (const { start, series, bytes } of rows) {
    const rolled = sound(core, stream.id, () => readRow(bytes));
    if (rolled === null) continue;
    const fields: Record<string, FieldWindowJson> = {};
    for (const [number, summary] of rolled.fields)
      fields[names.get(number) ?? `field ${number}`] = fieldOf(summary);
    const { readings, bad } = rolled;
    const length = rollupLevels[level]!.micros;
    windows.push({
      start_micros: start,
      length_micros: length,
      tags: tags.get(series) ?? {},
      readings,
      bad,
      fields,
    });
  }
  const last = rows.at(-1);
  const more = last !== undefined && rows.length === queryRowsTogether;
  return { stream: name, windows, next: more ? { start: last.start, series: last.series } : null };
}

function fieldOf(summary: Summary): FieldWindowJson {
  const { count, sum, min, max } = summary.tally;
  const { scale, zeros, positive, negative } = summary.counted().buckets();
  return {
    count,
    sum,
    min,
    max,
    scale,
    zeros,
    positive: { offset: positive.offset, counts: [...positive.counts] },
    negative: { offset: negative.offset, counts: [...negative.counts] },
  };
}
