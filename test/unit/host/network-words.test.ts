import { describe, expect, it } from 'vitest';
import { networkWords } from '#agent/host/network-words.ts';

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });

describe('networkWords', () => {
  it.each([
    [coded('EAI_AGAIN', 'getaddrinfo EAI_AGAIN broker'), 'name server does not answer'],
    [new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:1883')], ''), 'connection refused'],
    [
      new Error(
        '40F349309B7F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 116\n',
      ),
      'it asks for a client certificate: tls.cert and tls.key',
    ],
    [
      new Error('00:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../x.c:1:\n'),
      'TLS: sslv3 alert handshake failure',
    ],
    [
      coded('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'),
      'its certificate is of an authority that is not trusted here: name it in tls.ca',
    ],
    [new Error('Connection refused: Not authorized'), 'Connection refused: Not authorized'],
    [coded('E_OTHER', ''), 'E_OTHER'],
  ])('says %o in words', (error, words) => {
    expect(networkWords(error)).toBe(words);
  });
});
