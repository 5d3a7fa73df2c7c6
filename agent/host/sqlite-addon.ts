import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { getAsset, getRawAsset } from 'node:sea';
import { messageOf, SedgeError } from '../base/errors.ts';

/**
 * Writes the executable's SQLite addon under its content's hash, once; a file that does not hold those bytes is replaced, never
 * loaded. Returns its path.
 * @throws {SedgeError} SEDGE_HOST_PERMISSION
 */
export function unpackAddon(environment: Readonly<Record<string, string | undefined>>): string {
  const folder = cacheFolder(environment);
  const bytes = new Uint8Array(getRawAsset('better_sqlite3.node'));
  // Of the build: the start has better to do than to hash 2 MB.
  const hash = getAsset('better_sqlite3.sha256', 'utf8');
  const path = join(folder, `better_sqlite3-${hash.slice(0, 32)}.node`);
  try {
    makeFolder(folder, folderDepthMax);
    checkOwner(folder);
    if (!holds(path, bytes)) replaceFile(path, bytes);
  } catch (error) {
    throw unusable(folder, messageOf(error));
  }
  if (mayNotRun(realpathSync(folder), mounts())) throw unusable(folder, 'its file system is mounted noexec');
  return path;
}

/** systemd's `CacheDirectory=`, else the user's cache. Absolute. */
function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment['CACHE_DIRECTORY']?.split(':')[0];
  if (given !== undefined && isAbsolute(given)) return given;
  const base = environment['XDG_CACHE_HOME'];
  if (base !== undefined && isAbsolute(base)) return join(base, 'sedge');
  // sudo may keep $HOME: root must not map a file that lies where another user can change it.
  const home = process.getuid?.() === 0 ? userInfo().homedir : homedir();
  return join(home, '.cache/sedge');
}

function unusable(folder: string, why: string): SedgeError {
  return new SedgeError('SEDGE_HOST_PERMISSION', `cannot unpack the SQLite addon to ${folder}: ${why}`, {
    hint: 'set CACHE_DIRECTORY to a folder of your own on a file system mounted without noexec',
  });
}

/** Deeper paths are nobody's cache folder. */
const folderDepthMax = 64;

/** `mkdir -p`, mode 0700. Node's own recursive form never returns where a file system answers ENOENT for a parent that exists, as /proc does. */
function makeFolder(folder: string, depth: number): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const parent = dirname(folder);
    if (code !== 'ENOENT' || depth === 0 || parent === folder || isFolder(parent)) throw error;
    makeFolder(parent, depth - 1);
    mkdirSync(folder, { mode: 0o700 });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Whoever may write there decides what code runs here. */
function checkOwner(folder: string): void {
  const { uid, mode } = statSync(folder);
  const own = process.geteuid?.();
  if (own === undefined) return;
  if (uid !== own && uid !== 0) throw new Error(`it belongs to user ${uid}, not to this one (${own})`);
  if ((mode & 0o022) !== 0) throw new Error(`others may write there (mode ${(mode & 0o777).toString(8)})`);
}

function replaceFile(path: string, bytes: Uint8Array): void {
  const fresh = `${path}.${process.pid}`;
  // In a container the process id is the same at every start: what a crash left must not stop the next.
  rmSync(fresh, { force: true });
  const file = openSync(fresh, 'wx', 0o500);
  try {
    writeFileSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  chmodSync(fresh, 0o500);
  renameSync(fresh, path);
}

function holds(path: string, bytes: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(bytes);
  } catch {
    return false;
  }
}

function mounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Whether the mount that holds `folder` forbids mapping code from it; `table` is a mountinfo of proc(5). */
export function mayNotRun(folder: string, table: string): boolean {
  let longest = 0;
  let noexec = false;
  for (const line of table.split('\n')) {
    const [, , , , escaped, options] = line.split(' ');
    if (escaped === undefined || options === undefined) continue;
    const point = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const within = point === '/' || folder === point || folder.startsWith(`${point}/`);
    // Of two mounts on one point the later hides the earlier.
    if (!within || point.length < longest) continue;
    longest = point.length;
    noexec = options.split(',').includes('noexec');
  }
  return noexec;
}
