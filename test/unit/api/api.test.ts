import { describe, expect, it } from 'vitest';
import { limits } from '#agent/api/limits.ts';
import { json } from '#agent/api/problem.ts';
import type { Route } from '#agent/api/router.ts';
import { Bug } from '#agent/base/assert.ts';
import { SedgeError } from '#agent/base/errors.ts';
import { apiOf, jsonOf, request, textOf } from './api-fixture.ts';

const route = (answer: Route['answer'], more: Partial<Route> = {}): Route => ({
  method: 'GET',
  pattern: '/v1/things/{thing}',
  summary: 'things',
  answer,
  ...more,
});

describe('Api', () => {
  it('hands the decoded path parameter to the route', async () => {
    const { api } = apiOf([route((_, parameters) => Promise.resolve(json(parameters)))]);

    const answer = await api.handle(request('/v1/things/line%2F1'));

    expect(jsonOf(answer)).toEqual({ thing: 'line/1' });
  });

  it('lists its routes at /v1', async () => {
    const { api } = apiOf([route(() => Promise.resolve(json({})))]);

    const answer = await api.handle(request('/v1'));

    expect(jsonOf(answer)).toEqual({
      routes: [{ method: 'GET', path: '/v1/things/{thing}', summary: 'things' }],
    });
  });

  it.each([
    ['/nowhere', 'GET', 404, 'SEDGE_API_NOT_FOUND'],
    ['/v1/things/1', 'POST', 405, 'SEDGE_API_METHOD'],
    ['/v1/things/%zz', 'GET', 400, 'SEDGE_API_BAD_REQUEST'],
    [`/${'x'.repeat(2_000)}`, 'GET', 400, 'SEDGE_API_BAD_REQUEST'],
    ['/v1/events', 'GET', 426, 'SEDGE_API_UPGRADE'],
  ])('answers %s %s with a coded error', async (path, method, status, code) => {
    const { api } = apiOf([route(() => Promise.resolve(json({})))]);

    const answer = await api.handle(request(path, { method }));

    expect(answer.status).toBe(status);
    expect(jsonOf(answer)).toEqual({
      error: { code, message: expect.any(String) as string, hint: expect.any(String) as string },
    });
  });

  it('tells misuse with its own code and words', async () => {
    const { api } = apiOf([
      route(() => Promise.reject(new SedgeError('SEDGE_DATA_LOCKED', 'the data folder is taken'))),
    ]);

    const answer = await api.handle(request('/v1/things/1'));

    expect(answer.status).toBe(503);
    expect(jsonOf(answer)).toMatchObject({
      error: { code: 'SEDGE_DATA_LOCKED', message: 'the data folder is taken' },
    });
  });

  it('keeps the cause of a failure in the log and out of the answer', async () => {
    const { api, telemetry } = apiOf([route(() => Promise.reject(new Error('ENOENT /secret/place')))]);

    const answer = await api.handle(request('/v1/things/1'));

    expect(answer.status).toBe(500);
    expect(textOf(answer)).not.toContain('secret');
    expect(telemetry.logs).toEqual([
      expect.objectContaining({
        event: 'api_route_failed',
        message: '/v1/things/{thing} failed: ENOENT /secret/place',
      }),
    ]);
  });

  it('lets a bug end the process', async () => {
    const { api } = apiOf([route(() => Promise.reject(new Bug('broken')))]);

    await expect(api.handle(request('/v1/things/1'))).rejects.toThrow(Bug);
  });

  it('answers no more requests at once than its bound, writers and health apart', async () => {
    const gates: (() => void)[] = [];
    const { api } = apiOf([
      route(() => new Promise((resolve) => gates.push(() => resolve(json({}))))),
      route(() => Promise.resolve({ status: 204 }), { method: 'POST' }),
      route(() => Promise.resolve(json('alive')), { pattern: '/healthz', open: true }),
    ]);
    const running = Array.from({ length: limits.requestsInFlight }, () =>
      api.handle(request('/v1/things/1')),
    );

    const refused = await api.handle(request('/v1/things/1'));
    const health = await api.handle(request('/healthz'));
    const write = await api.handle(request('/v1/things/1', { method: 'POST' }));
    for (const open of gates) open();
    await Promise.all(running);
    const later = api.handle(request('/v1/things/1'));
    gates.at(-1)!();

    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'retry-after': '1' });
    expect(health.status).toBe(200);
    expect(write.status).toBe(204);
    expect((await later).status).toBe(200);
  });

  it('labels its counters with route patterns, never with paths', async () => {
    const { api, telemetry } = apiOf([route(() => Promise.resolve(json({})))]);

    await api.handle(request('/v1/things/42'));
    await api.handle(request('/etc/passwd'));

    expect(telemetry.counts).toEqual(['api_requests /v1/things/{thing} 2xx', 'api_requests none 4xx']);
  });
});
