import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { createDecoder } from '#agent/reading/decode/decoder.ts';
import { decodeProblem, type DecodeOptions } from '#agent/reading/decode/options.ts';
import { oneLine } from '#agent/reading/decode/undecodable.ts';
import { TagTable, tagsOf } from '#agent/reading/tag-table.ts';
import { refusalOf, valuesOf } from '../rows.ts';

describe('number, text and raw', () => {
  it.each([
    ['21.5', 21.5],
    [' -3\n', -3],
    ['1e3', 1000],
    ['nan', Number.NaN],
    ['9007199254740993', 9_007_199_254_740_993n],
  ])('number reads %j', (text, value) => {
    expect(valuesOf({ format: 'number' }, text)).toEqual([{ value }]);
  });

  it('number refuses what is none', () => {
    expect(refusalOf({ format: 'number' }, '21.5 C')).toBe('syntax: "21.5 C" is no number');
    expect(refusalOf({ format: 'number' }, '')).toBe('empty: the payload is empty');
  });

  it('text keeps the payload, renamed when asked', () => {
    expect(valuesOf({ format: 'text', fields: { state: 'value' } }, 'on')).toEqual([{ state: 'on' }]);
    expect(valuesOf({ format: 'text' }, '')).toEqual([{ value: '' }]);
    expect(refusalOf({ format: 'text' }, new Uint8Array([0x61, 0xc3]))).toContain('encoding');
  });

  it('raw keeps a copy of any bytes', () => {
    const payload = Buffer.from([0, 255, 1]);
    const [row] = valuesOf({ format: 'raw' }, payload);
    payload.fill(0);
    expect(row).toEqual({ payload: new Uint8Array([0, 255, 1]) });
  });
});

describe('digits beyond the range of a double', () => {
  const cborFraction = Uint8Array.from([0xa1, 0x61, 0x61, 0xc4, 0x82, 0x19, 0x03, 0xe7, 0x01]);

  it.each<[DecodeOptions, string | Uint8Array, string]>([
    [{ format: 'json' }, '{"a":{"b":1e999}}', 'limit: a.b is beyond the range of a double (1.8e308)'],
    [{ format: 'json' }, '-1e999', 'limit: value is beyond'],
    [{ format: 'json' }, '[1,2,-1e999]', 'limit: value is beyond'],
    [{ format: 'json' }, `{"wave":[${'0,'.repeat(40)}1e999]}`, 'limit: wave is beyond'],
    [{ format: 'json' }, '{"\\u00b0":1e999}', 'limit: ° is beyond'],
    [{ format: 'ndjson' }, '{"a":1}\n{"a":1e999}', 'limit: line 2: a is beyond'],
    [{ format: 'csv' }, 'a,b\n1, 1e999 ', 'limit: record 2: b is beyond'],
    [{ format: 'number' }, '-1e999', 'limit: -1e999 is beyond'],
    [{ format: 'influx' }, 'm v=1e999', 'syntax: line 1: field v'],
    [{ format: 'cbor' }, cborFraction, 'limit: the decimal fraction 1e999 is beyond'],
  ])('refuse the message: %j %s', (options, payload, refusal) => {
    expect(refusalOf(options, payload)).toContain(refusal);
  });

  it('are no reason to refuse infinities and NaN where the format can say them', () => {
    const floats = Uint8Array.from([0xa2, 0x61, 0x61, 0xf9, 0x7c, 0x00, 0x61, 0x62, 0xf9, 0x7e, 0x00]);
    expect(valuesOf({ format: 'cbor' }, floats)).toEqual([{ a: Infinity, b: Number.NaN }]);
    expect(valuesOf({ format: 'csv' }, 'a,b\n-inf,"1e999"')).toEqual([{ a: -Infinity, b: '1e999' }]);
  });
});

