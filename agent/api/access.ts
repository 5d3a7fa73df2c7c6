import { createHash, timingSafeEqual } from 'node:crypto';
import { type ErrorCode, SedgeError } from '../base/errors.ts';
import type { HttpRequest } from '../ports/http-server.ts';

export interface AccessOptions {
  /** Address the server listens on. */
  readonly host: string;
  /** Bearer token; null: none is asked, which only a loopback listener may do. */
  readonly token: string | null;
  /** Names, besides IP addresses and localhost, under which the agent is known (`gw-7.local`). */
  readonly hosts: readonly string[];
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: 'host' | 'origin' | 'token';
  readonly message: string;
}

/** Subprotocol that carries a token where no header can be set: a browser's WebSocket. */
export const tokenProtocolPrefix = 'sedge.token.';

/**
 * Who may call. Three rules: the Host header is an IP address, localhost or a known name (a page that rebinds its own
 * DNS name to this address brings that name along); an Origin, where there is one, is the agent itself; and the
 * token, where one is set.
 */
export class Access {
  readonly #tokenDigest: Buffer | null;
  readonly #hosts: ReadonlySet<string>;

  /** @throws {SedgeError} when a listener beyond loopback has no token. */
  constructor(options: AccessOptions) {
    if (options.token === null && !isLoopback(options.host)) {
      throw new SedgeError(
        'SEDGE_CONFIG_INVALID',
        `api.listen ${options.host} is open to others and needs api.token`,
        {
          hint: 'set api.token: { secret: NAME }, or listen on 127.0.0.1',
        },
      );
    }
    this.#tokenDigest = options.token === null ? null : digest(options.token);
    this.#hosts = new Set(['localhost', ...options.hosts.map((name) => name.toLowerCase())]);
  }

  /** Null when the call may go on. `open` routes ask no token. */
  refusal(request: HttpRequest, { open }: { open: boolean }): Refusal | null {
    const host = request.headers['host'] ?? '';
    if (!this.#knowsHost(host)) {
      return {
        code: 'SEDGE_API_ORIGIN',
        reason: 'host',
        message: `the agent is not known as ${shown(host)}`,
      };
    }
    const origin = request.headers['origin'];
    if (origin !== undefined && !isSameOrigin(origin, host)) {
      return {
        code: 'SEDGE_API_ORIGIN',
        reason: 'origin',
        message: `pages of ${shown(origin)} may not call the agent`,
      };
    }
    if (open || this.#tokenDigest === null) return null;
    const token = tokenOf(request);
    if (token === null) return { code: 'SEDGE_API_TOKEN', reason: 'token', message: 'a token is needed' };
    // Digests have one length, so the comparison tells nothing about the token's.
    return timingSafeEqual(digest(token), this.#tokenDigest)
      ? null
      : { code: 'SEDGE_API_TOKEN', reason: 'token', message: 'the token is not the right one' };
  }

  #knowsHost(host: string): boolean {
    const name = hostName(host);
    return name !== null && (isAddress(name) || this.#hosts.has(name));
  }
}

/** True for 127.0.0.0/8, ::1 and localhost. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The subprotocol to confirm, when the client sent its token by one. */
export function tokenProtocol(request: HttpRequest): string | undefined {
  const offered = request.headers['sec-websocket-protocol'];
  return offered
    ?.split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(tokenProtocolPrefix));
}

function tokenOf(request: HttpRequest): string | null {
  const header = request.headers['authorization'];
  if (header !== undefined) return /^bearer +(\S+) *$/i.exec(header)?.[1] ?? null;
  return tokenProtocol(request)?.slice(tokenProtocolPrefix.length) ?? null;
}

/** Host header without its port, lower case; null when it is not one. */
function hostName(host: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return match === null ? null : match[1]!.toLowerCase().replace(/\.$/, '');
}

/** An IP literal: no name was resolved, so none can have been rebound. */
function isAddress(name: string): boolean {
  return name.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(name);
}

function isSameOrigin(origin: string, host: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match !== null && match[1]!.toLowerCase() === host.toLowerCase();
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Text of a stranger, short enough for a message. */
const shown = (text: string): string => JSON.stringify(text.slice(0, 80));
