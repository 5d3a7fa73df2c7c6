import type { HttpResponse } from '../ports/http-server.ts';

/** Every error an API call can meet: status, and what to do next. Match on codes, never on text. */
export const problemCatalogue = {
  SEDGE_API_BAD_REQUEST: { status: 400, hint: 'see the message' },
  SEDGE_API_TOKEN: { status: 401, hint: 'send the header authorization: Bearer TOKEN' },
  SEDGE_API_ORIGIN: {
    status: 403,
    hint: "open the agent by its IP address, as localhost, or by its host's name",
  },
  SEDGE_API_NOT_FOUND: { status: 404, hint: 'GET /v1 lists the routes' },
  SEDGE_API_NO_STREAM: { status: 404, hint: 'GET /v1/streams lists the streams' },
  SEDGE_API_METHOD: { status: 405, hint: 'see the allow header' },
  SEDGE_API_TOO_LARGE: { status: 413, hint: 'send less in one request' },
  SEDGE_API_UPGRADE: { status: 426, hint: 'connect with a WebSocket' },
  SEDGE_API_BUSY: { status: 503, hint: 'try again after the seconds in retry-after' },
  SEDGE_API_UNAVAILABLE: { status: 503, hint: 'this part of the agent is not configured or not running' },
  SEDGE_API_INTERNAL: { status: 500, hint: "the agent's log says why" },
} as const satisfies Record<string, { status: number; hint: string }>;

export type ProblemCode = keyof typeof problemCatalogue;

/** What every failed call answers. */
export interface ProblemJson {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

export function problem(
  code: ProblemCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  const { status, hint } = problemCatalogue[code];
  return json({ error: { code, message, hint } } satisfies ProblemJson, { status, headers });
}

export function json(
  value: unknown,
  options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): HttpResponse {
  return {
    status: options.status ?? 200,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...options.headers,
    },
    body: `${JSON.stringify(value)}\n`,
  };
}
