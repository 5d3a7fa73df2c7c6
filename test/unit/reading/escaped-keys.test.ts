import { describe, expect, it } from 'vitest';
import { parseJson } from '#agent/reading/decode/json-text.ts';
import { hasEscapedKey } from '#agent/reading/escaped-keys.ts';
import { ownText } from '#agent/reading/own-text.ts';

/** Each object begins with a key of its own, so that no test meets what another one left in the engine. */
const poisoned = (first: string, key: string): string => {
  JSON.parse(`{"${first}":[],"${key}":0}`);
  return first;
};

describe('keys written with an escape', () => {
  it.each([
    ['\\\\', '\\u00b0', '°'],
    ['\\\\', '\\n', '\n'],
    ['\\\\', '\\"', '"'],
    ['a\\\\', 'a\\t', 'a\t'],
    ['a\\\\u00', 'a\\u00b0bcd', 'a°bcd'],
  ])('keep their name where an earlier object went on with %s', (before, written, name) => {
    const first = poisoned(`k${before}${written}`.replaceAll(/[^a-z]/g, '_'), before);

    const tree = parseJson(`{"${first}":1, "${written}" :2}`, false) as object;

    expect(Object.keys(tree)).toEqual([first, name]);
  });

  it('are found wherever they stand, and texts with escapes are not taken for them', () => {
    expect(hasEscapedKey('{"a":[{"b":1,"\\u00b0" : 2}]}')).toBe(true);
    expect(hasEscapedKey('{"\\\\":1}')).toBe(true);
    expect(hasEscapedKey('{"a":"\\u00b0","b":"\\\\\\"","c":["\\n"]}')).toBe(false);
    expect(hasEscapedKey('"\\":"')).toBe(false);
  });

  it('leave everything else of the text as it is', () => {
    const text =
      ' {"\\u00b0":[1,-0.5e3, "\\u00e9\\"",[],{} ,null,true,false],"__proto__":{"a":1},"a":1,"a":2}\n';

    expect(parseJson(text, false)).toEqual(
      Object.defineProperty({ '°': [1, -500, 'é"', [], {}, null, true, false], a: 2 }, '__proto__', {
        value: { a: 1 },
        enumerable: true,
      }),
    );
    expect(parseJson('{"\\n":9007199254740993,"b":-0}', true)).toEqual({
      '\n': 9_007_199_254_740_993n,
      b: -0,
    });
  });

  it('come out of ownText as they went in', () => {
    for (const text of ['\\', '"', '\n', 'a\\', '\ud800', 'plain']) {
      poisoned('own', JSON.stringify(text).slice(1, -1));
      expect(ownText(text)).toBe(text);
    }
  });
});
