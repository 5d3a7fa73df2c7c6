import fc from 'fast-check';
import { valueAt, type Batch, type Scalar, type Tags } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';

/** Any text, half surrogate pairs and byte order marks included. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\uFEFFx', '\uD800', 'a\uDC00b', '\uD83D\uDE00', '__proto__', 'constructor'),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer({ min: -2000, max: 2000 }).map((n) => n / 100),
  fc.integer({ min: -2000, max: 2000 }).map((n) => Math.fround(n / 10)),
  fc.constantFrom(
    0,
    -0,
    5e-324,
    -5e-324,
    Infinity,
    -Infinity,
    NaN,
    2 ** 53,
    -(2 ** 53) - 2,
    1e300,
    0.1 + 0.2,
  ),
);
const anyScalar: fc.Arbitrary<Scalar> = fc.oneof(
  { weight: 4, arbitrary: anyNumber },
  { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { weight: 1, arbitrary: fc.bigInt() },
  { weight: 1, arbitrary: fc.boolean() },
  { weight: 1, arbitrary: anyText },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

/** Columns of one kind are what real streams have; a free-for-all makes them all mixed. */
const kinds: readonly fc.Arbitrary<Scalar>[] = [
  anyNumber,
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.boolean(),
  anyText,
  fc.uint8Array({ maxLength: 6 }),
  anyScalar,
];
const anyTags: fc.Arbitrary<Tags> = fc.dictionary(anyText, anyText, { maxKeys: 3 });
const anyTime = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((n) => 1.7e15 + n * 1e6),
  fc.maxSafeInteger(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 0),
);

export function anyBatch(stream = 's', rowsMax = 30): fc.Arbitrary<Batch> {
  return fc
    .record({
      clock: fc.constantFrom('device' as const, 'agent' as const),
      tags: fc.array(anyTags, { minLength: 1, maxLength: 4 }),
      names: fc.uniqueArray(fc.oneof(fc.constantFrom('a', 'b', 'c'), anyText), { maxLength: 4 }),
      columns: fc.array(fc.nat({ max: kinds.length - 1 }), { minLength: 4, maxLength: 4 }),
    })
    .chain(({ clock, tags, names, columns }) =>
      fc
        .array(
          fc.record({
            time: anyTime,
            nanos: fc.constantFrom(0, 0, 0, 1, 999),
            quality: fc.constantFrom(0 as const, 0 as const, 1 as const, 2 as const),
            series: fc.nat({ max: tags.length - 1 }),
            values: fc.tuple(...columns.map((kind) => fc.option(kinds[kind]!, { freq: 8, nil: undefined }))),
          }),
          { maxLength: rowsMax },
        )
        .map((rows) => {
          const builder = new BatchBuilder({ stream, clock, capacity: 4 });
          for (const row of rows) {
            builder.begin({
              tags: tags[row.series]!,
              timeMicros: row.time,
              timeNanos: row.nanos,
              quality: row.quality,
            });
            for (const [i, name] of names.entries()) {
              const value = row.values[i];
              if (value !== undefined) builder.set(name, value);
            }
          }
          return builder.finish();
        }),
    );
}

/** The plain twin of a batch: one object a reading, every value with its kind. -0 and NaN compare by `Object.is` under toEqual. */
export function rowsOf(batch: Batch): unknown[] {
  return Array.from({ length: batch.length }, (_, row) => {
    const values = new Map<string, Scalar>();
    for (const column of batch.columns) {
      const value = valueAt(column, row);
      if (value !== undefined) values.set(column.name, value);
    }
    return {
      time: batch.timeMicros[row]! + 0,
      nanos: batch.timeNanos?.[row] ?? 0,
      quality: batch.quality[row],
      tags: new Map(Object.entries(batch.series[batch.seriesIndex[row]!]!)),
      values,
    };
  });
}
