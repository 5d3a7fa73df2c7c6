import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runChaos } from '#test/simulation/raft/chaos.ts';

const seeds = 200;

describe('two hundred seeds nobody has tried before', () => {
  it.each([3, 5, 7])('leave a group of %i members safe, and it serves again', (voters) => {
    const base = randomInt(2 ** 31);
    console.log(`raft, ${voters} members: seeds ${base} … ${base + seeds - 1}`);
    for (let seed = base; seed < base + seeds; seed++) expect(runChaos({ seed, voters }).voters).toBe(voters);
  });
});