describe('the size of a payload', () => {
  const lines = (count: number): string => '{"temp":21.5,"pressure":1013.25}\n'.repeat(count);

  it('is bounded by max_payload', () => {
    const options = { format: 'text', max_payload: 1024 } as const;
    expect(valuesOf(options, 'x'.repeat(1024))).toHaveLength(1);
    expect(refusalOf(options, 'x'.repeat(1025))).toBe(
      'too_large: 1025 bytes, at most 1024 are decoded: raise decode.max_payload of the stream (up to 4MiB), or send less at a time',
    );
    expect(refusalOf({ format: 'text', max_payload: 4 * 1024 * 1024 }, 'x'.repeat(4 * 1024 * 1024 + 1))).toBe(
      'too_large: 4194305 bytes, at most 4194304 are decoded: a fixed limit; send less at a time',
    );
    expect(valuesOf({ format: 'text', max_payload: 1024 * 1024 }, 'x'.repeat(200_000))).toHaveLength(1);
  });

  it('of NDJSON is that of a line: a body of many lines may be large', () => {
    const body = lines(20_000);
    expect(body.length).toBeGreaterThan(512 * 1024);
    expect(valuesOf({ format: 'ndjson' }, body)).toHaveLength(20_000);
    expect(refusalOf({ format: 'ndjson', max_payload: 1024 }, `${lines(2)}{"a":"${'x'.repeat(1024)}"}`)).toBe(
      'too_large: line 3: 1032 bytes, at most 1024 are decoded: raise decode.max_payload of the stream (up to 4MiB), or send less at a time',
    );
    expect(refusalOf({ format: 'ndjson' }, lines(100_001))).toBe(
      'limit: line 100,001: more than 100,000 readings in one message, a fixed limit: send it in parts',
    );
  });

  it('of NDJSON does not let few bytes reserve much: columns are dense', () => {
    const wide = Array.from({ length: 400 }, (_, i) => `"n${i}":1`).join(',');
    const payload = `{${wide}}\n${'{}\n'.repeat(20_000)}`;
    expect(refusalOf({ format: 'ndjson' }, payload)).toContain('take more than 4194304 cells');
  });
});

describe('Decoder', () => {
  it('gives equal tags as one object, so that a batch has one series for them', () => {
    const decoder = createDecoder({ format: 'json', tags: ['m', 'n'] });
    const into = new BatchBuilder({ stream: 's', clock: 'agent' });
    const tags = new TagTable().intern(tagsOf([['plant', 'p']]));
    for (const m of ['1', '2', '1', '1']) {
      const payload = new TextEncoder().encode(JSON.stringify({ v: 1, n: 'x', m }));
      decoder.decode({ topic: 't', payload, tags, arrivalMicros: 0 }, into);
    }
    const batch = into.finish();
    expect(batch.series).toEqual([
      { m: '1', n: 'x', plant: 'p' },
      { m: '2', n: 'x', plant: 'p' },
    ]);
    expect([...batch.seriesIndex]).toEqual([0, 1, 0, 0]);
  });

  it('tells a batch without room for new columns from a bad payload', () => {
    const decoder = createDecoder({ format: 'json' });
    const into = new BatchBuilder({ stream: 's', clock: 'agent', columnsLimit: 2 });
    const decode = (text: string) =>
      decoder.decode(
        { topic: 't', payload: new TextEncoder().encode(text), tags: {}, arrivalMicros: 0 },
        into,
      );
    decode('{"a":1,"b":1}');
    expect(decode('{"a":1,"c":1}')).toEqual({
      ok: false,
      reason: 'columns',
      detail: 'no room for column c beside 2 others',
    });
    expect(into.length).toBe(1);
  });

  it.each([
    [{ format: 'raw', time: 't' }, 'time'],
    [{ format: 'json', columns: ['a'] }, 'columns'],
    [{ format: 'json', time_unit: 's' }, 'time_unit'],
    [{ format: 'influx', time_unit: 'rfc3339' }, 'time_unit'],
    [{ format: 'csv', header: false }, 'columns'],
    [{ format: 'csv', columns: ['a', 'a'] }, 'columns'],
    [{ format: 'csv', delimiter: ';;' }, 'delimiter'],
  ] as [DecodeOptions, string][])('refuses the options %j', (options, key) => {
    expect(decodeProblem(options)?.key).toBe(key);
    expect(() => createDecoder(options)).toThrow(`decode.${key}`);
  });

  it('tells trouble in one printable line of at most 200 characters', () => {
    expect(oneLine('a\r\n\tb\u2028c\u0000')).toBe('a   b c ');
    expect(oneLine('x'.repeat(300))).toHaveLength(200);
  });
});
