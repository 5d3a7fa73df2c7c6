import { expect, it } from 'vitest';
import { isRawNumber, parseExact } from '#agent/reading/exact-json.ts';

const line = (values: string): string => `{"offset":1,"values":{${values}}}`;
const valuesOf = (text: string): Record<string, unknown> =>
  (parseExact(line(text)) as { values: Record<string, unknown> }).values;

it.each([
  '"n":9007199254740993',
  '"n":-9223372036854775808,"m":1',
  '"n":18446744073709551617',
  '"n":-0',
  '"text":":9007199254740993,","n":9007199254740993',
  '"a\\\\b":-0,"a\\u0001":1.5',
])('gives %s back digit by digit', (values) => {
  expect(JSON.stringify(parseExact(line(values)))).toBe(line(values));
});

it('gives plain numbers where a double writes the same digits', () => {
  const values = valuesOf('"a":9007199254740992,"b":12345678901234567000,"c":1e+21,"d":0.1,"e":-5,"f":-0');

  expect(isRawNumber(values['f'])).toBe(true);
  delete values['f'];
  expect(values).toEqual({ a: 2 ** 53, b: 12_345_678_901_234_567_000, c: 1e21, d: 0.1, e: -5 });
});

it('keeps keys that are written with an escape apart', () => {
  parseExact('{"x":1,"\\\\":2}');

  expect(Object.keys(parseExact('{"x":1,"\\u00b0":2}') as object)).toEqual(['x', '°']);
});

it('refuses what is no JSON', () => {
  expect(() => parseExact('{"n":9007199254740993,}')).toThrow(SyntaxError);
});
