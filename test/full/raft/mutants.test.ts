import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../../scripts/mutants.ts', import.meta.url));
/** Those the stories notice soonest; all of them: `npm run mutants`. */
const names = ['E1', 'E2', 'C1', 'C2', 'S1'];

it('five faults of one line in Raft are noticed, within a minute', () => {
  const { stdout, status } = spawnSync(process.execPath, [program, '--first', ...names], {
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/, 0 alive\n$/);
  expect(status).toBe(0);
});
