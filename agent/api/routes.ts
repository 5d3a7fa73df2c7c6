import type { Millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpRequest } from '../ports/http-server.ts';
import type { AgentView, IngestDoor, Pulse } from './agent-view.ts';
import type { StatusJson } from './contract.ts';
import { windowLevels } from '../query/windows-json.ts';
import { limits } from './limits.ts';
import { json, problem } from './problem.ts';
import type { Route } from './router.ts';

/** `/healthz`, `/readyz`, `/metrics`: what machines ask. */
export function pulseRoutes(pulse: Pulse): readonly Route[] {
  return [
    {
      method: 'GET',
      pattern: '/healthz',
      summary: 'the process is alive: its event loop turns',
      open: true,
      answer: () =>
        Promise.resolve({
          status: 200,
          headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
          body: 'ok\n',
        }),
    },
    {
      method: 'GET',
      pattern: '/readyz',
      summary: '200 when every needed part is ready, else 503; every part with its reason',
      answer: () => {
        const readiness = pulse.readiness();
        return Promise.resolve(json(readiness, { status: readiness.ready ? 200 : 503 }));
      },
    },
    {
      method: 'GET',
      pattern: '/metrics',
      summary: 'Prometheus text or OpenMetrics, by Accept',
      answer: (request) => {
        const { type, text } = pulse.metrics(request.headers['accept']);
        return Promise.resolve({
          status: 200,
          headers: { 'content-type': type, 'cache-control': 'no-store', vary: 'accept' },
          body: text,
        });
      },
    },
  ];
}

/** `/v1/*`: what people and their programs ask. */
export function viewRoutes(view: AgentView, clock: Clock): readonly Route[] {
  const status = fresh(() => view.status(), clock);
  const get = (pattern: string, summary: string, answer: () => Promise<unknown>): Route => ({
    method: 'GET',
    pattern,
    summary,
    answer: async () => json(await answer()),
  });
  return [
    get('/v1/status', 'what stands where and why', status),
    get('/v1/streams', 'streams and their accounts', async () => ({ streams: await view.streams() })),
    {
      method: 'GET',
      pattern: '/v1/streams/{stream}/tail',
      summary: `the newest stored readings, ?count=${limits.tailReadingsDefault}`,
      answer: (request, parameters) => tail(view, request, parameters['stream'] ?? ''),
    },
    {
      method: 'GET',
      pattern: '/v1/streams/{stream}/readings',
      summary:
        'stored readings in order, ?from=OFFSET&count=N; the page after: ?from=NEXT&walk=WALK, as the answer says',
      answer: (request, parameters) => page(view, request, parameters['stream'] ?? ''),
    },
    {
      method: 'GET',
      pattern: '/v1/query',
      summary: 'asks what is stored: ?q=p99(value) by stream since 1h; every figure with its bounds',
      answer: async (request) => {
        const text = request.query.get('q') ?? '';
        if (text.trim() === '') return problem('SEDGE_QUERY_INVALID', 'q is the query, and it is empty');
        return json(await view.query(text));
      },
    },
    {
      method: 'GET',
      pattern: '/v1/streams/{stream}/windows',
      summary:
        'what is summed up of a stream, ?every=minute|hour|day; `next` is where the page after begins: ?after=START,SERIES',
      answer: (request, parameters) => windows(view, request, parameters['stream'] ?? ''),
    },
    get('/v1/buffer', 'how full the buffer is and when it will be', () => view.buffer()),
    get('/v1/ledger', 'where every reading went', () => view.ledger()),
    get('/v1/config', 'the configuration in force, secrets left out', () => view.config()),
    get('/v1/uplinks', 'links, cursors and backlogs', async () => ({ uplinks: await view.uplinks() })),
  ];
}

/** `POST /v1/ingest/{stream}`. */
export function ingestRoutes(door: IngestDoor): readonly Route[] {
  return [
    {
      method: 'POST',
      pattern: '/v1/ingest/{stream}',
      summary: 'takes readings; answers after they are on disk',
      answer: (request, parameters) => door.take(request, parameters['stream'] ?? ''),
    },
  ];
}

async function tail(view: AgentView, request: HttpRequest, stream: string): ReturnType<Route['answer']> {
  const asked = request.query.get('count') ?? String(limits.tailReadingsDefault);
  const count = /^\d{1,6}$/.test(asked) ? Number(asked) : 0;
  if (count < 1 || count > limits.tailReadings) {
    return problem('SEDGE_API_BAD_REQUEST', `count is a number from 1 to ${limits.tailReadings}`);
  }
  const found = await view.tail(stream, count);
  return found === null
    ? problem('SEDGE_API_NO_STREAM', `there is no stream ${JSON.stringify(stream.slice(0, 80))}`)
    : json(found);
}

async function windows(view: AgentView, request: HttpRequest, stream: string): ReturnType<Route['answer']> {
  const every = windowLevels.find((level) => level === (request.query.get('every') ?? 'hour'));
  const asked = request.query.get('after') ?? null;
  const after = asked === null ? null : /^(-?\d{1,16}),(\d{1,9})$/.exec(asked);
  if (every === undefined || (asked !== null && after === null)) {
    return problem('SEDGE_API_BAD_REQUEST', 'every is minute, hour or day; after is START,SERIES');
  }
  const place = after === null ? null : { start: Number(after[1]), series: Number(after[2]) };
  return json(await view.windows(stream, every, place));
}

async function page(view: AgentView, request: HttpRequest, stream: string): ReturnType<Route['answer']> {
  const from = request.query.get('from') ?? '0';
  const asked = request.query.get('count') ?? String(limits.tailReadings);
  const count = /^\d{1,6}$/.test(asked) ? Number(asked) : 0;
  if (count < 1 || count > limits.tailReadings || !/^\d{1,15}$/.test(from)) {
    return problem(
      'SEDGE_API_BAD_REQUEST',
      `from is an offset, count a number from 1 to ${limits.tailReadings}`,
    );
  }
  const walk = request.query.get('walk');
  if (walk !== null && !/^[\da-z]{1,32}$/.test(walk))
    return problem('SEDGE_API_BAD_REQUEST', 'walk is what the page before said');
  const found = await view.readings(stream, { from: Number(from), count, walk });
  return found === null
    ? problem('SEDGE_API_NO_STREAM', `there is no stream ${JSON.stringify(stream.slice(0, 80))}`)
    : json(found);
}

/** Callers within `statusFreshMs` share one answer; a failed one is not kept. */
function fresh(ask: () => Promise<StatusJson>, clock: Clock): () => Promise<StatusJson> {
  let asked: { readonly at: Millis; readonly answer: Promise<StatusJson> } | null = null;
  return () => {
    const now = clock.monotonic();
    if (asked !== null && now - asked.at < limits.statusFreshMs) return asked.answer;
    const answer = ask();
    asked = { at: now, answer };
    answer.catch(() => {
      asked = null;
    });
    return answer;
  };
}
