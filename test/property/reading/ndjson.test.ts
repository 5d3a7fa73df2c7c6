import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueAt, type Batch, type Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { decodeNdjson, type NdjsonReading } from '#agent/reading/decode-ndjson.ts';
import { encodeNdjson, encodeNdjsonBytes } from '#agent/reading/encode-ndjson.ts';
import { tagsOf } from '#agent/reading/tag-table.ts';

/** Any, with those that JSON escapes among them. */
const unit = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 10, 34, 92, 0xd800));
const text = fc.array(unit, { maxLength: 4 }).map((units) => String.fromCharCode(...units));
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.double(),
  fc.bigInt({ min: -(2n ** 120n), max: 2n ** 120n }),
  fc.boolean(),
  text,
  fc.constantFrom('NaN', 'Infinity', '-Infinity'),
  fc.uint8Array({ maxLength: 5 }),
);
const name = fc.oneof(fc.constantFrom('a', 'b', '0', '__proto__', '', '\\', '"', '\n', '\\\\'), text);
const reading = fc.record({
  values: fc.array(fc.tuple(name, scalar), { maxLength: 4 }),
  tags: fc.array(fc.tuple(name, text), { maxLength: 2 }),
  micros: fc.maxSafeInteger(),
  nanos: fc.integer({ min: 0, max: 999 }),
  quality: fc.constantFrom(0, 1, 2),
});

/** '' stands for none. */
const epochs = fc.oneof(
  fc.constant(''),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => bits.toString(16).padStart(16, '0')),
);

/** What a value is after a journey through JSON. */
function travelled(value: Scalar): Scalar {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'number') return value;
  const digits = String(value);
  return Number.isSafeInteger(value) || !/^-?\d+$/.test(digits) ? value : BigInt(digits);
}

function expected(batch: Batch, row: number, epoch: string): NdjsonReading {
  const values = new Map<string, Scalar>();
  for (const column of batch.columns) {
    const value = valueAt(column, row);
    if (value !== undefined) values.set(column.name, travelled(value));
  }
  return {
    agent: 'gw "7"',
    epoch,
    stream: batch.stream,
    offset: 100 + row,
    timeMicros: batch.timeMicros[row]!,
    timeNanos: batch.timeNanos?.[row] ?? 0,
    quality: batch.quality[row]! as 0 | 1 | 2,
    fidelity: 'raw',
    span: null,
    tags: batch.series[batch.seriesIndex[row]!]!,
    values,
  };
}

describe('NDJSON', () => {
  it('decodes to the rows that were encoded', () => {
    fc.assert(
      fc.property(
        fc.array(reading, { maxLength: 6 }),
        fc.nat(),
        fc.nat(),
        epochs,
        (readings, a, b, epoch) => {
          const builder = new BatchBuilder({ stream: 's/é', clock: 'device', capacity: 1 });
          for (const { tags, values, micros, nanos, quality } of readings) {
            builder.begin({ tags: tagsOf(tags), timeMicros: micros, timeNanos: nanos, quality });
            for (const [key, value] of values) builder.set(key, value);
          }
          const batch = builder.finish();
          const from = a % (batch.length + 1);
          const to = from + (b % (batch.length - from + 1));
          const run = { agent: 'gw "7"', epoch, batch, first: 100, fidelity: 'raw' };

          const bytes = encodeNdjsonBytes(run, from, to);
          const decoded = decodeNdjson(bytes);

          expect(new TextDecoder().decode(bytes)).toBe(encodeNdjson(run, from, to));
          expect(decoded.ok ? decoded.value : decoded.error).toEqual(
            Array.from({ length: to - from }, (_, i) => expected(batch, from + i, epoch)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never throws, whatever bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 30 }),
          fc.json().map((json) => new TextEncoder().encode(json)),
        ),
        (body) => {
          decodeNdjson(body);
        },
      ),
    );
  });
});
