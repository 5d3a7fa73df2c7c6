import { describe, expect, it } from 'vitest';
import { Access } from '#agent/api/access.ts';
import { SedgeError } from '#agent/base/errors.ts';
import { request } from './api-fixture.ts';

const access = (more: Partial<ConstructorParameters<typeof Access>[0]> = {}): Access =>
  new Access({ host: '127.0.0.1', token: null, hosts: ['gw-7.local'], ...more });
const asked = (headers: Record<string, string>) => request('/v1/status', { headers });

describe('Access', () => {
  it('refuses to be built open to others without a token', () => {
    expect(() => access({ host: '0.0.0.0' })).toThrow(SedgeError);
    expect(() => access({ host: '::' })).toThrow(SedgeError);
    expect(() => access({ host: '0.0.0.0', token: 'a' })).not.toThrow();
    expect(() => access({ host: '::1' })).not.toThrow();
  });

  it.each(['127.0.0.1:7433', 'localhost:7433', 'LOCALHOST', '[::1]:7433', '192.168.1.4', 'gw-7.local:7433'])(
    'knows itself as %s',
    (host) => {
      expect(access().refusal(asked({ host }), { open: false })).toBeNull();
    },
  );

  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'gw-7.local.evil.example:7433',
    '',
    'a b',
    'localhost@evil.example',
  ])('refuses a page that was rebound under the name %j', (host) => {
    expect(access().refusal(asked({ host }), { open: true })).toMatchObject({ reason: 'host' });
  });

  it.each([
    ['http://127.0.0.1:7433', null],
    ['http://127.0.0.1:8080', 'origin'],
    ['https://evil.example', 'origin'],
    ['null', 'origin'],
  ])('answers a page of origin %s as it should', (origin, reason) => {
    const refusal = access().refusal(asked({ host: '127.0.0.1:7433', origin }), { open: false });

    expect(refusal?.reason ?? null).toBe(reason);
  });

  it.each([
    [{ authorization: 'Bearer s3cret' }, null],
    [{ authorization: 'bearer  s3cret' }, null],
    [{ authorization: 'Bearer s3cre' }, 'token'],
    [{ authorization: 'Bearer ' }, 'token'],
    [{ authorization: 'Basic s3cret' }, 'token'],
    [{ 'sec-websocket-protocol': 'sedge, sedge.token.s3cret' }, null],
    [{ 'sec-websocket-protocol': 'sedge.token.' }, 'token'],
    [{}, 'token'],
  ])('weighs the token in %j', (headers, reason) => {
    const refusal = access({ token: 's3cret' }).refusal(asked(headers), {
      open: false,
    });

    expect(refusal?.reason ?? null).toBe(reason);
  });

  it('asks no token of an open route', () => {
    expect(access({ token: 's3cret' }).refusal(asked({}), { open: true })).toBeNull();
  });
});
