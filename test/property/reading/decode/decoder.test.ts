import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueAt, type Scalar } from '#agent/reading/batch.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { createDecoder, type Decoder } from '#agent/reading/decode/decoder.ts';
import { mayHoldLongInteger } from '#agent/reading/decode/json-text.ts';
import { decodeFormats, type DecodeOptions } from '#agent/reading/decode/options.ts';
import { readingsPerMessageLimit } from '#agent/reading/limits.ts';
import { noTags } from '#agent/reading/tag-table.ts';
import { decodeAll, rowsOf } from '../../../unit/reading/rows.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Texts that nearly are what a format wants. */
const pieces = fc.constantFrom(
  '{', '}', '[', ']', '"', ':', ',', '\\', '\n', '\r\n', ' ', '=', '#', '1', '-0', '.5', 'e9', '1i', '2u', 't', 'm', 'a', 'ts',
  'null', 'true', '"a":1', '{"a":1}', '"ts":1e9', '[1,2]', '9007199254740993', 'NaN', 'm,a=b c=1 5\n', 'a,b\n1,2\n', '__proto__', 'é', '\0',
); // prettier-ignore
const nearly = fc.array(pieces, { maxLength: 14 }).map((parts) => utf8(parts.join('')));
const payload = fc.oneof(nearly, fc.uint8Array({ maxLength: 40 }));

const options: fc.Arbitrary<DecodeOptions> = fc.constantFrom<DecodeOptions[]>(
  ...decodeFormats.map((format): DecodeOptions => ({ format })),
  { format: 'json', time: 'ts', tags: ['a'], readings: 'r' },
  { format: 'ndjson', time: 'ts', time_unit: 's', quality: 'm' },
  { format: 'cbor', fields: { x: 'a' }, readings: 'r' },
  { format: 'csv', columns: ['ts', 'a'], time: 'ts', tags: ['a'] },
  { format: 'influx', tags: ['a'], measurement: '', time_unit: 'auto' },
);

function decode(decoder: Decoder, payload: Uint8Array, into: BatchBuilder) {
  return decoder.decode({ topic: 't', payload, tags: noTags, arrivalMicros: 5 }, into);
}

describe('any decoder', () => {
  it('takes any bytes without throwing, and leaves nothing of what it refuses', () => {
    fc.assert(
      fc.property(options, fc.array(payload, { maxLength: 4 }), (options, payloads) => {
        const decoder = createDecoder(options);
        const into = new BatchBuilder({ stream: 's', clock: decoder.clock, capacity: 1, columnsLimit: 8 });
        const accepted: Uint8Array[] = [];
        for (const one of payloads) {
          const before = into.length;
          const outcome = decode(decoder, one, into);
          expect(into.length).toBe(outcome.ok ? before + outcome.readings : before);
          if (outcome.ok) {
            accepted.push(one);
            expect(outcome.readings).toBeLessThanOrEqual(readingsPerMessageLimit);
          } else {
            expect(outcome.detail).toMatch(/^[^\p{Cc}]{1,200}$/u);
          }
        }
        // The twin never saw the refused ones.
        const twin = new BatchBuilder({ stream: 's', clock: decoder.clock });
        const fresh = createDecoder(options);
        for (const one of accepted) expect(decode(fresh, one, twin).ok).toBe(true);
        expect(rowsOf(into.finish())).toEqual(rowsOf(twin.finish()));
      }),
      { numRuns: 600 },
    );
  });
});

/** What a flattening decoder should give, the plain way. */
function flat(value: unknown, path: string, into: Map<string, Scalar>): Map<string, Scalar> {
  if (value === null || value === undefined) return into;
  if (typeof value !== 'object') return into.set(path, value as Scalar);
  for (const [key, item] of Object.entries(value)) flat(item, path === '' ? key : `${path}.${key}`, into);
  return into;
}

const leaf = fc.oneof(
  fc.double({ min: -(2 ** 52), max: 2 ** 52, noNaN: true }),
  fc.boolean(),
  fc.string({ maxLength: 5 }),
  fc.constant(null),
);
const key = fc.stringMatching(/^[a-c_]{1,3}$/);
const { tree } = fc.letrec((tie) => ({
  tree: fc.dictionary(key, tie('node'), { maxKeys: 4 }),
  node: fc.oneof({ depthSize: 'small' }, leaf, tie('tree'), fc.array(tie('node'), { maxLength: 3 })),
}));

