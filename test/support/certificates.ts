import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why no certificates can be made here; null when they can. */
export const opensslMissing: string | null =
  spawnSync('openssl', ['version']).status === 0
    ? null
    : 'openssl is not installed (apt-get install openssl)';

export interface Certificates {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

/** An authority, a server certificate for 127.0.0.1 and localhost, and a client's, as PEM files in `folder`. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'pipe' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
    '-days',
    '7',
    '-subj',
    '/CN=test authority',
  );
  const signed = (name: string, extensions: string): { cert: string; key: string } => {
    const [key, request, cert] = [file(`${name}.key`), file(`${name}.csr`), file(`${name}.pem`)];
    openssl('req', ...curve, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(file(`${name}.ext`), extensions);
    openssl(
      'x509',
      '-req',
      '-in',
      request,
      '-CA',
      file('ca.pem'),
      '-CAkey',
      file('ca.key'),
      '-CAcreateserial',
      '-days',
      '7',
      '-extfile',
      file(`${name}.ext`),
      '-out',
      cert,
    );
    return { cert, key };
  };
  return {
    ca: file('ca.pem'),
    server: signed('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\n'),
    client: signed('client', 'extendedKeyUsage=clientAuth\n'),
  };
}
