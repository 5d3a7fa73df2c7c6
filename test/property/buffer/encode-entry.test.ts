import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { encodeEntry, unstorableIn } from '#agent/buffer/encode-entry.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { sliceBatch, type Batch, type Scalar } from '#agent/reading/batch.ts';

/** Near it on both sides lie readings of some hundred bytes. */
const bytesMax = 300;

const value: fc.Arbitrary<Scalar> = fc.oneof(
  fc.double(),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 120n), max: 2n ** 120n }),
  fc.string({ unit: 'binary', maxLength: 120 }),
  fc.nat({ max: 120 }).map((length) => '€'.repeat(length)),
  fc.uint8Array({ maxLength: 300 }),
);
const reading = fc.record({
  tags: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    {
      maxKeys: 4,
    },
  ),
  values: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), value, { minKeys: 1, maxKeys: 8 }),
});

function batchOf(
  readings: readonly { tags: Record<string, string>; values: Record<string, Scalar> }[],
): Batch {
  const builder = new BatchBuilder({ stream: 's', clock: 'device' });
  for (const [index, { tags, values }] of readings.entries()) {
    builder.begin({ tags, timeMicros: index });
    for (const [name, one] of Object.entries(values)) builder.set(name, one);
  }
  return builder.finish();
}

describe('unstorableIn', () => {
  it('finds a reading exactly where the store would leave one out', () => {
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 5 }), (readings) => {
        const batch = batchOf(readings);
        const entry = { stream: 's', batch, received: batch.length, filtered: [], marks: [] };

        const found = unstorableIn(batch, bytesMax);
        const { oversize } = encodeEntry(entry, bytesMax);

        expect(found !== null).toBe(oversize !== null);
        if (found === null || oversize === null) return;
        expect(found.bytes).toBeLessThanOrEqual(oversize.bytes);
        expect(found.bytes).toBeGreaterThan(bytesMax);
        expect(found.bytesMax).toBe(oversize.bytesMax);
      }),
      { numRuns: 500 },
    );
  });
});

/** What is stored of a batch, cut the slow way: everything is encoded before it is found too large. */
function cutSlowly(batch: Batch, most: number): Uint8Array[] {
  const bytes = encodeJournalRow(batch);
  if (bytes.length <= most) return [bytes];
  if (batch.length === 1) return [];
  const middle = batch.length >> 1;
  return [
    ...cutSlowly(sliceBatch(batch, 0, middle), most),
    ...cutSlowly(sliceBatch(batch, middle, batch.length), most),
  ];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A field has values of one kind, as in most streams; some readings lack it. */
const even = fc.record({
  tags: fc.constant({}),
  values: fc.record(
    {
      a: fc.double(),
      b: fc.double(),
      c: fc.boolean(),
      d: fc.string({ maxLength: 2 }),
      e: fc.bigInt({ min: 0n, max: 9n }),
    },
    { requiredKeys: ['a'] },
  ),
});

describe('encodeEntry', () => {
  it('cuts a batch into the rows that encoding each part in turn would find', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(even, { minLength: 1, maxLength: 60 }),
          fc.array(reading, { minLength: 1, maxLength: 20 }),
        ),
        fc.integer({ min: 100, max: 1_500 }),
        (readings, most) => {
          const batch = batchOf(readings);
          const entry = { stream: 's', batch, received: batch.length, filtered: [], marks: [] };

          const { rows } = encodeEntry(entry, most).entry;

          expect(rows.map(({ bytes }) => hex(bytes))).toEqual(cutSlowly(batch, most).map(hex));
        },
      ),
      { numRuns: 200 },
    );
  });
});