describe('json and cbor', () => {
  it('flatten as a plain walk does, both alike', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 3 }), (trees) => {
        // What JSON cannot say (-0) is no part of this law.
        const plain = JSON.parse(JSON.stringify(trees)) as unknown[];
        const expected = plain.map((tree) => Object.fromEntries(flat(tree, '', new Map())));
        const text = decodeAll({ format: 'json' }, [JSON.stringify(plain)]);
        const binary = decodeAll({ format: 'cbor' }, [encode(plain)]);
        expect(text.rows.map((row) => ({ ...row.values }))).toEqual(expected);
        expect(binary.rows).toEqual(text.rows);
      }),
      { numRuns: 200 },
    );
  });

  it('keep any integer of 64 bits exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }), (integer) => {
        const expected = Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
        const [text] = decodeAll({ format: 'json' }, [`{"v": ${integer} }`]).rows;
        const [binary] = decodeAll({ format: 'cbor' }, [encode({ v: integer })]).rows;
        expect(text!.values['v']).toBe(expected);
        expect(binary!.values['v']).toBe(expected);
      }),
    );
  });

  it('see every run of 16 digits that is no fraction', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('1', '22222', '3333333333', 'x', '.'), { maxLength: 20 }),
        (parts) => {
          const text = parts.join('');
          expect(mayHoldLongInteger(utf8(text))).toBe(/(?<![.\d])\d{16}/.test(text));
        },
      ),
    );
  });

  it('see 16 digits wherever they stand', () => {
    for (let before = 0; before < 40; before++) {
      expect(mayHoldLongInteger(utf8(`${'x'.repeat(before)}1234567890123456`))).toBe(true);
      expect(mayHoldLongInteger(utf8(`${'x'.repeat(before)}123456789012345x`))).toBe(false);
    }
  });
});

const name = fc.stringMatching(/^[a-z ,=é]{1,6}$/);
const escapeName = (text: string): string => text.replaceAll(/[,= ]/g, String.raw`\$&`);
const fieldValue = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => [String(value), value + 0] as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => {
    return [`${value}i`, Number.isSafeInteger(Number(value)) ? Number(value) : value] as const;
  }),
  fc.boolean().map((value) => [String(value), value] as const),
  fc
    .string({ maxLength: 6 })
    .map((value) => [`"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`, value] as const),
);

describe('influx', () => {
  it('reads back any line written by its rules', () => {
    const line = fc.record({
      measurement: fc.stringMatching(/^[a-z ,]{1,6}$/),
      tags: fc.uniqueArray(fc.tuple(name, name), { selector: ([key]) => key, maxLength: 3 }),
      fields: fc.uniqueArray(fc.tuple(name, fieldValue), {
        selector: ([key]) => key,
        minLength: 1,
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 3 }), (lines) => {
        const text = lines.map(({ measurement, tags, fields }) => {
          const head = [
            escapeName(measurement),
            ...tags.map(([key, value]) => `${escapeName(key)}=${escapeName(value)}`),
          ];
          const body = fields.map(([key, [written]]) => `${escapeName(key)}=${written}`);
          return `${head.join(',')} ${body.join(',')} 7000`;
        });
        const { rows } = decodeAll({ format: 'influx' }, [text.join('\n') || '\n']);
        expect(rows.map((row) => [row.tags, { ...row.values }])).toEqual(
          lines.map(({ measurement, tags, fields }) => [
            { measurement, ...Object.fromEntries(tags) },
            Object.fromEntries(fields.map(([key, [, value]]) => [key, value])),
          ]),
        );
      }),
    );
  });
});

describe('csv', () => {
  it('reads back any cells written by RFC 4180', () => {
    const table = fc.integer({ min: 1, max: 3 }).chain((columns) =>
      fc.array(fc.array(fc.string({ maxLength: 6 }), { minLength: columns, maxLength: columns }), {
        minLength: 1,
        maxLength: 4,
      }),
    );
    fc.assert(
      fc.property(
        table,
        fc.constantFrom(',', ';', '\t'),
        fc.constantFrom('\n', '\r\n'),
        (table, delimiter, end) => {
          const columns = table[0]!.map((_, i) => `c${i}`);
          const text = table
            .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(delimiter))
            .join(end);
          const { rows } = decodeAll({ format: 'csv', columns, delimiter }, [text]);
          expect(rows.map((row) => Object.values(row.values))).toEqual(table);
        },
      ),
    );
  });

  it('infers numbers as Number reads them', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const builder = new BatchBuilder({ stream: 's', clock: 'agent' });
        decode(createDecoder({ format: 'csv', columns: ['v'] }), utf8(String(value)), builder);
        const [column] = builder.finish().columns;
        const read = valueAt(column!, 0)!;
        expect(Number(read)).toBe(value + 0);
      }),
    );
  });
});
