import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertBatch, selectRows, sliceBatch, valueAt, type Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.double(),
  fc.bigInt(),
  fc.boolean(),
  fc.string({ maxLength: 4 }),
  fc.uint8Array({ maxLength: 4 }),
);
const name = fc.constantFrom('a', 'b', 'c', 'd');
const reading = fc.record({
  values: fc.array(fc.tuple(name, scalar), { maxLength: 5 }),
  abandoned: fc.boolean(),
  nanos: fc.integer({ min: 0, max: 999 }),
});

function build(readings: { values: [string, Scalar][]; abandoned: boolean; nanos: number }[]) {
  const builder = new BatchBuilder({ stream: 's', clock: 'device', capacity: 1 });
  const tags = [{ m: '1' }, { m: '2' }];
  const twin: Map<string, Scalar>[] = [];
  for (const [i, one] of readings.entries()) {
    builder.begin({ tags: tags[i % 2]!, timeMicros: i, timeNanos: one.nanos });
    const row = new Map<string, Scalar>();
    for (const [key, value] of one.values) {
      builder.set(key, value);
      row.set(key, value);
    }
    if (one.abandoned) builder.abandon();
    else twin.push(row);
  }
  return { batch: builder.finish(), twin };
}

function rowsOf(batch: ReturnType<BatchBuilder['finish']>): Map<string, Scalar>[] {
  return Array.from({ length: batch.length }, (_, row) => {
    const values = new Map<string, Scalar>();
    for (const column of batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined) values.set(column.name, value);
    }
    return values;
  });
}

describe('BatchBuilder', () => {
  it('holds exactly the values that were set, whatever their kinds and holes', () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 20 }), (readings) => {
        const { batch, twin } = build(readings);
        assertBatch(batch);
        expect(rowsOf(batch)).toEqual(twin);
      }),
    );
  });

  it('slices and selects like an array does', () => {
    fc.assert(
      fc.property(
        fc.array(reading, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.nat(),
        (readings, a, b) => {
          const { batch, twin } = build(readings);
          const from = a % (batch.length + 1);
          const to = from + (b % (batch.length - from + 1));
          const rows = Uint32Array.from(twin.keys()).filter((row) => (row * 7 + a) % 3 !== 0);

          const slice = sliceBatch(batch, from, to);
          const selected = selectRows(batch, rows);

          assertBatch(slice);
          assertBatch(selected);
          expect(rowsOf(slice)).toEqual(twin.slice(from, to));
          expect(rowsOf(selected)).toEqual(Array.from(rows, (row) => twin[row]));
        },
      ),
    );
  });
});
