import { describe, expect, it } from 'vitest';
import { decodeAll, refusalOf, valuesOf } from '../rows.ts';

const csv = { format: 'csv' } as const;

describe('csv', () => {
  it('takes names from the header and infers types', () => {
    expect(valuesOf(csv, 'a,b,c,d\r\n1,x,true,\r\n-2.5e3,"1",FALSE,007\r\n')).toEqual([
      { a: 1, b: 'x', c: true },
      { a: -2500, b: '1', c: false, d: '007' },
    ]);
  });

  // RFC 4180 §2, rules 5 to 7.
  it('reads quoted cells with delimiters, line breaks and quotes in them', () => {
    expect(valuesOf(csv, 'a,b\n"x\r\ny,z","b""bb"')).toEqual([{ a: 'x\r\ny,z', b: 'b"bb' }]);
  });

  it('takes configured columns, leaves unnamed ones out, and knows other delimiters', () => {
    expect(valuesOf({ format: 'csv', columns: ['t', '', 'h'], delimiter: ';' }, '21,5;2;45\n\n')).toEqual([
      { t: '21,5', h: 45 },
    ]);
    expect(valuesOf({ format: 'csv', columns: ['x', 'y'], header: true }, 'a,b\n1,2')).toEqual([
      { x: 1, y: 2 },
    ]);
  });

  it('keeps what is not a finite number, and integers beyond 2^53', () => {
    expect(valuesOf(csv, 'a,b,c\nnan,-inf,9007199254740993')).toEqual([
      { a: Number.NaN, b: -Infinity, c: 9_007_199_254_740_993n },
    ]);
  });

  it('gives time and tags their roles', () => {
    const { rows } = decodeAll({ format: 'csv', time: 't', time_unit: 's', tags: ['m'] }, [
      't,m,v\n1,x,5\n2.5,y,6',
    ]);
    expect(rows.map((row) => [row.time, row.tags, { ...row.values }])).toEqual([
      ['1970-01-01T00:00:01.000Z', { m: 'x' }, { v: 5 }],
      ['1970-01-01T00:00:02.500Z', { m: 'y' }, { v: 6 }],
    ]);
  });

  it.each([
    ['a,b\n1', 'structure: record 2: 1 cells for 2 columns'],
    ['a\r\n1\r\n1,2', 'structure: record 3: 2 cells for 1 columns'],
    ['a,a\n1,2', 'structure: two columns'],
    ['a\n"x', 'syntax: record 2: a quoted cell without end'],
    ['a\n"x"y', 'syntax: record 2: text behind a closing quote'],
    ['a\nx"y', 'syntax: record 2: a quote inside a bare cell'],
    [`a\n${','.repeat(600)}`, 'limit: record 2: more than 512 cells'],
  ])('refuses %.20j', (text, refusal) => {
    expect(refusalOf(csv, text)).toContain(refusal);
  });
});
