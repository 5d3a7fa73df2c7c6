import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { raftMutants } from '#test/mutants/raft.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test.each(raftMutants)('the mutant $name, "$fault", fits the code as it is', ({ file, code, instead }) => {
  const text = readFileSync(`${root}${file}`, 'utf8');
  expect(text.split(code)).toHaveLength(2);
  expect(instead).not.toBe(code);
});
