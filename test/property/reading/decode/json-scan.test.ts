import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { JsonScan } from '#agent/reading/decode/json-scan.ts';
import { ReadingSink } from '#agent/reading/decode/reading-sink.ts';
import { noTags, TagTable } from '#agent/reading/tag-table.ts';
import { arrivalMicros, decodeAll, rowsOf, type Row } from '../../../unit/reading/rows.ts';

const digits = fc.stringMatching(/^\d{1,18}$/);
const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer().map(String),
  fc
    .tuple(fc.constantFrom('', '-', '+'), digits, fc.constantFrom('', '.'), fc.oneof(digits, fc.constant('')))
    .map((parts) => parts.join('')),
  fc.constantFrom('-0', '0.0', '-0.0', '1e5', '01', '.5', '5.', '-', '1.5E-3', `0.${'0'.repeat(500)}1`),
);
const valueText = fc.oneof(
  { weight: 6, arbitrary: numberText },
  fc.string({ maxLength: 30 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    'true',
    'false',
    'null',
    'tru',
    '"é"',
    String.raw`"\u0041"`,
    '"a\u0001"',
    '{}',
    '[1]',
    '"same"',
    '"',
  ),
);
const keyText = fc.constantFrom(
  '"a"',
  '"b"',
  '"ts"',
  '"__proto__"',
  '"c d"',
  '""',
  String.raw`"\u0061"`,
  '"é"',
  'a',
);
const space = fc.constantFrom('', '', '', ' ', '\t', '\r', '\v');
const objectText = fc
  .tuple(
    fc.array(fc.tuple(space, keyText, space, valueText, space), { maxLength: 5 }),
    space,
    fc.constantFrom('}', '}', '}', '', '},', '}x'),
  )
  .map(([members, before, end]) => {
    const texts = members.map(([a, key, b, value, c]) => `${a}${key}${b}:${value}${c}`);
    return `${before}{${texts.join(',')}${end}`;
  });
/** Runs of one shape, as a sensor sends them, with others between. */
const payloads = fc.array(
  fc.oneof(
    objectText,
    fc.tuple(numberText, numberText).map(([a, b]) => `{"a":${a},"b":${b}}`),
  ),
  {
    maxLength: 12,
  },
);

describe('the short way through JSON', () => {
  it('gives what the long way gives, for good and bad payloads', () => {
    const options = fc.constantFrom({}, { tags: ['b'] }, { time: 'ts', time_unit: 's' } as const, {
      fields: ['a'],
    });
    fc.assert(
      fc.property(payloads, options, (payloads, options) => {
        // NDJSON of one line has no short way.
        const short = decodeAll({ format: 'json', ...options }, payloads);
        const long = decodeAll({ format: 'ndjson', ...options }, payloads);
        expect(short.rows).toEqual(long.rows);
        for (const [i, outcome] of long.outcomes.entries()) {
          const detail = outcome.ok ? {} : { detail: outcome.detail.replace('line 1: ', '') };
          expect(short.outcomes[i]).toEqual({ ...outcome, ...detail });
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('leaves nothing behind when it gives up', () => {
    const [row] = decodeAll({ format: 'json' }, ['{"a":1,"b":2,"a":null}']).rows;
    expect({ ...row!.values }).toEqual({ b: 2 });
  });

  const scanned = (text: string): Row | null => {
    const sink = new ReadingSink({ format: 'json' }, new TagTable());
    const into = new BatchBuilder({ stream: 's', clock: 'agent' });
    sink.open(into, { tags: noTags, arrivalMicros });
    if (!new JsonScan(sink).read(new TextEncoder().encode(text))) return null;
    sink.finish();
    return rowsOf(into.finish())[0]!;
  };

  it('reads any double and plain text as JSON.parse does, to the bit', () => {
    const plain = fc.stringMatching(/^[ !#-[\]-~]{0,40}$/);
    const number = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => {
      return !/e|^-?\d{16}/.test(JSON.stringify(value));
    });
    fc.assert(
      fc.property(number, fc.boolean(), plain, (a, b, c) => {
        const text = JSON.stringify({ a, b, c, d: null });
        const { d: _absent, ...expected } = JSON.parse(text) as Record<string, unknown>;
        expect({ ...scanned(text)?.values }).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('gives texts that repeat, or nearly, as they were sent', () => {
    // Some share length, ends and middle, by which the ones seen are found.
    const text = fc.oneof(
      fc.stringMatching(/^[ab]{0,6}$/),
      fc.stringMatching(/^x{1,3}[01]{2}y[01]{2}z$/),
      fc.nat({ max: 200 }).map((length) => 'x'.repeat(length)),
      fc.constantFrom('on', 'off', 'é', 'a"b', 'a\\b', 'a\u0001b'),
    );
    const sent = fc.array(text, { minLength: 1, maxLength: 6 }).chain((pool) =>
      fc.array(fc.tuple(fc.constantFrom(...pool), fc.constantFrom(...pool)), {
        maxLength: 120,
        size: 'max',
      }),
    );
    fc.assert(
      fc.property(sent, (pairs) => {
        const payloads = pairs.map(([a, b]) => JSON.stringify({ a, b }));
        const { rows } = decodeAll({ format: 'json' }, payloads);
        expect(rows.map(({ values }) => ({ ...values }))).toEqual(pairs.map(([a, b]) => ({ a, b })));
      }),
      { numRuns: 200 },
    );
  });

  it('is taken by what sensors send, not by what is unusual', () => {
    expect(scanned('{ "t" : -21.50, "ok":true,\n"mode":"auto" }')?.values).toEqual(
      Object.assign(Object.create(null), { t: -21.5, ok: true, mode: 'auto' }),
    );
    for (const text of [
      '{"a":1e5}',
      '{"a":{}}',
      '{"a":1,"a":2}',
      '{"a":1234567890123456}',
      '{"a":"é"}',
      '[1]',
      '{}',
      '{"a":1',
    ]) {
      expect(scanned(text)).toBeNull();
    }
  });
});
