import { Bug } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpHandler, HttpRequest, HttpResponse, UpgradeAnswer } from '../ports/http-server.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Access } from './access.ts';
import { callRefused, requestAnswered, routeFailed } from './events.ts';
import { limits } from './limits.ts';
import type { LiveTaps } from './live-taps.ts';
import { json, problem } from './problem.ts';
import { Router, type Route } from './router.ts';

export interface ApiOptions {
  readonly access: Access;
  readonly routes: readonly Route[];
  /** Null: `/v1/events` is not offered. */
  readonly taps: LiveTaps | null;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** Path of the one WebSocket. */
export const livePath = '/v1/events';

/** Requests to answers: access, routing, errors in one shape, a bound on what is answered at once. */
export class Api implements HttpHandler {
  readonly #options: ApiOptions;
  readonly #router: Router;
  readonly #inFlight = { reading: 0, writing: 0 };

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#router = new Router([index(options.routes), ...options.routes], limits.pathChars);
  }

  async handle(request: HttpRequest): Promise<HttpResponse> {
    const { telemetry, clock } = this.#options;
    const started = clock.monotonic();
    const match = this.#router.match(request.method, request.path);
    const open = match.kind === 'route' && match.route.open === true;
    let answer = this.#turnedAway(request, open);
    let route = 'refused';
    if (answer === null) {
      route = match.kind === 'route' ? match.route.pattern : 'none';
      const kind = kindOf(request);
      this.#inFlight[kind]++;
      try {
        answer = await this.#answer(match, request);
      } finally {
        this.#inFlight[kind]--;
      }
    }
    requestAnswered(telemetry, {
      route,
      status: answer.status,
      seconds: (clock.monotonic() - started) / 1_000,
    });
    return { ...answer, headers: { ...safety, ...answer.headers } };
  }

  upgrade(request: HttpRequest): UpgradeAnswer {
    const refused = this.#turnedAway(request, false);
    if (refused !== null) return { kind: 'refuse', response: refused };
    if (request.path !== livePath || this.#options.taps === null) {
      return {
        kind: 'refuse',
        response: problem('SEDGE_API_NOT_FOUND', `there is no WebSocket at ${request.path.slice(0, 80)}`),
      };
    }
    return this.#options.taps.open(request);
  }

  #turnedAway(request: HttpRequest, open: boolean): HttpResponse | null {
    const { access, telemetry } = this.#options;
    const refusal = access.refusal(request, { open });
    if (refusal !== null) {
      callRefused(telemetry, { ...refusal, remote: request.remote });
      const challenge = refusal.reason === 'token' ? { 'www-authenticate': 'Bearer realm="sedge"' } : {};
      return problem(refusal.code, refusal.message, { headers: challenge });
    }
    // Health must answer under load: that is when it is asked.
    const running = this.#inFlight[kindOf(request)];
    if (open || running < limits.requestsInFlight) return null;
    callRefused(telemetry, { reason: 'busy', remote: request.remote, message: 'too many requests at once' });
    return problem('SEDGE_API_BUSY', `the agent answers ${running} such requests already`, {
      headers: { 'retry-after': String(limits.retryAfterSeconds) },
    });
  }

  async #answer(match: ReturnType<Router['match']>, request: HttpRequest): Promise<HttpResponse> {
    const path = JSON.stringify(request.path.slice(0, 80));
    switch (match.kind) {
      case 'malformed':
        return problem('SEDGE_API_BAD_REQUEST', `the path ${path} is too long or badly escaped`);
      case 'method': {
        const allow = match.allow.join(', ');
        return problem('SEDGE_API_METHOD', `${path} takes ${allow}`, { headers: { allow } });
      }
      case 'none':
        return request.path === livePath
          ? problem('SEDGE_API_UPGRADE', `${livePath} is a WebSocket`, { headers: { upgrade: 'websocket' } })
          : problem('SEDGE_API_NOT_FOUND', `there is nothing at ${path}`);
      case 'route':
        try {
          return await match.route.answer(request, match.parameters);
        } catch (error) {
          return this.#thrown(match.route, error);
        }
    }
  }

  #thrown(route: Route, error: unknown): HttpResponse {
    if (error instanceof Bug) throw error;
    if (error instanceof SedgeError) return problem(error.code, error.message, { hint: error.hint });
    routeFailed(this.#options.telemetry, route.pattern, error);
    return problem('SEDGE_API_INTERNAL', `the agent could not answer ${route.pattern}`);
  }
}

function kindOf(request: HttpRequest): 'reading' | 'writing' {
  return request.method === 'GET' || request.method === 'HEAD' ? 'reading' : 'writing';
}

/** Answers carry nothing a browser should guess about, frame or keep. */
const safety = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** `GET /v1`: the table of routes. */
function index(routes: readonly Route[]): Route {
  return {
    method: 'GET',
    pattern: '/v1',
    summary: 'this list',
    answer: () =>
      Promise.resolve(
        json({ routes: routes.map(({ method, pattern, summary }) => ({ method, path: pattern, summary })) }),
      ),
  };
}
