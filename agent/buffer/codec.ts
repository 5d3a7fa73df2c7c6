import { deserialize, serialize } from 'node:v8';
import { decodeJournalRow, encodeJournalRow } from './codec/journal-row.ts';
import { ok, fail, type Result } from '../base/result.ts';
import { BatchBuilder } from '../reading/batch-builder.ts';
import { valueAt, type Batch, type Quality } from '../reading/batch.ts';

export interface EncodedBlock {
  readonly bytes: Uint8Array;
  readonly readings: number;
  readonly minTimeMicros: number;
  readonly maxTimeMicros: number;
}

export function encodeRow(batch: Batch): Uint8Array<ArrayBuffer> {
  return encodeJournalRow(batch);
}

export function decodeRow(bytes: Uint8Array, stream: string): Result<Batch, string> {
  const batch = decodeJournalRow(bytes, { stream });
  return batch.ok ? batch : fail(`${batch.error.code}: ${batch.error.detail}`);
}

export function encodeBlock(batches: readonly Batch[]): EncodedBlock {
  const batch = concat(batches);
  return {
    bytes: new Uint8Array(serialize(batch)),
    readings: batch.length,
    minTimeMicros: batch.timeMicros.reduce((a, b) => Math.min(a, b), Infinity),
    maxTimeMicros: batch.timeMicros.reduce((a, b) => Math.max(a, b), -Infinity),
  };
}

export function decodeBlock(bytes: Uint8Array, stream: string): Result<Batch, string> {
  try {
    return ok({ ...(deserialize(bytes) as Batch), stream });
  } catch (error) {
    return fail(String(error));
  }
}

export function concat(batches: readonly Batch[]): Batch {
  const builder = new BatchBuilder({ stream: batches[0]!.stream, clock: batches[0]!.clock });
  for (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      builder.begin({
        tags: batch.series[batch.seriesIndex[i]!]!,
        timeMicros: batch.timeMicros[i]!,
        timeNanos: batch.timeNanos?.[i] ?? 0,
        quality: batch.quality[i] as Quality,
      });
      for (const column of batch.columns) {
        const value = valueAt(column, i);
        if (value !== undefined) builder.set(column.name, value);
      }
    }
  }
  return builder.finish();
}
