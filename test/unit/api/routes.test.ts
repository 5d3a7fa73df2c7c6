import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AgentView } from '#agent/api/agent-view.ts';
import { limits } from '#agent/api/limits.ts';
import { hostJson, pulseOf } from '#agent/api/pulse.ts';
import { ingestRoutes, pulseRoutes, viewRoutes } from '#agent/api/routes.ts';
import { Health } from '#agent/operate/health.ts';
import { limits as operateLimits } from '#agent/operate/limits.ts';
import { metricCatalogue } from '#agent/operate/metric-catalogue.ts';
import { MetricsRegistry } from '#agent/operate/metrics-registry.ts';
import { ManualClock } from '../operate/manual-clock.ts';
import { apiOf, jsonOf, listening, request, textOf } from './api-fixture.ts';

/** A view that answers its own call names, and counts how often status was asked. */
function viewed() {
  const clock = new ManualClock();
  let asked = 0;
  const view = {
    status: async () => ({ asked: ++asked }),
    streams: async () => ['a stream'],
    tail: async (stream: string, count: number) => (stream === 'vibration' ? { stream, count } : null),
    buffer: async () => ({ bytes: 1 }),
    ledger: async () => ({ balanced: true }),
    uplinks: async () => ['an uplink'],
  } as unknown as AgentView;
  return { clock, ...apiOf(viewRoutes(view, clock)) };
}

it('every route stands in the README of the room', () => {
  const readme = readFileSync(new URL('../../../agent/api/README.md', import.meta.url), 'utf8');
  const view = {} as AgentView;
  const door = { take: () => Promise.reject(new Error('not asked')) };
  const routes = [...viewRoutes(view, new ManualClock()), ...ingestRoutes(door)];

  expect(
    routes.map(({ method, pattern }) => `\`${method} ${pattern}\``).filter((one) => !readme.includes(one)),
  ).toEqual([]);
});

describe('/v1', () => {
  it.each([
    ['/v1/status', { asked: 1 }],
    ['/v1/streams', { streams: ['a stream'] }],
    ['/v1/streams/vibration/tail', { stream: 'vibration', count: limits.tailReadingsDefault }],
    ['/v1/streams/vibration/tail?count=3', { stream: 'vibration', count: 3 }],
    ['/v1/buffer', { bytes: 1 }],
    ['/v1/ledger', { balanced: true }],
    ['/v1/uplinks', { uplinks: ['an uplink'] }],
  ])('answers %s', async (path, body) => {
    const answer = await viewed().api.handle(request(path));

    expect(answer.status).toBe(200);
    expect(jsonOf(answer)).toEqual(body);
  });

  it.each([
    ['/v1/streams/missing/tail', 404, 'SEDGE_API_NO_STREAM'],
    ['/v1/streams/vibration/tail?count=0', 400, 'SEDGE_API_BAD_REQUEST'],
    ['/v1/streams/vibration/tail?count=1001', 400, 'SEDGE_API_BAD_REQUEST'],
    ['/v1/streams/vibration/tail?count=-1e3', 400, 'SEDGE_API_BAD_REQUEST'],
  ])('refuses %s', async (path, status, code) => {
    const answer = await viewed().api.handle(request(path));

    expect(answer.status).toBe(status);
    expect(jsonOf(answer)).toMatchObject({ error: { code } });
  });

  it('gives callers of the same moment one status', async () => {
    const { api, clock } = viewed();

    const first = jsonOf(await api.handle(request('/v1/status')));
    clock.advance(limits.statusFreshMs - 1);
    const again = jsonOf(await api.handle(request('/v1/status')));
    clock.advance(1);
    const later = jsonOf(await api.handle(request('/v1/status')));

    expect([first, again, later]).toEqual([{ asked: 1 }, { asked: 1 }, { asked: 2 }]);
  });

  it('asks again after a status that failed', async () => {
    const clock = new ManualClock();
    let asked = 0;
    const view = {
      status: () => (asked++ === 0 ? Promise.reject(new Error('busy')) : Promise.resolve({ fine: true })),
    } as unknown as AgentView;
    const { api } = apiOf(viewRoutes(view, clock));

    const failed = await api.handle(request('/v1/status'));
    const fine = await api.handle(request('/v1/status'));

    expect([failed.status, fine.status]).toEqual([500, 200]);
  });

  it('hands ingest to its door with the stream of the path', async () => {
    const { api } = apiOf(
      ingestRoutes({ take: (_, stream) => Promise.resolve({ status: 202, body: stream }) }),
    );

    const answer = await api.handle(request('/v1/ingest/vibration', { method: 'POST' }));

    expect([answer.status, textOf(answer)]).toEqual([202, 'vibration']);
  });
});

describe('the pulse', () => {
  it('answers health, readiness with reasons, and metrics by Accept', async () => {
    const health = new Health(new ManualClock(), listening());
    const metrics = new MetricsRegistry(metricCatalogue);
    metrics.count('buffer_commits', undefined, 3);
    const { api } = apiOf(pulseRoutes(pulseOf(health, metrics)), { token: 's3cret' });
    const headers = { authorization: 'Bearer s3cret' };
    health.declare('disk', { needed: true });

    const alive = await api.handle(request('/healthz'));
    const refused = await api.handle(request('/readyz'));
    const waiting = await api.handle(request('/readyz', { headers }));
    health.report('disk', 'ok');
    const ready = await api.handle(request('/readyz', { headers }));
    const plain = await api.handle(request('/metrics', { headers }));
    const open = await api.handle(
      request('/metrics', { headers: { ...headers, accept: 'application/openmetrics-text; version=1.0.0' } }),
    );

    expect([alive.status, refused.status, waiting.status, ready.status]).toEqual([200, 401, 503, 200]);
    expect(jsonOf(waiting)).toEqual({
      ready: false,
      parts: [
        {
          name: 'disk',
          state: 'starting',
          reason: 'not started yet',
          since: '2026-11-21T08:00:00.000Z',
          needed: true,
        },
      ],
    });
    expect(plain.headers?.['content-type']).toContain('version=0.0.4');
    expect(textOf(plain)).toContain('sedge_buffer_commits_total 3\n');
    expect(open.headers?.['content-type']).toContain('openmetrics-text');
    expect(textOf(open)).toMatch(/# EOF\n$/);
  });

  it('tells which metric ran out of series', async () => {
    const metrics = new MetricsRegistry(metricCatalogue);
    const pulse = pulseOf(new Health(new ManualClock(), listening()), metrics);
    for (let i = 0; i < operateLimits.seriesPerMetric + 2; i++) {
      metrics.count('ingest_messages', { source: `s${i}` }, 1);
    }

    pulse.metrics(undefined);

    expect(pulse.metrics(undefined).text).toContain(
      'sedge_metric_series_overflow_total{metric="ingest_messages"} 2\n',
    );
  });

  it('tells of a host that was not sampled yet that nothing is known', () => {
    expect(hostJson(null)).toMatchObject({ model: null, throttled: [], disk_free_bytes: null });
  });
});
