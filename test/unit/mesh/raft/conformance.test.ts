import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { lineDiff } from '#test/conformance/mesh/raft/line-diff.ts';
import { runScript, type Recorded } from '#test/conformance/mesh/raft/run-script.ts';

const folder = fileURLToPath(new URL('../../../../../shared/conformance', import.meta.url));

const scriptsIn = (name: string): string[] =>
  existsSync(join(folder, name))
    ? readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.txt'))
        .map((file) => join(name, file))
        .sort()
    : [];

function differences(file: string, recorded: Recorded): string {
  const { mismatch } = runScript(readFileSync(join(folder, file), 'utf8'), recorded);
  if (mismatch === null) return '';
  return `${file}:${mismatch.line}: ${mismatch.command}\n${lineDiff(mismatch.expected, mismatch.actual)}`;
}

describe('conformance with etcd-io/raft', () => {
  test('there are scripts to run', (ctx) => {
    if (!existsSync(folder)) ctx.skip('the folder shared/conformance is not beside the project');
    expect(scriptsIn('etcd-raft').length).toBeGreaterThanOrEqual(41);
    expect(scriptsIn('etcd-raft-random').length).toBeGreaterThanOrEqual(100);
  });

  test.each(scriptsIn('etcd-raft'))('%s comes out byte for byte', (file) => {
    expect(differences(file, 'current')).toBe('');
  });

  test.each(scriptsIn('etcd-raft-random'))('%s comes out as it was recorded in 2023', (file) => {
    expect(differences(file, '2023')).toBe('');
  });
});
