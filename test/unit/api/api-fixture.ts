import { Access, type AccessOptions } from '#agent/api/access.ts';
import { Api } from '#agent/api/api.ts';
import type { Route } from '#agent/api/router.ts';
import type { HttpRequest, HttpResponse } from '#agent/ports/http-server.ts';
import type { LogLevel, Telemetry } from '#agent/ports/telemetry.ts';
import { ManualClock } from '../operate/manual-clock.ts';

export interface Told {
  readonly level: LogLevel;
  readonly event: string;
  readonly message: string;
}

/** Telemetry that remembers. */
export function listening(): Telemetry & { readonly logs: Told[]; readonly counts: string[] } {
  const logs: Told[] = [];
  const counts: string[] = [];
  return {
    logs,
    counts,
    log: (level, event, message) => void logs.push({ level, event, message }),
    count: (name, labels) => void counts.push(`${name} ${Object.values(labels ?? {}).join(' ')}`),
    gauge: () => undefined,
    observe: () => undefined,
  };
}

export function request(
  path: string,
  more: { method?: string; headers?: Record<string, string> } = {},
): HttpRequest {
  const [bare = '', query = ''] = path.split('?');
  return {
    method: more.method ?? 'GET',
    path: bare,
    query: new URLSearchParams(query),
    headers: { host: '127.0.0.1:7433', ...more.headers },
    remote: '127.0.0.1',
    body: () => Promise.resolve(new Uint8Array()),
  };
}

export function apiOf(routes: readonly Route[], access: Partial<AccessOptions> = {}) {
  const telemetry = listening();
  const api = new Api({
    access: new Access({ host: '127.0.0.1', token: null, hosts: [], ...access }),
    routes,
    taps: null,
    telemetry,
    clock: new ManualClock(),
  });
  return { api, telemetry };
}

export const textOf = (answer: HttpResponse): string => (typeof answer.body === 'string' ? answer.body : '');

export const jsonOf = (answer: HttpResponse): unknown => JSON.parse(textOf(answer));
