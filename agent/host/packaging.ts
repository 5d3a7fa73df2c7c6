import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { getAsset, getRawAsset, isSea } from 'node:sea';
import { messageOf, SedgeError } from '../base/errors.ts';

/**
 * How the parts that are not the main script are found: beside the sources, or inside the single executable. A worker is
 * either a file to run or a script's text; the SQLite addon is a file that `process.dlopen` can map.
 */
export interface Packaging {
  readonly singleExecutable: boolean;
  /** Path of the SQLite addon, or undefined where the package finds its own. */
  readonly sqliteAddon: string | undefined;
  worker(name: WorkerName): { readonly url: URL } | { readonly text: string };
}

export type WorkerName = 'disk-worker' | 'config-worker';

/** @throws {SedgeError} SEDGE_HOST_PERMISSION when the addon cannot be unpacked to the cache folder. */
export function packaging(environment: Readonly<Record<string, string | undefined>>): Packaging {
  if (!isSea()) {
    return {
      singleExecutable: false,
      sqliteAddon: undefined,
      worker: (name) => ({ url: new URL(`./${name}.ts`, import.meta.url) }),
    };
  }
  return {
    singleExecutable: true,
    sqliteAddon: unpackAddon(cacheFolder(environment)),
    worker: (name) => ({ text: getAsset(`${name}.cjs`, 'utf8') }),
  };
}

function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const given = environment['CACHE_DIRECTORY']?.split(':')[0];
  if (given !== undefined && given !== '') return given;
  const base = environment['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'sedge');
}

/** Writes the addon under its content's hash, once; a file that does not hold those bytes is replaced, never loaded. */
function unpackAddon(folder: string): string {
  const bytes = new Uint8Array(getRawAsset('better_sqlite3.node'));
  const hash = createHash('sha256').update(bytes).digest('hex');
  const path = join(folder, `better_sqlite3-${hash.slice(0, 32)}.node`);
  if (holds(path, hash)) return path;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fresh = `${path}.${process.pid}`;
    const file = openSync(fresh, 'wx', 0o500);
    try {
      writeSync(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    chmodSync(fresh, 0o500);
    renameSync(fresh, path);
  } catch (error) {
    throw new SedgeError(
      'SEDGE_HOST_PERMISSION',
      `cannot unpack the SQLite addon to ${folder}: ${messageOf(error)}`,
      {
        cause: error,
        hint: 'set CACHE_DIRECTORY to a writable folder on a file system mounted without noexec',
      },
    );
  }
  return path;
}

function holds(path: string, hash: string): boolean {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex') === hash;
  } catch {
    return false;
  }
}
