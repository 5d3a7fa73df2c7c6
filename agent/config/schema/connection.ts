import * as z from 'zod';
import { duration, flag, leaf, path, secret, text } from './leaf.ts';

/** Pieces that several sections share. */

const keyReference = () =>
  leaf(z.union([z.string().min(1).max(4096), secret()]), {
    type: 'path or { secret: NAME }',
    expected: 'a path or { secret: NAME }',
  });

export const clientTls = () =>
  z.strictObject({
    ca: path()
      .optional()
      .describe('PEM file of the certificate authorities to trust; default: those of the system.'),
    cert: path().optional().describe('PEM file of the client certificate, with its chain; needs `key`.'),
    key: keyReference()
      .optional()
      .describe('PEM file of the private key, or a secret holding it; needs `cert`.'),
    server_name: text({ what: 'a host name', max: 253 })
      .optional()
      .describe('Name the server certificate must carry; default: the host of `url`.'),
    insecure_skip_verify: flag()
      .prefault(false)
      .describe(
        'Accept any server certificate. Anybody on the way can then read and forge; each start warns.',
      ),
  });

export const serverTls = () =>
  z.strictObject({
    cert: path().describe('PEM file of the server certificate, with its chain.'),
    key: keyReference().describe('PEM file of the private key, or a secret holding it.'),
    client_ca: path()
      .optional()
      .describe('PEM file of authorities; when set, clients must show a certificate of one of them.'),
  });

export const backoff = (min: string, max: string) =>
  z
    .strictObject({
      min: duration('10ms', '1h')
        .prefault(min)
        .describe('Shortest pause before another attempt; pauses grow from it with jitter.'),
      max: duration('10ms', '1d')
        .prefault(max)
        .describe('Longest pause before another attempt; at least `min`.'),
    })
    .prefault({});

export const username = () =>
  text({ what: 'a user name', max: 1024 })
    .optional()
    .describe('User name sent to the server; default: none.');

export const password = () => secret().optional().describe('Reference to the password; default: none.');
