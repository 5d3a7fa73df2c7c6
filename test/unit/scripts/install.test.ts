import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sedge-install-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string, { atSecond = 1_000, mode = 0o644 } = {}): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
  chmodSync(file, mode);
  utimesSync(file, atSecond, atSecond);
}

/** A clone with the script that sources `install.sh`, and an npm that leaves a trace. */
function clone({ lock = 'lock one', atSecond = 3_000 } = {}): void {
  write('clone/package-lock.json', lock, { atSecond });
  write('clone/scripts/go', '#!/bin/sh\n. "$(dirname "$0")/install.sh"\necho went on\n', { mode: 0o755 });
  copyFileSync(
    join(import.meta.dirname, '../../../scripts/install.sh'),
    join(folder, 'clone/scripts/install.sh'),
  );
  write('bin/npm', '#!/bin/sh\necho npm ran\nmkdir -p node_modules/.bin\n', { mode: 0o755 });
}

/** Another clone whose modules are installed. */
function installed({ lock = 'lock one', installedAtSecond = 2_000 } = {}): void {
  write('other/package-lock.json', lock);
  write('other/node_modules/.bin/node', '#!/bin/sh\n', { mode: 0o755 });
  write('other/node_modules/.package-lock.json', '{}', { atSecond: installedAtSecond });
}

function go(): { status: number | null; output: string; errors: string } {
  const { status, stdout, stderr } = spawnSync('sh', [join(folder, 'clone/scripts/go')], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return { status, output: stdout, errors: stderr };
}

const isLink = (): boolean => lstatSync(join(folder, 'clone/node_modules')).isSymbolicLink();

describe('scripts/install.sh', () => {
  it('installs where there is nothing', () => {
    clone();

    const { status, output, errors } = go();

    expect({ status, output }).toEqual({ status: 0, output: 'went on\n' });
    expect(errors).toContain('npm ran');
  });

  it('takes modules behind a link that were installed by the same lock file, however new the copy of it is', () => {
    clone();
    installed();
    symlinkSync('../other/node_modules', join(folder, 'clone/node_modules'));

    const { status, output, errors } = go();

    expect({ status, output, errors }).toEqual({ status: 0, output: 'went on\n', errors: '' });
    expect(isLink()).toBe(true);
  });

  it.each([
    ['installed by another lock file', () => installed({ lock: 'lock two' })],
    ['older than their own lock file', () => installed({ installedAtSecond: 500 })],
    ['not there', () => undefined],
  ])('leaves a link alone whose modules are %s, and says what to do', (_what, prepare) => {
    clone();
    prepare();
    symlinkSync('../other/node_modules', join(folder, 'clone/node_modules'));

    const { status, output, errors } = go();

    expect({ status, output }).toEqual({ status: 69, output: '' });
    expect(errors).toMatch(
      /^sedge: node_modules is a link to \S+other\/node_modules, .*npm install.*or remove the link\n$/,
    );
    expect(isLink()).toBe(true);
  });
});
