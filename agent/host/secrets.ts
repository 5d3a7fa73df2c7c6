import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SedgeError } from '../base/errors.ts';

/** A key with its chain of certificates takes some tens of KiB. */
const secretBytesLimit = 256 * 1024;

export interface SecretsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default `/etc/sedge/secrets`. */
  readonly directory?: string;
}

/**
 * Finds what `{ secret: NAME }` refers to: in systemd's credentials (`$CREDENTIALS_DIRECTORY`), then in `$SEDGE_SECRETS_DIR`
 * (development), then in `/etc/sedge/secrets`. Files outside of systemd's directory must be closed to group and others.
 * Contents are returned without one final line break and never appear in a message.
 */
export class Secrets {
  readonly #env: SecretsOptions['env'];
  readonly #directory: string;

  constructor(options: SecretsOptions) {
    this.#env = options.env;
    this.#directory = options.directory ?? '/etc/sedge/secrets';
  }

  /** @throws {SedgeError} SEDGE_CONFIG_SECRET when it is nowhere, or where it is cannot be trusted. */
  read(name: string): string {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(name)) {
      throw new SedgeError('SEDGE_CONFIG_SECRET', `${JSON.stringify(name)} is not a name of a secret`);
    }
    const credentials = this.#env['CREDENTIALS_DIRECTORY'];
    const development = this.#env['SEDGE_SECRETS_DIR'];
    const places = [
      ...(credentials ? [{ path: join(credentials, name), checked: false }] : []),
      ...(development ? [{ path: join(development, name), checked: true }] : []),
      { path: join(this.#directory, name), checked: true },
    ];
    for (const place of places) {
      const content = readSecretFile(name, place.path, place.checked);
      if (content !== null) return content;
    }
    const searched = places.map((place) => place.path).join(', ');
    throw new SedgeError('SEDGE_CONFIG_SECRET', `the secret ${name} is nowhere; looked for ${searched}`);
  }
}

/** Null when there is no such file. The mode is that of the opened file, so it cannot change in between. */
function readSecretFile(name: string, path: string, checked: boolean): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw unreadable(name, path, messageOf(error), error);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw unreadable(name, path, 'it is not a file');
    if (checked && (status.mode & 0o077) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
      throw unreadable(name, path, `its mode ${mode} lets others read it; chmod 600 ${path}`);
    }
    if (status.size > secretBytesLimit)
      throw unreadable(name, path, `it has more than ${secretBytesLimit} bytes`);
    return decodeSecret(name, path, descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function decodeSecret(name: string, path: string, descriptor: number): string {
  const bytes = Buffer.alloc(secretBytesLimit);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read) {
    read = readSync(descriptor, bytes, length, bytes.length - length, null);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    throw unreadable(name, path, 'it is not text', error);
  }
  const content = text.replace(/\r?\n$/, '');
  if (content === '') throw unreadable(name, path, 'it is empty');
  return content;
}

function unreadable(name: string, path: string, why: string, cause?: unknown): SedgeError {
  return new SedgeError('SEDGE_CONFIG_SECRET', `cannot use the secret ${name} from ${path}: ${why}`, {
    cause,
  });
}
