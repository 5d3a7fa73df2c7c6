import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const program = fileURLToPath(new URL('../../../../scripts/conformance-raft.ts', import.meta.url));
const scripts = fileURLToPath(new URL('../../../conformance/mesh/raft/scripts/', import.meta.url));

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'sedge-conformance-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function run(cwd: string, ...parameters: string[]) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...parameters], {
    encoding: 'utf8',
    cwd,
  });
  return { stdout, stderr: stderr.trim().split('\n'), status };
}

test('a script copied alone into any folder under any name passes, and the release that recorded it is named', () => {
  const place = folder();
  copyFileSync(join(scripts, '2023-compacted-beyond-commit.txt'), join(place, 'any name'));
  copyFileSync(join(scripts, 'mixed-07.txt'), join(place, 'other.txt'));
  const { stdout, status } = run(place, 'any name', 'other.txt');
  expect(stdout).toMatch(
    /^pass any name \(\d+ directives, as of September 2023\)\npass other\.txt \(\d+ directives\)\n2 passed, 0 failed/,
  );
  expect(status).toBe(0);
});

test('a script altered in one byte fails with its line and what differs', () => {
  const place = folder();
  const text = readFileSync(join(scripts, '2023-impossible-change.txt'), 'utf8');
  const at = text.indexOf('commit: 1') + 8;
  writeFileSync(join(place, 'altered.txt'), `${text.slice(0, at)}7${text.slice(at + 1)}`);
  const { stdout, status } = run(place, 'altered.txt');
  expect(stdout).toMatch(/^FAIL altered\.txt:1: add-nodes\n/);
  expect(stdout).toMatch(/^- .*commit: 7/m);
  expect(stdout).toMatch(/^0 passed, 1 failed/m);
  expect(status).toBe(1);
});

test('what is not there, is no script, or cannot be read costs one line each, and the rest is run', () => {
  const place = folder();
  expect(run(place, 'absent.txt')).toMatchObject({ status: 64, stdout: '' });
  expect(run(place, 'absent.txt').stderr).toEqual([expect.stringMatching(/absent\.txt: no such file$/)]);
  expect(run(place, '--fast').stderr).toHaveLength(1);
  expect(run(place, '.').stderr).toEqual([expect.stringMatching(/no \.txt file in/)]);
  mkdirSync(join(place, 'folder.txt'));
  symlinkSync('nowhere', join(place, 'dangling.txt'));
  writeFileSync(
    join(place, 'bytes.txt'),
    Uint8Array.from({ length: 300 }, (_, at) => at),
  );
  writeFileSync(join(place, 'empty.txt'), '');
  copyFileSync(join(scripts, '2023-impossible-change.txt'), join(place, 'sound.txt'));
  const { stdout, stderr, status } = run(place, '.');
  expect(stdout).toMatch(/^FAIL dangling\.txt: .*no such file/m);
  expect(stdout).toMatch(/^FAIL empty\.txt: holds no directive$/m);
  expect(stdout).toMatch(/^FAIL folder\.txt: /m);
  expect(stdout).toMatch(/^pass sound\.txt /m);
  expect(stderr).toEqual(['']);
  expect(status).toBe(1);
});
