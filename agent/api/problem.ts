import { type ErrorCode, errorCatalogue, problemStatus } from '../base/errors.ts';
import type { HttpResponse } from '../ports/http-server.ts';

/** What every failed call answers. */
export interface ProblemJson {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

/** The answer to a call that failed. `hint` defaults to the catalogue's. */
export function problem(
  code: ErrorCode,
  message: string,
  options: { headers?: Readonly<Record<string, string>>; hint?: string } = {},
): HttpResponse {
  const { headers = {}, hint = errorCatalogue[code].hint } = options;
  return json({ error: { code, message, hint } } satisfies ProblemJson, {
    status: problemStatus(code),
    headers,
  });
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
