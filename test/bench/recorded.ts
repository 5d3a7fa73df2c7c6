import { existsSync, readFileSync } from 'node:fs';
import type { Batch } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

/** Public recordings beside the project; absent in a clone alone. */
const recordings = new URL('../../../shared/data/', import.meta.url);

/** One value of a recording. */
export interface Point {
  /** Microseconds since 1970. */
  readonly time: number;
  readonly value: number;
}

export const hasRecording = (file: string): boolean => existsSync(new URL(file, recordings));

/** One field of a recording in CSV, ascending in time. */
export function recorded(file: string, field: string): Point[] {
  const text = readFileSync(new URL(file, recordings), 'utf8').trim();
  const separator = text.slice(0, text.indexOf('\n')).includes(';') ? ';' : ',';
  const [header, ...lines] = text.split(/\r?\n/).map((line) => line.split(separator));
  const at = header!.indexOf(field);
  let last = Number.NEGATIVE_INFINITY;
  return lines.flatMap((fields) => {
    const time = Date.parse(`${fields[0]!.replace(' ', 'T')}Z`) * 1000;
    // The hour that summer time gives twice is told twice; a line has one value at a time.
    if (!(time > last)) return [];
    last = time;
    return [{ time, value: Number(fields[at]) }];
  });
}

/** One object for all rows: tags are told apart by identity, as decoders intern them. */
const tags = { m: 'm4' };

/** As one series with the field `v`. */
export function batchOf(points: readonly Point[]): Batch {
  const builder = new BatchBuilder({ stream: 's', clock: 'device', capacity: points.length });
  for (const { time, value } of points) {
    builder.begin({ tags, timeMicros: time });
    builder.set('v', value);
  }
  return builder.finish();
}
