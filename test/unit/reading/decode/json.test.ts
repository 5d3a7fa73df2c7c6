import { describe, expect, it } from 'vitest';
import { decodeAll, refusalOf, valuesOf } from '../rows.ts';

const json = { format: 'json' } as const;

describe('json', () => {
  it('flattens nested fields to their paths; null is absent', () => {
    expect(valuesOf(json, '{"a":{"b":{"c":1},"d":"x"},"e":[true,{"f":2}],"g":null,"h":{},"i":[]}')).toEqual([
      { 'a.b.c': 1, 'a.d': 'x', 'e.0': true, 'e.1.f': 2 },
    ]);
  });

  it('keeps an array longer than 32 items as one JSON text', () => {
    const wave = Array.from({ length: 33 }, (_, i) => i / 2);
    expect(valuesOf(json, JSON.stringify({ wave }))).toEqual([{ wave: JSON.stringify(wave) }]);
    const long = `[${'0,'.repeat(32)}9007199254740993]`;
    expect(valuesOf(json, `{"wave":${long}}`)).toEqual([{ wave: long }]);
  });

  it('takes a top-level array as one reading an item, and a lone value as value', () => {
    expect(valuesOf(json, '[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(valuesOf(json, '21.5')).toEqual([{ value: 21.5 }]);
    expect(valuesOf(json, '[1,"x"]')).toEqual([{ value: 1 }, { value: 'x' }]);
    expect(valuesOf(json, '[[1,2]]')).toEqual([{ 0: 1, 1: 2 }]);
  });

  it('shares what stands beside an array of readings', () => {
    const { rows } = decodeAll(
      { format: 'json', time: 't', time_unit: 'ms', readings: 'd.samples', tags: ['dev'] },
      ['{"dev":"m1","t":1000,"d":{"samples":[{"v":1},{"v":2,"t":2000,"dev":"m2"},3],"unit":"C"}}'],
    );
    expect(rows.map((row) => [row.time.slice(17, 19), row.tags, { ...row.values }])).toEqual([
      ['01', { dev: 'm1' }, { 'd.unit': 'C', v: 1 }],
      ['02', { dev: 'm2' }, { 'd.unit': 'C', v: 2 }],
      ['01', { dev: 'm1' }, { 'd.unit': 'C', value: 3 }],
    ]);
  });

  it('keeps integers beyond 2^53 exact', () => {
    expect(
      valuesOf(
        json,
        '{"id":9007199254740993,"n":-18446744073709551615,"f":1234567890123456.5,"s":"9007199254740993"}',
      ),
    ).toEqual([
      {
        id: 9_007_199_254_740_993n,
        n: -18_446_744_073_709_551_615n,
        f: 1_234_567_890_123_456.5,
        s: '9007199254740993',
      },
    ]);
  });

  it('reads a nanosecond time exactly', () => {
    const { rows, outcomes } = decodeAll({ format: 'json', time: 'ts', time_unit: 'ns' }, [
      '{"ts":1795248000123456789,"v":1}',
    ]);
    expect(outcomes).toEqual([{ ok: true, readings: 1, ownTime: true }]);
    expect(rows).toEqual([
      { time: '2026-11-21T08:00:00.123456789Z', quality: 'good', tags: {}, values: { v: 1 } },
    ]);
  });

  it('gives fields the roles and names the options say', () => {
    const { rows } = decodeAll(
      {
        format: 'json',
        tags: { device: 'meta.id', site: 'meta.site' },
        quality: 'q',
        fields: { temp: 'data.t', motor: 'data.motor' },
      },
      [
        '{"meta":{"id":7,"site":"x"},"q":"BAD","data":{"t":1,"motor":{"rpm":5,"on":true},"other":2}}',
        '{"data":{"t":2},"q":true}',
        '{"q":1073741824,"meta":{"site":"x"}}',
        '{"q":"what"}',
      ],
    );
    expect(rows.map((row) => [row.tags, row.quality, { ...row.values }])).toEqual([
      [{ device: '7', site: 'x' }, 'bad', { temp: 1, 'motor.rpm': 5, 'motor.on': true }],
      [{}, 'good', { temp: 2 }],
      [{ site: 'x' }, 'uncertain', {}],
      [{}, 'uncertain', {}],
    ]);
  });

  it('takes __proto__, constructor and the empty name as names like others', () => {
    const [row] = decodeAll(json, ['{"__proto__":{"polluted":1},"constructor":2,"":3}']).rows;
    expect(Object.entries(row!.values)).toEqual([
      ['__proto__.polluted', 1],
      ['constructor', 2],
      ['', 3],
    ]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes tags named __proto__', () => {
    const [row] = decodeAll({ format: 'json', tags: ['__proto__'] }, ['{"__proto__":"x","a":1}']).rows;
    expect(Object.entries(row!.tags)).toEqual([['__proto__', 'x']]);
  });

  it.each([
    ['{"a":1', 'syntax: '],
    ['{"a":\n1,}', 'syntax: '],
    ['null', 'structure: null is no reading'],
    [String.raw`{"a":"\ud800"}`, 'encoding: a holds half of a surrogate pair'],
    [String.raw`{"\udc00":1}`, 'encoding: a field name holds half of a surrogate pair'],
    ['', 'empty: the payload is empty'],
    [new Uint8Array([123, 34, 0xff, 34, 58, 49, 125]), 'encoding: the payload is not UTF-8 (byte 2)'],
    [`{"a":${'['.repeat(20)}1${']'.repeat(20)}}`, 'limit: a.0.0'],
    [`{"a":${'9'.repeat(50)}}`, 'limit: an integer of 50 digits'],
    [
      JSON.stringify(Object.fromEntries(Array.from({ length: 513 }, (_, i) => [`f${i}`, i]))),
      'limit: more than 512 fields',
    ],
    [JSON.stringify({ ['n'.repeat(257)]: 1 }), 'limit: a field name of 257'],
    [JSON.stringify({ t: 'n'.repeat(262_145) }), 'limit: t is a text of 262145'],
    [
      `[${'1,'.repeat(4096)}1]`,
      'limit: more than 4,096 readings in one message, a fixed limit: send it in parts, or by HTTP',
    ],
    [' '.repeat(512 * 1024 + 1), 'too_large: 524289 bytes'],
    [`${'['.repeat(200_000)}9007199254740993${']'.repeat(200_000)}`, 'limit: '],
  ])('refuses %.20s', (payload, refusal) => {
    expect(refusalOf(json, payload)).toContain(refusal);
  });

  it('bounds the values that sharing multiplies', () => {
    const shared = Array.from({ length: 500 }, (_, i) => [`f${i}`, i]);
    const payload = JSON.stringify({
      ...Object.fromEntries(shared),
      r: Array.from({ length: 4000 }, () => 1),
    });
    expect(refusalOf({ format: 'json', readings: 'r' }, payload)).toBe(
      'limit: more than 262,144 values in one message, a fixed limit: send it in parts, or by HTTP as application/x-ndjson (up to 100,000 readings)',
    );
  });

  it('says where the time is missing or wrong', () => {
    const options = { format: 'json', time: 'ts' } as const;
    expect(refusalOf(options, '[{"ts":"2026-11-21T08:00:00Z"},{"v":1}]')).toBe(
      'time: ts is missing in reading 2',
    );
    expect(refusalOf(options, '{"ts":"soon"}')).toBe('time: ts: "soon" is no time');
    expect(refusalOf({ format: 'json', readings: 'r' }, '{"a":1}')).toBe(
      'structure: readings: r is not there',
    );
    expect(refusalOf({ format: 'json', readings: 'r' }, '{"r":1}')).toBe(
      'structure: readings: r is no array',
    );
  });

  it('refuses a time so far away that windows around it would not begin or end exactly', () => {
    const options = { format: 'json', time: 'ts', time_unit: 'us' } as const;
    const taken = (micros: number) => decodeAll(options, [`{"ts":${micros},"v":1}`]).rows.length;
    expect([8e15, -8e15, 8e15 + 1, -8e15 - 1, Number.MAX_SAFE_INTEGER].map(taken)).toEqual([1, 1, 0, 0, 0]);
    expect(refusalOf(options, '{"ts":9007199254740991}')).toBe(
      'time: ts: the time is out of range (years 1716 to 2223)',
    );
  });

  it('selects by prefix of a path only at a dot, and is not slowed by a key of many dots', () => {
    const options = { format: 'json', fields: ['a.b', 'c'] } as const;
    const payload = { 'a.b.c': 1, 'a.bc': 2, 'c.': 3, cc: 4, ['.'.repeat(200_000)]: 5 };
    expect(valuesOf(options, JSON.stringify(payload))).toEqual([{ 'a.b.c': 1, 'c.': 3 }]);
  });

  it('forgets shared fields with their message', () => {
    const { rows } = decodeAll({ format: 'ndjson', readings: 'r' }, ['{"a":1,"r":[1]}\n{"r":[2]}\n\n']);
    expect(rows.map((row) => ({ ...row.values }))).toEqual([{ a: 1, value: 1 }, { value: 2 }]);
  });

  it('keeps what came before a refused message, and goes on after it', () => {
    const { rows, outcomes } = decodeAll(json, ['{"a":1}', '[{"a":2},{"b":3},null]', '{"a":4}']);
    expect(outcomes.map((outcome) => outcome.ok)).toEqual([true, false, true]);
    expect(rows.map((row) => ({ ...row.values }))).toEqual([{ a: 1 }, { a: 4 }]);
  });

  it('says which line of ndjson is wrong', () => {
    expect(refusalOf({ format: 'ndjson' }, '{"a":1}\n{"a":')).toContain('syntax: line 2: ');
  });
});
