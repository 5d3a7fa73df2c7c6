import { assert } from '../base/assert.ts';
import { base64Of } from './base64.ts';
import { qualityNames, type Batch, type Column, type Scalar } from './batch.ts';
import { TimeFormatter } from './event-time.ts';
import { summaryFrame, type SummaryFrame } from './summary.ts';

export interface NdjsonRun {
  readonly agent: string;
  /** Names the buffer `first` counts in; '' leaves the member out, for readings that are not stored. */
  readonly epoch: string;
  readonly batch: Batch;
  /** Offset of the batch's reading 0; reading i has `first + i`. */
  readonly first: number;
  /** Other than `raw`: the batch holds summaries, see `summary.ts`. */
  readonly fidelity: string;
  /** Says that times of arrival come from a clock nobody had set, or were corrected since; absent otherwise, here and on the line. */
  readonly clock?: 'unset' | 'rebased';
}

/** Readings `from` … `to - 1` of a run as NDJSON, each line ended by LF. The form is that of INTERFACE.md, "What an uplink sends". */
export function encodeNdjson(run: NdjsonRun, from = 0, to = run.batch.length): string {
  const { batch } = run;
  assert(from >= 0 && from <= to && to <= batch.length, 'rows within the batch');
  const epoch = run.epoch === '' ? '' : `"epoch":${JSON.stringify(run.epoch)},`;
  const head = `{"agent":${JSON.stringify(run.agent)},${epoch}"stream":${JSON.stringify(batch.stream)},"offset":`;
  const clock = run.clock === undefined ? '' : `,"clock":"${run.clock}"`;
  const fidelity = `","fidelity":${JSON.stringify(run.fidelity)}${clock},"tags":`;
  const series: (string | undefined)[] = [];
  const frame = run.fidelity === 'raw' ? null : summaryFrame(batch);
  const writers = (frame?.columns ?? batch.columns).map(columnWriter);
  const times = new TimeFormatter();
  const ends = new TimeFormatter();
  let text = '';
  for (let row = from; row < to; row++) {
    const time = times.format(batch.timeMicros[row]!, batch.timeNanos === null ? 0 : batch.timeNanos[row]!);
    const index = batch.seriesIndex[row]!;
    const tags = (series[index] ??= `${JSON.stringify(batch.series[index])},"values":{`);
    const quality = qualityNames[batch.quality[row]! as 0 | 1 | 2];
    const place =
      frame === null
        ? `${run.first + row},"time":"${time}`
        : summaryPlace(frame, row, { time, end: ends.format(frame.end[row]!, 0) });
    text += `${head}${place}","quality":"${quality}${fidelity}${tags}`;
    let comma = '';
    for (const write of writers) {
      const member = write(row);
      if (member === '') continue;
      text += comma + member;
      comma = ',';
    }
    text += '}}\n';
  }
  return text;
}

/** Where a reading has offset and time, a summary has both ends, and how many readings it stands for. */
function summaryPlace(
  frame: SummaryFrame,
  row: number,
  { time, end }: { time: string; end: string },
): string {
  return `${frame.offset[row]!},"until":${frame.until[row]!},"count":${frame.count[row]!},"time":"${time}","end":"${end}`;
}

/** {@link encodeNdjson} as UTF-8. */
export function encodeNdjsonBytes(run: NdjsonRun, from = 0, to = run.batch.length): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(encodeNdjson(run, from, to));
}

/** Writes `"name":value` of a row, or '' where the value is absent. */
function columnWriter(column: Column): (row: number) => string {
  const name = `${JSON.stringify(column.name)}:`;
  const { present } = column;
  const written = (value: (row: number) => string): ((row: number) => string) =>
    present === null ? (row) => name + value(row) : (row) => (present[row] === 0 ? '' : name + value(row));
  switch (column.kind) {
    case 'number': {
      const { values } = column;
      return written((row) => numberText(values[row]!));
    }
    case 'bigint': {
      const { values } = column;
      return written((row) => String(values[row]!));
    }
    case 'boolean': {
      const { values } = column;
      return written((row) => (values[row] === 1 ? 'true' : 'false'));
    }
    case 'text': {
      const { values } = column;
      return written((row) => JSON.stringify(values[row]!));
    }
    case 'bytes':
    case 'mixed': {
      const { values } = column;
      return written((row) => scalarText(values[row]!));
    }
  }
}

function scalarText(value: Scalar): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `{"base64":"${base64Of(value)}"}`;
  return String(value);
}

/** The shortest digits that read back to the same double. JSON has no NaN and no infinities: they become `{"number":"NaN"}`, which no text is. */
function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return Number.isFinite(value) ? String(value) : `{"number":"${value}"}`;
}
