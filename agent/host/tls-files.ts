import { readFileSync } from 'node:fs';
import { messageOf, SedgeError } from '../base/errors.ts';
import type { Secrets } from './secrets.ts';

/** `tls:` of a client as configured: paths, and a key that may be a secret. */
export interface ClientTlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | { readonly secret: string } | undefined;
  readonly server_name?: string | undefined;
  readonly insecure_skip_verify: boolean;
}

/** The same with the PEM texts read. */
export interface ClientTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly verify: boolean;
}

export interface ServerTlsFiles {
  readonly cert: string;
  readonly key: string | { readonly secret: string };
  readonly client_ca?: string | undefined;
}

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** @throws {SedgeError} SEDGE_CONFIG_SECRET when a file or a secret cannot be read. */
export function readClientTls(files: ClientTlsFiles, secrets: Secrets): ClientTls {
  const { ca, cert, key, server_name: serverName } = files;
  return {
    verify: !files.insecure_skip_verify,
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
    ...(cert === undefined ? {} : { cert: readPem(cert) }),
    ...(key === undefined ? {} : { key: keyOf(key, secrets) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

/** @throws {SedgeError} SEDGE_CONFIG_SECRET when a file or a secret cannot be read. */
export function readServerTls(files: ServerTlsFiles, secrets: Secrets): ServerTls {
  const { cert, key, client_ca: clientCa } = files;
  return {
    cert: readPem(cert),
    key: keyOf(key, secrets),
    ...(clientCa === undefined ? {} : { clientCa: readPem(clientCa) }),
  };
}

function keyOf(key: string | { readonly secret: string }, secrets: Secrets): string {
  return typeof key === 'string' ? readPem(key) : secrets.read(key.secret);
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SedgeError('SEDGE_CONFIG_SECRET', `cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
      hint: 'check the path under tls: and who may read it',
    });
  }
}
