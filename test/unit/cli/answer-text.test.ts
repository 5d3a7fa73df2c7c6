import { expect, test } from 'vitest';
import { answerText } from '#agent/cli/answer-text.ts';
import type { AnswerJson, CellJson } from '#agent/query/answer.ts';

/** An answer of one row with this cell. */
function answerOf(cell: CellJson, over: Partial<AnswerJson> = {}): AnswerJson {
  return {
    query: '',
    from: null,
    until: null,
    keys: [],
    columns: ['x'],
    rows: [{ key: [], readings: 10, cells: [cell] }],
    coverage: {
      complete: true,
      streams: ['s'],
      readings: { raw: 10, segment: 0, window: 0, sketch: 0 },
      shares: { raw: 1, segment: 0, window: 0, sketch: 0 },
      lost: 0,
      unanswered: 0,
      over_edge: 0,
      gone_seconds: 0,
      bad: 0,
      words: 'of all',
    },
    notes: [],
    ...over,
  };
}

test('items stand with both their bounds, and parts of histograms with theirs', () => {
  const item = (low: number, count: number, high: number | null): CellJson => ({
    items: [{ item: 'a', count, low, high }],
  });
  expect(answerText(answerOf(item(7, 7, 7)))).toMatch(/^a +7$/m);
  expect(answerText(answerOf(item(7, 9, 12)))).toMatch(/^a +9 \(7 … 12\)$/m);
  expect(answerText(answerOf(item(7, 7, null)))).toMatch(/^a +7 \(at least 7\)$/m);

  const part = (low: number, high: number | null): CellJson => ({
    parts: [{ from: 0, to: 5, count: 6, low, high }],
  });
  expect(answerText(answerOf(part(6, 6)))).toMatch(/^ +0 +5 +6 {2}█+$/m);
  expect(answerText(answerOf(part(4, 8)))).toMatch(/^ +0 +5 +6 \(4 … 8\) {2}█+$/m);
  expect(answerText(answerOf(part(0, null)))).toMatch(/^ +0 +5 +about 6 {2}█+$/m);
});

test('a figure bounded from below alone says so', () => {
  const figure = (low: number | null): CellJson => ({ value: 12, low, high: null, confidence: 1 });

  expect(answerText(answerOf(figure(10)))).toMatch(/^ +10 +12 \(at least 10\)$/m);
  expect(answerText(answerOf(figure(0)))).toMatch(/^ +10 +about 12$/m);
  expect(answerText(answerOf(figure(null)))).toMatch(/^ +10 +about 12$/m);
});

test('what sensors send does not move the cursor, whether it is a value, a tag or meant by a note', () => {
  const evil = 'a\u001b[2J\u202eb';
  const cell = { items: [{ item: evil, count: 1, low: 1, high: 1 }] };
  const figure = { value: 1, low: 1, high: 1, confidence: 1 };
  const text = answerText(
    answerOf(cell, {
      keys: [evil],
      columns: [evil, 'y'],
      rows: [{ key: [evil], readings: 1, cells: [cell, figure] }],
      notes: [`no reading asked has a tag "x" (did you mean ${evil}?)`],
    }),
  );

  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(text.match(/a·\[2J·b/gi)).toHaveLength(6);
});
