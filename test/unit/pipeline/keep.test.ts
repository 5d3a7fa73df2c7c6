import { describe, expect, test } from 'vitest';
import { checkExpression } from '#agent/pipeline/expression.ts';
import { Predicate } from '#agent/pipeline/expression/predicate.ts';
import { parseExpression } from '#agent/pipeline/expression/environment.ts';
import { batchOf, now, pipelineOf, run, seconds, valuesOut } from './pipeline-fixture.ts';

const kept = (
  text: string,
  values: Record<string, never> | Record<string, unknown>,
  more: object = {},
): boolean => {
  const reading = { at: 0, values: values as Record<string, number>, ...more };
  return run([{ keep: text }], [reading]).out.length === 1;
};

describe('keep', () => {
  test('lets through what the expression holds for and counts the rest under its rule', () => {
    const { out, filtered } = run([{ keep: 'reading.temp > -40' }], seconds('temp', [-41, -40, -39]));

    expect(out.map(({ values }) => values['temp'])).toEqual([-39]);
    expect(filtered).toEqual({ '0:keep': 2 });
  });

  test('passes the batch on untouched when everything stays', () => {
    const batch = batchOf(seconds('temp', [1, 2, 3]));

    const { outputs } = pipelineOf({ keep: 'reading.temp > 0' }).process(batch, now);

    expect(outputs[0]!.batch).toBe(batch);
  });

  test('counts a reading it has no answer for apart, and notes the first reason', () => {
    const readings = [...seconds('temp', [1, -1]), ...seconds('rms', [5])];

    const output = pipelineOf({ keep: 'reading.temp > 0.0' }).process(batchOf(readings), now);

    expect(output.filtered).toEqual([
      { rule: '0:keep', count: 1 },
      { rule: '0:keep!error', count: 1 },
    ]);
    expect(output.notes).toEqual([
      { kind: 'expression_failed', rule: '0:keep', count: 1, sample: 'No such key: temp (column 9)' },
    ]);
  });

  test('has() tells a missing field from a failing one', () => {
    const readings = [...seconds('temp', [1]), ...seconds('rms', [5])];

    expect(run([{ keep: 'has(reading.temp) && reading.temp > 0' }], readings).filtered).toEqual({
      '0:keep': 1,
    });
  });

  test.each([
    ['reading.count == 3', { count: 3 }],
    ['reading.count == 3.0', { count: 3 }],
    ['3 == reading.count', { count: 3 }],
    ['reading.count in [1, 2, 3]', { count: 3 }],
    ['reading.count % 2 == 1', { count: 3 }],
    ['reading.temp * 2 > 42', { temp: 21.5 }],
    ['(reading.temp - 32) / 1.8 < 0', { temp: 20 }],
    ['reading.big > 9007199254740992', { big: 9007199254740993n }],
    ['reading.state in ["run", "idle"]', { state: 'run' }],
    ['reading.ok', { ok: true }],
    ['!reading.ok', { ok: false }],
    ['reading.motor.rpm > 100 && reading["motor.rpm"] > 100', { 'motor.rpm': 101 }],
    ['has(reading.motor.rpm)', { 'motor.rpm': 101 }],
    ['reading.name.startsWith("pump")', { name: 'pump 4' }],
    ['reading.a > 1 ? reading.b : false', { a: 2, b: true }],
    [
      'reading["__proto__"] == 1 && reading.constructor == 2',
      JSON.parse('{"__proto__": 1, "constructor": 2}'),
    ],
  ])('%s holds', (text, values) => {
    expect(kept(text, values)).toBe(true);
  });

  test('sees tags, stream, quality and time', () => {
    const text =
      'tags.machine == "m4" && stream == "line" && quality == "uncertain" && time > timestamp("1970-01-01T00:00:01Z")';
    const more = { at: 2, tags: { machine: 'm4' }, quality: 1 };

    expect(kept(text, { x: 1 }, more)).toBe(true);
    expect(kept(text, { x: 1 }, { ...more, at: 1 })).toBe(false);
    expect(kept(text, { x: 1 }, { ...more, quality: 0 })).toBe(false);
  });

  test('a field that is now a number, now a text is answered value by value', () => {
    expect(valuesOut('x', [{ keep: 'reading.x != "a"' }], seconds('x', [1, 'a', 'b']))).toEqual([1, 'b']);
  });
});

describe('checkExpression', () => {
  test.each([
    ['reading.temp >', 'the expression ends too soon (column 15)'],
    ['temp > 3', 'there is no temp; a field is reading.temp (column 1)'],
    ['reading.temp\n  > "a" +', 'the expression ends too soon (line 2, column 10)'],
    ['stream == 3', 'no such overload: string == int (column 1)'],
    ['1 + 2', 'the expression gives int, not true or false'],
    ['reading.a + 1.0', 'the expression gives what + makes of its sides, not true or false'],
    ['-reading.a', 'the expression gives what - makes of its sides, not true or false'],
    ['   ', 'the expression is empty'],
    ['has(reading.a) &&\n  reading.a.matches("(")', 'Invalid regular expression: ( (line 2, column 3)'],
    ['["a", "b"].exists(x, x.matches("["))', 'Invalid regular expression: [ (column 22)'],
    [
      'time > timestamp("2026-01-01T00:00:00Z") + duration("5 min")',
      'Invalid duration string: 5 min (column 44)',
    ],
  ])('says in one line what is wrong with %j', (text, message) => {
    expect(checkExpression(text)).toBe(message);
  });

  test('bounds length, depth and size', () => {
    expect(checkExpression(`reading.a == "${'x'.repeat(5000)}"`)).toMatch(/characters; at most 4096/);
    expect(checkExpression(`${'('.repeat(200)}true${')'.repeat(200)}`)).not.toBeNull();
    expect(checkExpression(Array.from({ length: 400 }, () => 'true').join('||'))).not.toBeNull();
  });

  test('accepts what keep accepts', () => {
    expect(checkExpression('reading.temp > -40.0 && reading.ok')).toBeNull();
    expect(
      checkExpression('reading.a.matches("^a+(b|c)$") && time > timestamp("2026-01-01T00:00:00Z")'),
    ).toBeNull();
    expect(checkExpression('reading.a.matches(reading.b) && reading.a == "matches("')).toBeNull();
  });
});

test('plain shapes are compiled and others left to the library', () => {
  const batch = batchOf([{ at: 0, values: { a: 1, ok: true, s: 'x', 'n.x': 1 }, tags: { m: '1' } }]);
  const compiled = (text: string): boolean => {
    const parsed = parseExpression(text);
    return parsed.ok && new Predicate(parsed.value).compiled(batch);
  };

  expect(
    compiled('reading.a > -40 && reading.ok || !(reading.s == "x") && tags.m in ["1"] && has(reading.gone)'),
  ).toBe(true);
  expect(compiled('(reading.a * 9 / 5 + 32 > 70.5) && reading.n.x != 2 && quality == "good"')).toBe(true);
  expect(compiled('reading.s.startsWith("x")')).toBe(false);
});
