import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SedgeError } from '../base/errors.ts';
import { filesLimit, fileTextLimit } from '../config/limits.ts';

export interface ConfigFilesOptions {
  /** `--config FILE`. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative names start. */
  readonly workingDirectory: string;
  /** Default `/etc/sedge`. */
  readonly systemDirectory?: string;
}

export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}

/**
 * The files of a configuration: `--config`, else `$SEDGE_CONFIG`, else `./sedge.yaml`, else `/etc/sedge/sedge.yaml` with
 * `/etc/sedge/conf.d/*.yaml` in name order. Null when none of the defaults exists.
 * @throws {SedgeError} when a file that was named, or found, cannot be read.
 */
export function readConfigFiles(options: ConfigFilesOptions): readonly ConfigFile[] | null {
  const system = options.systemDirectory ?? '/etc/sedge';
  const named = options.file ?? (options.env['SEDGE_CONFIG'] || undefined);
  if (named !== undefined) {
    const inside = named === join(system, 'sedge.yaml');
    return [readOne(named, options.workingDirectory), ...(inside ? fragments(system) : [])];
  }
  if (existsSync(join(options.workingDirectory, 'sedge.yaml'))) {
    return [readOne('sedge.yaml', options.workingDirectory)];
  }
  const main = join(system, 'sedge.yaml');
  const parts = fragments(system);
  if (existsSync(main)) return [readOne(main, '/'), ...parts];
  return parts.length > 0 ? parts : null;
}

/** A stable name for this machine that does not give the machine id itself away; null where there is none. */
export function machineAgentId(path = '/etc/machine-id'): string | null {
  let id: string;
  try {
    id = readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  return `agent-${createHash('sha256').update(`sedge ${id}`).digest('hex').slice(0, 12)}`;
}

function fragments(system: string): ConfigFile[] {
  const folder = join(system, 'conf.d');
  if (!existsSync(folder)) return [];
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^[^.].*\.ya?ml$/.test(name));
  } catch (error) {
    throw new SedgeError('SEDGE_CONFIG_MISSING', `cannot list ${folder}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (names.length >= filesLimit) {
    throw new SedgeError(
      'SEDGE_CONFIG_INVALID',
      `${folder} holds ${names.length} files; at most ${filesLimit - 1} are read`,
    );
  }
  return names.toSorted().map((name) => readOne(join(folder, name), '/'));
}

/** Reads one character beyond the limit, so that the loader can say that a file is too long. */
function readOne(name: string, workingDirectory: string): ConfigFile {
  const path = name.startsWith('/') ? name : join(workingDirectory, name);
  let descriptor: number | null = null;
  try {
    descriptor = openSync(path, 'r');
    if (fstatSync(descriptor).isDirectory()) throw new Error('it is a directory');
    // UTF-8 takes at most three bytes a UTF-16 unit.
    const bytes = Buffer.allocUnsafe(fileTextLimit * 3 + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    }
    if (!isUtf8(bytes.subarray(0, length))) throw new Error('it is not text in UTF-8');
    return { name, text: new TextDecoder().decode(bytes.subarray(0, length)) };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SedgeError(
      'SEDGE_CONFIG_MISSING',
      `cannot read ${name}: ${missing ? 'there is no such file' : messageOf(error)}`,
      {
        cause: error,
      },
    );
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}
