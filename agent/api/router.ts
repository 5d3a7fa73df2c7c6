import type { HttpRequest, HttpResponse } from '../ports/http-server.ts';

/** One way in, as data. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Segments, where `{name}` stands for one of any text; a last `{name*}` takes the rest. */
  readonly pattern: string;
  /** What it answers, in one line. */
  readonly summary: string;
  /** True: asks no token. Only for what tells nothing. */
  readonly open?: boolean;
  answer(request: HttpRequest, parameters: Parameters): Promise<HttpResponse>;
}

/** Decoded path parameters by name. */
export type Parameters = Readonly<Record<string, string>>;

export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly parameters: Parameters }
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' }
  /** A percent escape that means nothing, or a path too long. */
  | { readonly kind: 'malformed' };

/** Finds the route of a path: first match in order of the list. */
export class Router {
  readonly routes: readonly Route[];
  readonly #pathCharsMax: number;

  constructor(routes: readonly Route[], pathCharsMax: number) {
    this.routes = routes;
    this.#pathCharsMax = pathCharsMax;
  }

  match(method: string, path: string): Match {
    if (path.length > this.#pathCharsMax) return { kind: 'malformed' };
    const segments: string[] = [];
    for (const segment of path.split('/').slice(1)) {
      const text = decoded(segment);
      if (text === null) return { kind: 'malformed' };
      segments.push(text);
    }
    const allow = new Set<string>();
    const wanted = method === 'HEAD' ? 'GET' : method;
    for (const route of this.routes) {
      const parameters = matched(route.pattern.split('/').slice(1), segments);
      if (parameters === null) continue;
      if (route.method === wanted) return { kind: 'route', route, parameters };
      allow.add(route.method);
      if (route.method === 'GET') allow.add('HEAD');
    }
    return allow.size > 0 ? { kind: 'method', allow: [...allow] } : { kind: 'none' };
  }
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

function matched(pattern: readonly string[], segments: readonly string[]): Parameters | null {
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let i = 0; i < pattern.length; i++) {
    const part = pattern[i]!;
    if (part.endsWith('*}')) {
      parameters[part.slice(1, -2)] = segments.slice(i).join('/');
      return parameters;
    }
    const segment = segments[i];
    if (segment === undefined) return null;
    if (part.startsWith('{')) {
      if (segment === '') return null;
      parameters[part.slice(1, -1)] = segment;
    } else if (part !== segment) return null;
  }
  return pattern.length === segments.length ? parameters : null;
}
