import { assertBatch, qualityNames, valueAt, type Batch, type Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { createDecoder, type DecodeOutcome } from '#agent/reading/decode/decoder.ts';
import type { DecodeOptions } from '#agent/reading/decode/options.ts';
import { formatTime } from '#agent/reading/event-time.ts';
import { noTags } from '#agent/reading/tag-table.ts';

export interface Row {
  readonly time: string;
  readonly quality: string;
  readonly tags: Record<string, string>;
  readonly values: Record<string, Scalar>;
}

/** A batch as plain rows, with null-prototype values so that `__proto__` is a name like any other. */
export function rowsOf(batch: Batch): Row[] {
  assertBatch(batch);
  return Array.from({ length: batch.length }, (_, row) => {
    const values = Object.create(null) as Record<string, Scalar>;
    for (const column of batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined) values[column.name] = value;
    }
    return {
      time: formatTime(batch.timeMicros[row]!, batch.timeNanos?.[row] ?? 0),
      quality: qualityNames[batch.quality[row]! as 0 | 1 | 2],
      tags: { ...batch.series[batch.seriesIndex[row]!]! },
      values,
    };
  });
}

export const arrivalMicros = 1_000_000;

/** Decodes payloads one after another into one builder. */
export function decodeAll(
  options: DecodeOptions,
  payloads: readonly (string | Uint8Array)[],
): { outcomes: DecodeOutcome[]; rows: Row[] } {
  const decoder = createDecoder(options);
  const into = new BatchBuilder({ stream: 's', clock: decoder.clock, capacity: 2 });
  const outcomes = payloads.map((payload) =>
    decoder.decode(
      {
        topic: 't',
        payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
        tags: noTags,
        arrivalMicros,
      },
      into,
    ),
  );
  return { outcomes, rows: rowsOf(into.finish()) };
}

/** The values of every row of one payload that must decode. */
export function valuesOf(options: DecodeOptions, payload: string | Uint8Array): Record<string, Scalar>[] {
  const { outcomes, rows } = decodeAll(options, [payload]);
  const [outcome] = outcomes;
  if (outcome?.ok !== true) throw new Error(`refused: ${outcome?.reason} ${outcome?.detail}`);
  return rows.map((row) => ({ ...row.values }));
}

/** Reason and detail of a payload that must be refused and leave nothing. */
export function refusalOf(options: DecodeOptions, payload: string | Uint8Array): string {
  const { outcomes, rows } = decodeAll(options, [payload]);
  const [outcome] = outcomes;
  if (outcome?.ok !== false || rows.length > 0) throw new Error('decoded');
  return `${outcome.reason}: ${outcome.detail}`;
}
