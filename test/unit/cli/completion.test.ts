import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { completionScript } from '#agent/cli/completion.ts';
import type { Verb } from '#agent/cli/verb.ts';

const verbs: Verb[] = [
  {
    name: 'buffer',
    summary: "look into the buffer's streams",
    operands: '',
    subverbs: ['ls', 'fsck'],
    flags: [{ name: 'repair', summary: 'r' }],
    run: () => Promise.resolve(0),
  },
  { name: 'status', summary: 's', operands: '', flags: [], run: () => Promise.resolve(0) },
];

function complete(words: string[]): string[] {
  const program = `${completionScript('bash', verbs)}\nCOMP_WORDS=(${words.join(' ')}${words.at(-1) === '""' ? '' : ''})\nCOMP_CWORD=${words.length - 1}\n_sedge\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['-c', program], { encoding: 'utf8' }).stdout.trim().split('\n');
}

describe('completionScript', () => {
  it('completes verbs, subverbs and flags in a real bash', () => {
    expect(complete(['sedge', 'bu'])).toEqual(['buffer']);
    expect(complete(['sedge', 'buffer', 'f'])).toEqual(['fsck']);
    expect(complete(['sedge', 'buffer', '--re'])).toEqual(['--repair']);
  });

  it('knows three shells and refuses a fourth', () => {
    expect(completionScript('zsh', verbs)).toContain('#compdef sedge');
    expect(completionScript('fish', verbs)).toContain(String.raw`-d 'look into the buffer\'s streams'`);
    expect(() => completionScript('csh', verbs)).toThrow('"csh" is not one of bash, zsh, fish');
  });
});
