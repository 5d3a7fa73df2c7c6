import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { decodeNdjson } from '#agent/reading/decode-ndjson.ts';
import { encodeNdjson } from '#agent/reading/encode-ndjson.ts';

const epoch = '9f3a5c0012ab34cd';
const line =
  '{"agent":"gw-7","epoch":"9f3a5c0012ab34cd","stream":"vibration","offset":1042,"time":"2026-11-21T08:00:00.123Z","quality":"good","fidelity":"raw","tags":{"machine":"m4"},"values":{"temp":21.4}}';
const refusal = (text: string): unknown => {
  const result = decodeNdjson(new TextEncoder().encode(text));
  return result.ok ? null : result.error;
};

describe('encodeNdjson', () => {
  it('writes the line of INTERFACE.md, with the epoch after the agent', () => {
    const builder = new BatchBuilder({ stream: 'vibration', clock: 'device' });
    builder.begin({ tags: { machine: 'm4' }, timeMicros: 1_795_248_000_123_000 });
    builder.set('temp', 21.4);
    const run = { agent: 'gw-7', epoch, batch: builder.finish(), first: 1042, fidelity: 'raw' };
    expect(encodeNdjson(run)).toBe(`${line}\n`);
  });

  it('writes each kind of value, and leaves absent ones and an absent epoch out', () => {
    const builder = new BatchBuilder({ stream: 's', clock: 'device' });
    const values = {
      a: Number.NaN,
      b: -Infinity,
      c: -0,
      d: 9_007_199_254_740_993n,
      e: true,
      f: 'x"\n\ud800',
      g: new Uint8Array([1, 2]),
      h: 1e300,
    };
    builder.begin({ tags: {}, timeMicros: 0 });
    for (const [name, value] of Object.entries(values)) builder.set(name, value);
    builder.begin({ tags: {}, timeMicros: 0, quality: 2 });
    builder.set('e', false);
    const run = { agent: 'a', epoch: '', batch: builder.finish(), first: 0, fidelity: 'raw' };
    expect(encodeNdjson(run, 0, 1)).toContain(
      String.raw`"values":{"a":{"number":"NaN"},"b":{"number":"-Infinity"},"c":-0,"d":9007199254740993,"e":true,"f":"x\"\n\ud800","g":{"base64":"AQI="},"h":1e+300}}`,
    );
    expect(encodeNdjson(run, 1, 2)).toBe(
      '{"agent":"a","stream":"s","offset":1,"time":"1970-01-01T00:00:00.000Z","quality":"bad","fidelity":"raw","tags":{},"values":{"e":false}}\n',
    );
  });
});

describe('decodeNdjson', () => {
  it('reads the line of INTERFACE.md, with or without a line break at the end', () => {
    for (const text of [line, `${line}\n`]) {
      expect(decodeNdjson(new TextEncoder().encode(text))).toEqual({
        ok: true,
        value: [
          {
            agent: 'gw-7',
            epoch,
            stream: 'vibration',
            offset: 1042,
            timeMicros: 1_795_248_000_123_000,
            timeNanos: 0,
            quality: 0,
            fidelity: 'raw',
            span: null,
            tags: { machine: 'm4' },
            values: new Map([['temp', 21.4]]),
          },
        ],
      });
    }
  });

  it('reads a line without epoch as one of the epoch that has no name', () => {
    const old = decodeNdjson(new TextEncoder().encode(line.replace(`"epoch":"${epoch}",`, '')));

    expect(old).toMatchObject({ ok: true, value: [{ agent: 'gw-7', epoch: '', stream: 'vibration' }] });
  });

  it.each([
    [`"${epoch}"`, '""', 'epoch is not 16 hex digits'],
    [`"${epoch}"`, `"${epoch}0"`, 'epoch is not 16 hex digits'],
    [`"${epoch}"`, `"${epoch.toUpperCase()}"`, 'epoch is not 16 hex digits'],
    [`"${epoch}"`, '7', 'epoch is no text'],
    ['"offset":1042', '"offset":-1', 'offset is no integer'],
    ['"offset":1042', '"offset":1.5', 'offset is no integer'],
    ['"agent":"gw-7",', '', 'agent is missing'],
    ['"good"', '"fine"', 'quality is none of'],
    ['"good"', '"toString"', 'quality is none of'],
    ['"raw"', '"cooked"', 'fidelity is none of'],
    ['2026-11-21T08', '2026-11-21T28', 'time: '],
    ['"m4"', '4', 'tag machine is no text'],
    ['21.4', 'null', 'value temp is no object'],
    ['21.4', '[1]', 'value temp is no object'],
    ['21.4', '1e999', 'value temp is beyond the range of a double'],
    ['21.4', '{"number":"nan"}', 'value temp is no scalar'],
    ['21.4', '{"number":"NaN","base64":""}', 'value temp is no scalar'],
    ['21.4', '{}', 'value temp is no scalar'],
    ['21.4', '{"base64":"A"}', 'value temp is no base64'],
    ['21.4', '{"base64":"AQI=","x":1}', 'value temp is no scalar'],
    ['{"temp":21.4}', '7', 'values is no object'],
    ['"agent"', '"extra":1,"agent"', 'extra is no member'],
    ['}}', '}', 'line 2: '],
  ])('refuses a line with %s → %s', (from, to, problem) => {
    expect(refusal(`${line}\n${line.replace(from, to)}\n`)).toContain(problem);
  });

  it('refuses empty lines and bytes that are no text', () => {
    expect(refusal('\n')).toContain('line 1: ');
    expect(decodeNdjson(new Uint8Array([0xff])).ok).toBe(false);
  });
});
