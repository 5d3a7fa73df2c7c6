import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLine, parseLines } from '#agent/receiver/parse-lines.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const good = '{"agent":"a","stream":"s/t","offset":7,"values":{"big":12345678901234567890}}';

test('an epoch is part of the key, and none is the epoch without name', () => {
  const named = parseLine('{"agent":"a","epoch":"9f3a5c0012ab34cd","stream":"s","offset":0}');
  const nameless = parseLine('{"agent":"a","stream":"s","offset":0}');

  expect(named).toMatchObject({ epoch: '9f3a5c0012ab34cd' });
  expect(nameless).toMatchObject({ epoch: '' });
});

test('a line is kept as it came, with its key', () => {
  const parsed = parseLines(bytes(`${good}\r\n\n${good}`));

  expect(
    parsed.ok && parsed.lines.map(({ agent, stream, offset, line }) => [agent, stream, offset, line]),
  ).toEqual([
    ['a', 's/t', 7, good],
    ['a', 's/t', 7, good],
  ]);
});

test.each([
  ['{"agent":"a"', /not JSON/],
  ['[1]', /not a JSON object/],
  ['{"agent":"","stream":"s","offset":1}', /"agent" is not a name/],
  ['{"agent":"a","epoch":null,"stream":"s","offset":1}', /"epoch" is not a name/],
  ['{"agent":"a","stream":3,"offset":1}', /"stream" is not a name/],
  ['{"agent":"a","stream":"s","offset":-1}', /"offset" is not/],
  ['{"agent":"a","stream":"s","offset":1.5}', /"offset" is not/],
  ['{"agent":"a","stream":"s","offset":9007199254740993}', /"offset" is not/],
])('%s is refused with the reason', (line, reason) => {
  expect(parseLine(line)).toMatch(reason);
});

test('one bad line refuses the whole and says which it is', () => {
  expect(parseLines(bytes(`${good}\n${good}\n{}\n${good}`))).toMatchObject({ ok: false, line: 3 });
  expect(parseLines(Uint8Array.of(0x7b, 0xff))).toMatchObject({
    ok: false,
    message: 'the body is not UTF-8',
  });
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.string().map(bytes), fc.json().map(bytes)), (body) => {
      const parsed = parseLines(body);
      expect(typeof parsed.ok).toBe('boolean');
    }),
  );
});
