import { expect, test } from 'vitest';
import { passedWords } from '#agent/operate/rung-words.ts';

const lines = { rung: 'lines', reason: 'short_lines', field: 'state', blocks: 12 };
const windows = { rung: 'windows of 1 min', reason: 'saves_little', field: null, blocks: 1 };

test('says of each rung that was passed over for how much and why, and nothing of none', () => {
  expect(passedWords([])).toBe('');
  expect(passedWords([lines, windows])).toBe(
    'passed over: lines for 12 blocks (too short, most ended by state), windows of 1 min for 1 block (would save less than three tenths)',
  );
});

test('counts what it has no room for, and cuts long names', () => {
  const field = 'f'.repeat(100);
  const words = passedWords([{ ...lines, field }, windows, windows], 1);

  expect(words).toBe(
    `passed over: lines for 12 blocks (too short, most ended by ${'f'.repeat(40)}…), 2 more`,
  );
});
