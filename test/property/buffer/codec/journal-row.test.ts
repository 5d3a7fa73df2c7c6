import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '#agent/base/crc32c.ts';
import { assertBatch, sliceBatch, type Batch } from '#agent/reading/batch.ts';
import { decodeJournalRow, encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { noTags } from '#agent/reading/tag-table.ts';
import { anyBatch, rowsOf } from './any-batch.ts';

function decoded(bytes: Uint8Array): Batch {
  const result = decodeJournalRow(bytes, { stream: 's' });
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

describe('a journal row', () => {
  it('gives its batch back, whatever the batch holds', () => {
    fc.assert(
      fc.property(anyBatch(), (batch) => {
        // As SQLite hands blobs out.
        const row = Buffer.from(encodeJournalRow(batch));
        const back = decoded(row);
        row.fill(0xff);
        assertBatch(back);
        expect(rowsOf(back)).toEqual(rowsOf(batch));
        expect({ ...back, ...ignored }).toEqual({ ...batch, ...ignored });
      }),
    );
  });

  it('gives texts back that repeat, or nearly', () => {
    const text = fc.oneof(
      fc.stringMatching(/^x{1,3}[01]{2}y[01]{2}z$/),
      fc.nat({ max: 200 }).map((length) => 'x'.repeat(length)),
      fc.constantFrom('', 'on', 'off', 'é', 'ê', '\uD800', '\uFEFFx'),
    );
    const column = fc
      .array(text, { minLength: 1, maxLength: 40 })
      .chain((pool) => fc.array(fc.constantFrom(...pool), { minLength: 1, maxLength: 300, size: 'max' }));
    fc.assert(
      fc.property(column, (texts) => {
        const builder = new BatchBuilder({ stream: 's', clock: 'device' });
        for (const [i, one] of texts.entries()) {
          builder.begin({ tags: noTags, timeMicros: i });
          builder.set('state', one);
        }
        expect(decoded(encodeJournalRow(builder.finish())).columns[0]?.values).toEqual(texts);
      }),
      { numRuns: 200 },
    );
  });

  it('gives a slice of its batch back', () => {
    fc.assert(
      fc.property(anyBatch(), fc.nat(), fc.nat(), (batch, a, b) => {
        const from = a % (batch.length + 1);
        const slice = sliceBatch(batch, from, from + (b % (batch.length - from + 1)));
        expect(rowsOf(decoded(encodeJournalRow(slice)))).toEqual(rowsOf(slice));
      }),
    );
  });

  it('notices every flipped bit', () => {
    fc.assert(
      fc.property(anyBatch(), fc.nat(), (batch, bit) => {
        const bytes = encodeJournalRow(batch);
        const at = bit % (bytes.length * 8);
        bytes[at >> 3]! ^= 1 << (at & 7);
        expect(decodeJournalRow(bytes, { stream: 's' }).ok).toBe(false);
      }),
    );
  });

  it('answers with an error to anything cut off', () => {
    fc.assert(
      fc.property(anyBatch(), fc.nat(), (batch, cut) => {
        const bytes = encodeJournalRow(batch);
        const result = decodeJournalRow(bytes.subarray(0, cut % bytes.length), { stream: 's' });
        expect(result.ok).toBe(false);
      }),
    );
  });

  it('never throws on bytes whose checksum was made to fit', () => {
    fc.assert(
      fc.property(
        anyBatch(),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        (batch, edits) => {
          const bytes = encodeJournalRow(batch);
          for (const [at, value] of edits) bytes[2 + (at % (bytes.length - 6))] = value;
          const end = bytes.length - 4;
          new DataView(bytes.buffer).setUint32(end, crc32c(bytes.subarray(0, end)), true);
          const result = decodeJournalRow(bytes, { stream: 's' });
          if (result.ok) expect(rowsOf(result.value)).toHaveLength(result.value.length);
        },
      ),
      { numRuns: 400 },
    );
  });
});

/** The table of series may lose those that do not occur; rows are compared by their tags. */
const ignored = { series: null, seriesIndex: null };
