import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lineDiff } from '#test/conformance/mesh/raft/line-diff.ts';
import type { Recorded } from '#test/conformance/mesh/raft/recorded.ts';
import { runScript } from '#test/conformance/mesh/raft/run-script.ts';

const folder = fileURLToPath(new URL('../../../../../shared/conformance', import.meta.url));

const ownFolder = fileURLToPath(new URL('../../../conformance/mesh/raft', import.meta.url));

const scriptsIn = (name: string, parent = folder): string[] =>
  existsSync(join(parent, name))
    ? readdirSync(join(parent, name), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.txt'))
        .map((file) => join(name, file))
        .sort()
    : [];

function differences(file: string, recorded: Recorded, parent = folder): string {
  const { mismatch } = runScript(readFileSync(join(parent, file), 'utf8'), recorded);
  if (mismatch === null) return '';
  return `${file}:${mismatch.line}: ${mismatch.command}\n${lineDiff(mismatch.expected, mismatch.actual)}`;
}

describe('conformance with etcd-io/raft', () => {
  test('there are scripts to run', (ctx) => {
    if (!existsSync(folder)) ctx.skip('the folder shared/conformance is not beside the project');
    expect(scriptsIn('etcd-raft').length).toBeGreaterThanOrEqual(41);
    expect(scriptsIn('etcd-raft-random').length).toBeGreaterThanOrEqual(100);
  });

  test.each(scriptsIn('scripts', ownFolder))('%s comes out as a live etcd-io/raft printed it', (file) => {
    expect(differences(file, 'current', ownFolder)).toBe('');
  });

  test('a script that does not parse is refused with its line', () => {
    expect(() => runScript('add-nodes 1 voters=(1\n----\nok\n', 'current')).toThrow('line 1: a parenthesis');
  });

  test('a difference is found and named by its line', () => {
    const { mismatch } = runScript('# a comment\n\nadd-nodes 1\n----\nsomething else\n', 'current');
    expect(mismatch).toMatchObject({ line: 3, command: 'add-nodes', expected: 'something else\n' });
  });

  test.each(scriptsIn('etcd-raft'))('%s comes out byte for byte', (file) => {
    expect(differences(file, 'current')).toBe('');
  });

  test.each(scriptsIn('etcd-raft-random'))('%s comes out as it was recorded in 2023', (file) => {
    expect(differences(file, '2023')).toBe('');
  });
});
