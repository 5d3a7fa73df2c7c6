import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Router, type Route } from '#agent/api/router.ts';

const route = (pattern: string): Route => ({
  method: 'GET',
  pattern,
  summary: '',
  answer: () => Promise.resolve({ status: 204 }),
});

describe('Router', () => {
  it('gives back any parameter that a caller escaped', () => {
    const router = new Router([route('/v1/streams/{stream}/tail')], 1_024);
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', '/', '%', '?', '#', ' ', '{', '+', '界', '😀'),
          minLength: 1,
          maxLength: 40,
        }),
        (stream) => {
          const match = router.match('GET', `/v1/streams/${encodeURIComponent(stream)}/tail`);

          expect(match.kind === 'route' ? match.parameters['stream'] : match.kind).toBe(stream);
        },
      ),
    );
  });

  it('meets any path with an answer', () => {
    const router = new Router([route('/a/{b}/c'), route('/v3/{rest*}')], 64);
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'b', 'c', 'v3', '/', '%', '%2f', '%ff', '\u0000', '界', '\ud800'),
          maxLength: 80,
        }),
        fc.string({ maxLength: 8 }),
        (path, method) => {
          expect(['route', 'method', 'none', 'malformed']).toContain(router.match(method, path).kind);
        },
      ),
    );
  });

  it('takes the rest of a path where a pattern ends so', () => {
    const match = new Router([route('/v3/{rest*}')], 64).match('HEAD', '/v3/kv/range');

    expect(match).toMatchObject({ kind: 'route', parameters: { rest: 'kv/range' } });
  });
});
