import { describe, expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { QueryFault } from '#agent/query/lexer.ts';
import { parseQuery } from '#agent/query/parse.ts';

const now = micros(1_800_000_030_000_000);
const parse = (text: string): ReturnType<typeof parseQuery> => parseQuery(text, now);

test('a query is read with every clause, in any order', () => {
  expect(
    parse(
      `P99.9(temp), avg("odd name"), count() since 2h of pump*, 'it''s' by stream, line, window(5m) where line in (a, 'b c') and state != off until now`,
    ),
  ).toMatchObject({
    aggregates: [
      { kind: 'quantile', field: 'temp', rank: 0.999, label: 'p99.9(temp)' },
      { kind: 'mean', field: 'odd name' },
      { kind: 'count', field: null, label: 'count()' },
    ],
    streams: ['pump*', "it's"],
    filters: [
      { tag: 'line', not: false, values: ['a', 'b c'] },
      { tag: 'state', not: true, values: ['off'] },
    ],
    keys: [{ kind: 'stream' }, { kind: 'tag', tag: 'line' }, { kind: 'window', micros: 300e6 }],
    from: 1_799_992_800_000_000,
    until: now,
  });
});

test('since begins with a whole minute from an hour on, hour from two days on, day from 400 on, and exactly below', () => {
  expect(parse('count() since 400d').from).toBe(Math.floor(now / 86_400e6 - 400) * 86_400e6);
  expect(parse('count() since 2d').from).toBe(Math.floor(now / 3_600e6 - 48) * 3_600e6);
  expect(parse('count() since 47h').from).toBe(Math.floor(now / 60e6 - 47 * 60) * 60e6);
  expect(parse('count() since 60m').from! % 60e6).toBe(0);
  expect(parse('count() since 90s').from).toBe(now - 90e6);
});

test('without of, since or by all streams, all times and one group are meant', () => {
  expect(parse('sum(v)')).toMatchObject({ streams: ['*'], filters: [], keys: [], from: null, until: null });
});

describe('what can not be read', () => {
  test.each([
    ['', 'expected an aggregate such as count(), mean(FIELD) or p99(FIELD), but the query ends', 0],
    ['p99(v', 'expected ")" after the field of p99, but the query ends', 5],
    ['p101(v)', 'expected a percentile from p0 to p100', 0],
    ['meen(v)', 'expected mean(…), but there is "meen"', 0],
    ['count() of', 'expected a stream, but the query ends', 10],
    ['count() since 1 h', 'expected a duration such as 30s, 15m, 1h or 7d after since', 14],
    ['count() since 1h from 2026-01-01', 'from says again what was said before', 17],
    ['count() from 2026-01-02 until 2026-01-01', 'it ends before it begins', 30],
    ['count() where a', 'expected "=", "!=", "in (…)" or "not in (…)" after the tag', 15],
    ['count() by window(0s)', 'expected a duration above nothing', 18],
    ['top(v, 0)', 'expected a number of items from 1 to 1000', 7],
    ['quantile(v, 1.5)', 'expected a rank from 0 to 1, but there is "1.5"', 12],
    ['p100.5(v)', 'expected a percentile from p0 to p100', 0],
    ["count() of 'open", "the text that begins here has no closing '", 11],
    ['count(); drop', '";" means nothing here', 7],
    ['🙂()', '"🙂" means nothing here', 0],
    [
      'count() where a = b or c = d',
      'conditions are joined by and; several values of one tag: TAG in (a, b)',
      20,
    ],
    ['sum(v), sum(v)', 'sum(v) is asked for twice', 8],
    ['sum(v) by line, stream, line', 'line is asked for twice', 24],
    [`count() of ${'x'.repeat(2_100)}`, 'the query is longer than 2048 characters', 2_048],
    [Array.from({ length: 17 }, (_, i) => `p${i + 10}(v)`).join(', '), 'more than 16 aggregates', 128],
  ])('%s', (text, message, at) => {
    let fault: unknown;
    try {
      parse(text);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(QueryFault);
    expect((fault as QueryFault).message).toContain(message);
    expect((fault as QueryFault).message).not.toContain('\n');
    expect((fault as QueryFault).at).toBe(at);
  });

  test('is shown with a caret below the place, and never with what could move a cursor', () => {
    let fault: QueryFault | null = null;
    try {
      parse('count() of \u001B[2J x y');
    } catch (error) {
      fault = error as QueryFault;
    }
    expect(fault?.caret()).toBe('  count() of  [2J x y\n             ^');
  });
});

test('what programmers write for "is" is understood', () => {
  expect(parse('count() where line == a').filters).toEqual([{ tag: 'line', not: false, values: ['a'] }]);
});
