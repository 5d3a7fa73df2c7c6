import { messageOf } from '../base/errors.ts';

/** What Node calls it, and what is said to people who need not know Node. */
const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name server does not answer',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: is the clock right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: name it in tls.ca to trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted here: name it in tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is of an authority that is not trusted here: name it in tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is of an authority that is not trusted here: name it in tls.ca',
};

/** The same of OpenSSL's reasons, which carry no code of Node's. */
const tlsWords: Readonly<Record<string, string>> = {
  'tlsv13 alert certificate required': 'it asks for a client certificate: tls.cert and tls.key',
  'sslv3 alert bad certificate': 'it does not take the client certificate (tls.cert)',
  'ssl/tls alert bad certificate': 'it does not take the client certificate (tls.cert)',
  'tlsv1 alert unknown ca': 'it does not know the authority of the client certificate (tls.cert)',
  'wrong version number': 'it does not speak TLS on this port',
};

/** Why a connection failed, in one line without where to. */
export function networkWords(error: unknown): string {
  // Happy eyeballs wraps one error an address.
  const first: unknown = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = (first as { code?: unknown }).code ?? (error as { code?: unknown }).code;
  if (typeof code === 'string' && Object.hasOwn(words, code)) return words[code]!;
  const message = (messageOf(first) || messageOf(error) || String(code)).trim();
  const tls = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/i.exec(message)?.[1];
  if (tls === undefined) return message;
  const told = tls.toLowerCase();
  return Object.hasOwn(tlsWords, told) ? tlsWords[told]! : `TLS: ${tls}`;
}
