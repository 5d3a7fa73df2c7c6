import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { isSea } from 'node:sea';
import { deserialize, serialize } from 'node:v8';
import { messageOf } from '../base/errors.ts';
import { overridePrefix } from '../config/override-prefix.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/schema/config.ts';
import type { ConfigurationInputs } from './configuration-inputs.ts';

/** A checked configuration, kept for the next start from the same inputs. */
export interface KeptConfiguration {
  readonly config: Config;
  readonly warnings: readonly Problem[];
  readonly yaml: string;
}

export interface CacheOptions {
  /** Absolute; of this user or root, and nobody else may write there. Otherwise nothing is kept and nothing taken. */
  readonly folder: string;
  /** Tells programs apart: another one may read the same files differently. */
  readonly program: string;
}

/** First line of the file; the content follows, as {@link serialize} writes it. */
interface Head {
  /** Names of the variables that count, overrides apart. */
  readonly variables: readonly string[];
  /** SHA-256 of all the configuration depends on. */
  readonly inputs: string;
  /** SHA-256 of the content. */
  readonly content: string;
}

const fileName = 'configuration';
/** A configuration is a few KiB; files may have 64 Mi characters. A larger one is not kept. */
const fileBytesMax = 4 * 1024 * 1024;
const newline = 0x0a;

/**
 * The service's own cache folder, of the executable; null from source, where the program is many files, and where there is none.
 */
export function configurationCache(
  environment: Readonly<Record<string, string | undefined>>,
  version: string,
): ConfigurationCache | null {
  const folder = environment['CACHE_DIRECTORY']?.split(':')[0];
  if (!isSea() || folder === undefined || !isAbsolute(folder)) return null;
  const { ino, size, mtimeNs } = statSync(process.execPath, { bigint: true });
  const program = `${version} ${process.version} ${process.arch} ${ino} ${size} ${mtimeNs}`;
  return new ConfigurationCache({ folder, program });
}

/**
 * Keeps the last good configuration in one file, so that a start from the same files needs neither parser nor schema: half of its
 * time. Whatever is in doubt is no configuration. No secret gets there: a configuration names secrets only, and one with a text
 * that may be a secret is not kept.
 */
export class ConfigurationCache {
  readonly #folder: string;
  readonly #file: string;
  readonly #program: string;

  constructor({ folder, program }: CacheOptions) {
    this.#folder = folder;
    this.#file = join(folder, fileName);
    this.#program = program;
  }

  /** What was kept for these inputs; null when there is nothing; why not, when what there is cannot be taken. */
  find(inputs: ConfigurationInputs): KeptConfiguration | { readonly unusable: string } | null {
    try {
      const found = this.#read();
      if (found === null) return null;
      const { head, content } = found;
      if (digest(this.#inputsText(inputs, head.variables)) !== head.inputs) return null;
      if (digest(content) !== head.content) return { unusable: 'its content has another checksum' };
      return deserialize(content) as KeptConfiguration;
    } catch (error) {
      return { unusable: messageOf(error) };
    }
  }

  /** Best effort: without it the next start takes longer. `variables`: names that the files use. */
  keep(inputs: ConfigurationInputs, variables: ReadonlySet<string>, found: KeptConfiguration): void {
    if (mayHoldSecret(found.config) || !isOwn(this.#folder)) return;
    const names = [...variables];
    const content = serialize(found);
    const head: Head = {
      variables: names,
      inputs: digest(this.#inputsText(inputs, names)),
      content: digest(content),
    };
    const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), content]);
    if (bytes.length > fileBytesMax) return;
    const fresh = `${this.#file}.${process.pid}`;
    try {
      rmSync(fresh, { force: true });
      // Not synced: a file that a power cut left half written has the wrong checksum.
      writeFileSync(fresh, bytes, { flag: 'wx', mode: 0o600 });
      renameSync(fresh, this.#file);
    } catch {
      rmSync(fresh, { force: true });
    }
  }

  #read(): { readonly head: Head; readonly content: Buffer } | null {
    let descriptor: number;
    try {
      descriptor = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    try {
      const stat = fstatSync(descriptor);
      if (!stat.isFile() || stat.size > fileBytesMax) throw new Error('it is no file of this program');
      if (!mayBeTrusted(stat) || !isOwn(this.#folder)) throw new Error('others may write it');
      const bytes = readFileSync(descriptor);
      const end = bytes.indexOf(newline);
      if (end === -1) throw new Error('it has no first line');
      const head = JSON.parse(bytes.toString('utf8', 0, end)) as Partial<Head> | null;
      const { variables, inputs, content } = head ?? {};
      const isHead = Array.isArray(variables) && typeof inputs === 'string' && typeof content === 'string';
      if (!isHead) throw new Error('its first line is another');
      return { head: { variables, inputs, content }, content: bytes.subarray(end + 1) };
    } finally {
      closeSync(descriptor);
    }
  }

  /** Injective: JSON sets every part off from the next. */
  #inputsText({ request, files, agentId }: ConfigurationInputs, variables: readonly string[]): string {
    const { environment, data } = request;
    const overrides = Object.keys(environment).filter((name) => name.startsWith(overridePrefix));
    const names = [...new Set([...variables, ...overrides])].toSorted();
    return JSON.stringify([
      this.#program,
      agentId,
      data ?? null,
      files.map(({ name, text }) => [name, text]),
      names.map((name) => [name, Object.hasOwn(environment, name) ? (environment[name] ?? null) : null]),
    ]);
  }
}

/** The places where a text may prove who one is, though the language has references for that. */
function mayHoldSecret({ sources, uplinks }: Config): boolean {
  const links = [...Object.values(sources), ...Object.values(uplinks)];
  return links.some(
    (link) =>
      ('url' in link && link.url.includes('?')) ||
      ('headers' in link && Object.values(link.headers).some((value) => typeof value === 'string')),
  );
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The same rule as for compiled code: whoever may write there would decide what this agent does. */
function isOwn(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && mayBeTrusted(stat);
}

function mayBeTrusted({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  const own = process.geteuid?.();
  return own !== undefined && (uid === own || uid === 0) && (mode & 0o022) === 0;
}
