import { expect, test } from 'vitest';
import { micros } from '#agent/base/units.ts';
import { Names } from '#agent/query/names.ts';
import { parseQuery } from '#agent/query/parse.ts';

const notes = (names: Names, text: string): string[] => names.notes(parseQuery(text, micros(0)));

function known(): Names {
  const names = new Names();
  for (const field of ['temp', 'rms']) names.field(field);
  for (const line of ['left', 'right']) names.tags({ line });
  return names;
}

test('names that no reading has are told of once, with what was likely meant', () => {
  expect(notes(known(), 'sum(tmp), max(tmp), mean(temp) where lime = x by lime, line')).toEqual([
    'no reading asked has a field "tmp" (did you mean temp?)',
    'no reading asked has a tag "lime" (did you mean line?)',
  ]);
  expect(notes(known(), 'count() where line in (left, rigth)')).toEqual([
    'no reading asked has line "rigth" (did you mean right?)',
  ]);
  expect(notes(known(), 'count() where line != elsewhere')).toEqual([]);
});

test('nothing is told while nothing is known, nor of values that are too many', () => {
  expect(notes(new Names(), 'sum(tmp) by lime')).toEqual([]);

  const names = known();
  for (let i = 0; i < 300; i++) names.tags({ line: `l${i}` });
  expect(notes(names, 'count() where line = l1000')).toEqual([]);
});

test('of names that are too many to remember none is said to be missing', () => {
  const names = known();
  for (let i = 0; i < 1_100; i++) names.tags({ [`t${i}`]: 'x' });
  for (let i = 0; i < 1_100; i++) names.field(`f${i}`);

  expect(notes(names, 'sum(f1099) by t1099')).toEqual([]);
  expect(notes(names, 'sum(f1099) where t1099 = x')).toEqual([]);
});
