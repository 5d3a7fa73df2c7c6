import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const raft = fileURLToPath(new URL('../../simulation/raft/run.ts', import.meta.url));
const swim = fileURLToPath(new URL('../../simulation/swim/run.ts', import.meta.url));
const runOf =
  (program: string) =>
  (...parameters: string[]) =>
    spawnSync(process.execPath, [program, ...parameters], { encoding: 'utf8' });
const run = runOf(raft);

test('the command line replays a seed and says so in one line', () => {
  const { stdout, status } = run('--seed', '5');
  expect(stdout).toMatch(/^seed 5: \d members, .*trace \d+\n1 seeds clean: /);
  expect(status).toBe(0);
});

test('the same seed gives the same run in another process', () => {
  const traces = [1, 2].map(() => /trace \d+/.exec(run('--seed', '9', '--nodes', '3').stdout)![0]);
  expect(traces[1]).toBe(traces[0]);
});

test('what is no seed, no count and no group costs one line', () => {
  for (const parameters of [
    ['--seed', 'x'],
    ['--count', '0'],
    ['--nodes', '12'],
    ['--node', '3'],
  ]) {
    const { stderr, status } = run(...parameters);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(64);
  }
});

test('a site of SWIM replays from its seed, and what is no seed or count costs one line', () => {
  const replay = runOf(swim);
  const [one, again] = [1, 2].map(() => replay('--seed', '4'));
  expect(one!.stdout).toMatch(/^seed 4: \d+ agents, .*trace \d+\n1 seeds clean; /);
  expect(again!.stdout).toBe(one!.stdout);
  for (const parameters of [
    ['--count', 'x'],
    ['--seed', '-1'],
    ['--nodes', '3'],
  ]) {
    const { stderr, stdout, status } = replay(...parameters);
    expect([stderr.trim().split('\n').length, stdout, status]).toEqual([1, '', 64]);
  }
});
