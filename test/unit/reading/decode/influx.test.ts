import { describe, expect, it } from 'vitest';
import { decodeAll, refusalOf, valuesOf } from '../rows.ts';

const influx = { format: 'influx' } as const;

describe('influx line protocol', () => {
  it('reads measurement, tags, fields and time', () => {
    const { rows, outcomes } = decodeAll(influx, [
      'myMeasurement,tag1=value1,tag2=value2 fieldKey="fieldValue" 1556813561098000001',
    ]);
    expect(outcomes).toEqual([{ ok: true, readings: 1, ownTime: true }]);
    expect(rows).toEqual([
      {
        time: '2019-05-02T16:12:41.098000001Z',
        quality: 'good',
        tags: { measurement: 'myMeasurement', tag1: 'value1', tag2: 'value2' },
        values: { fieldKey: 'fieldValue' },
      },
    ]);
  });

  // Lines from the InfluxDB documentation, "Special characters".
  it.each([
    [
      String.raw`my\ Measurement fieldKey="string value"`,
      { measurement: 'my Measurement' },
      { fieldKey: 'string value' },
    ],
    [
      String.raw`myMeasurement fieldKey="\"string\" within a string"`,
      { measurement: 'myMeasurement' },
      { fieldKey: '"string" within a string' },
    ],
    [
      String.raw`myMeasurement,tag\ Key1=tag\ Value1,tag\ Key2=tag\ Value2 fieldKey=100`,
      { measurement: 'myMeasurement', 'tag Key1': 'tag Value1', 'tag Key2': 'tag Value2' },
      { fieldKey: 100 },
    ],
    [
      String.raw`weather,location=us-midwest temperature_str="too hot\\cold"`,
      { measurement: 'weather', location: 'us-midwest' },
      { temperature_str: String.raw`too hot\cold` },
    ],
    [
      String.raw`weather,location=us-midwest temperature_str="too hot\\\\cold"`,
      { measurement: 'weather', location: 'us-midwest' },
      { temperature_str: String.raw`too hot\\cold` },
    ],
    [
      String.raw`weather,location\ place=us\,midwest temp\=rature=82`,
      { measurement: 'weather', 'location place': 'us,midwest' },
      { 'temp=rature': 82 },
    ],
    [
      String.raw`wea\,ther,location=us-midwest temperature=82`,
      { measurement: 'wea,ther', location: 'us-midwest' },
      { temperature: 82 },
    ],
    [
      String.raw`m,t=a\b f="c\d, e=1 x"`,
      { measurement: 'm', t: String.raw`a\b` },
      { f: String.raw`c\d, e=1 x` },
    ],
  ])('unescapes %s', (line, tags, values) => {
    const { rows } = decodeAll(influx, [line]);
    expect(rows.map((row) => [row.tags, { ...row.values }])).toEqual([[tags, values]]);
  });

  it('reads every type of field', () => {
    expect(
      valuesOf(
        influx,
        'm a=1.0,b=.5,c=-1.234456e+78,d=1i,e=-12i,f=7u,g=9223372036854775807i,h=18446744073709551615u,i=t,j=FALSE,k="",l=+3',
      ),
    ).toEqual([
      {
        a: 1,
        b: 0.5,
        c: -1.234456e78,
        d: 1,
        e: -12,
        f: 7,
        g: 9_223_372_036_854_775_807n,
        h: 18_446_744_073_709_551_615n,
        i: true,
        j: false,
        k: '',
        l: 3,
      },
    ]);
  });

  it('reads many lines, passing over comments and empty ones, and takes arrival where no time stands', () => {
    const { rows, outcomes } = decodeAll({ format: 'influx', time_unit: 's', measurement: '' }, [
      '# comment, with=parts\n\nm,a=1 v=1 1\r\nm,a=1  v=2   2  \nm v="x\ny"\n',
    ]);
    expect(outcomes).toEqual([{ ok: true, readings: 3, ownTime: false }]);
    expect(rows.map((row) => [row.time, row.tags, row.values['v']])).toEqual([
      ['1970-01-01T00:00:01.000Z', { a: '1' }, 1],
      ['1970-01-01T00:00:02.000Z', { a: '1' }, 2],
      ['1970-01-01T00:00:01.000Z', {}, 'x\ny'],
    ]);
  });

  it.each([
    ['m', 'line 1: a line without fields'],
    ['m v=1\nm,a v=1', 'line 2: tag "a" is not name=value'],
    ['m,a= v=1', 'is not name=value'],
    [',a=1 v=1', 'a line without measurement'],
    ['m v', 'a field is not name=value'],
    ['m =1', 'a field is not name=value'],
    ['m v=', 'field v: "" is no value'],
    ['m v=NaN', 'is no value'],
    ['m v=1e999', 'is no value'],
    ['m v=1.5i', 'is no value'],
    ['m v=-1u', 'is no value'],
    ['m v=9223372036854775808i', 'is no value'],
    ['m v="x', 'a quoted string without end'],
    ['m v=1,', 'a field is not name=value'],
    ['m v=1 soon', '"soon" is no timestamp'],
    ['m v=1 1 2', '"1 2" is no timestamp'],
    [`m,a=${'x'.repeat(513)} v=1`, 'limit: tag a has 513 characters'],
  ])('refuses %s', (line, refusal) => {
    expect(refusalOf(influx, line)).toContain(refusal);
  });
});
