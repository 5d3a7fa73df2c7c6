import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { licencesOf, makeDeb } from '#scripts/deb.ts';
import { root } from '#scripts/steps.ts';
import { build, hasCommand, titled } from './executable.ts';

const runs = hasCommand('dpkg-deb');

describe.skipIf(!runs)(titled('the Debian package', { runs, needs: 'dpkg-deb' }), () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sedge-deb-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A package of an executable that is one line. */
  const small = async (name: string): Promise<string> => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'sedge'), '#!/bin/sh\n', { mode: 0o700 });
    return await makeDeb({
      architecture: 'arm64',
      binary: join(folder, name, 'sedge'),
      licences: 'their words',
      revisionTime: 1_767_225_600,
      folder: join(folder, name),
      level: 0,
    });
  };
  const tell = (...words: readonly string[]): string =>
    execFileSync('dpkg-deb', words, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });

  it('is the same to the byte, whatever the folder and the umask', async () => {
    const first = await small('one');
    const umask = process.umask(0o077);
    const second = await small('two').finally(() => process.umask(umask));

    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  it('belongs to root, opens the folder of secrets to nobody, and keeps an edited configuration', async () => {
    const file = await small('one');

    const content = tell('--contents', file).split('\n');
    const of = (path: string): string => content.find((line) => line.endsWith(` ${path}`)) ?? `no ${path}`;
    expect(content.filter((line) => line !== '' && !line.includes(' root/root '))).toEqual([]);
    expect(content.filter((line) => line !== '' && !line.includes('2026-01-01 00:00'))).toEqual([]);
    expect(of('./usr/bin/sedge')).toMatch(/^-rwxr-xr-x/);
    expect(of('./lib/systemd/system/sedge.service')).toMatch(/^-rw-r--r--/);
    expect(of('./etc/sedge/secrets/')).toMatch(/^drwx------/);
    expect(of('./etc/sedge/conf.d/')).toMatch(/^drwxr-xr-x/);
    expect(of('./etc/sedge/sedge.yaml')).toMatch(/^-rw-r--r--/);
    expect(tell('--info', file, 'conffiles')).toBe('/etc/sedge/sedge.yaml\n');
    expect(tell('--field', file, 'Architecture').trim()).toBe('arm64');
    expect(tell('--field', file, 'Depends')).toMatch(/libc6 \(>= 2\.34\).*libatomic1/);
  });

  it('carries sums of its files that hold, and scripts that a shell reads', async () => {
    const file = await small('one');
    const tree = join(folder, 'tree');
    tell('--raw-extract', file, tree);

    expect(() =>
      execFileSync('md5sum', ['--check', '--strict', 'DEBIAN/md5sums'], { cwd: tree, stdio: 'pipe' }),
    ).not.toThrow();
    for (const script of ['postinst', 'prerm', 'postrm']) {
      expect(() => execFileSync('sh', ['-n', join(tree, 'DEBIAN', script)])).not.toThrow();
      expect(statSync(join(tree, 'DEBIAN', script)).mode & 0o777).toBe(0o755);
    }
  });

  it('names the licence of every package it was bundled from', () => {
    const text = licencesOf([
      join(root, 'node_modules/mqtt/build/index.js'),
      join(root, 'node_modules/@babel/runtime/helpers/x.js'),
      join(root, 'agent/main.ts'),
    ]);

    const headings = [...text.matchAll(/^={78}\n(.+)\n={78}$/gm)].map(([, name]) => name);
    expect(headings).toEqual([
      'Node.js',
      '@babel/runtime',
      expect.stringContaining('@stdlib/'),
      'better-sqlite3',
      'mqtt',
    ]);
    expect(text.match(/MIT License/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('of the x64 executable is at most 30 MB', async (context) => {
    const built = build('x64', folder);
    if ('missing' in built) return context.skip(`skipped: ${built.missing}`);

    const file = await makeDeb({
      architecture: 'x64',
      binary: built.file,
      licences: licencesOf([]),
      revisionTime: 1_767_225_600,
      folder,
      level: 9,
    });

    expect(statSync(file).size).toBeLessThanOrEqual(30e6);
  });
});
