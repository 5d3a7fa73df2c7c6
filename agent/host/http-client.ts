import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { SedgeError } from '../base/errors.ts';
import { KiB } from '../base/units.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from '../ports/http-client.ts';
import { networkWords } from './network-words.ts';

export interface TlsOptions {
  /** PEM texts. `ca` replaces the host's roots. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False accepts any certificate: for a bench, never for a plant. */
  readonly verify?: boolean;
}

export interface HttpClientOptions {
  readonly url: string;
  readonly tls?: TlsOptions;
  /** Connections kept and requests under way at once, >= 1. */
  readonly connectionsMax: number;
}

/** Idle connections are dropped after this: below the 5 s that Node's and the 60 s that most proxies' servers wait, so that a reused connection is rarely one the server is just closing. */
const idleMs = 4_000;

/** {@link HttpClient} on Node's own http and https: keep-alive, and full control over time-outs and connections. */
export class NodeHttpClient implements HttpClient {
  readonly #url: URL;
  readonly #agent: HttpAgent;
  readonly #secure: boolean;
  readonly #underWay = new Set<ClientRequest>();
  #closed = false;

  constructor(options: HttpClientOptions) {
    this.#url = parsed(options.url);
    this.#secure = this.#url.protocol === 'https:';
    const pool = {
      keepAlive: true,
      maxSockets: options.connectionsMax,
      timeout: idleMs,
      scheduling: 'lifo' as const,
    };
    this.#agent = this.#secure
      ? new HttpsAgent({ ...pool, ...tlsSettings(options.tls) })
      : new HttpAgent(pool);
  }

  request(request: HttpRequest): Promise<HttpAnswer> {
    if (this.#closed) return Promise.resolve({ ok: false, trouble: 'closed', message: 'the uplink stops' });
    return this.#send(request, { retryStale: true });
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const request of this.#underWay) request.destroy(new Error('the uplink stops'));
    this.#agent.destroy();
    return Promise.resolve();
  }

  async #send(request: HttpRequest, options: { retryStale: boolean }): Promise<HttpAnswer> {
    const { answer, stale } = await this.#once(request);
    // A kept connection that the server closed before our first byte: a fresh one tells whether the server is there. Should both arrive, the idempotency key tells.
    if (stale && options.retryStale && !this.#closed) return this.#send(request, { retryStale: false });
    return answer;
  }

  #once(request: HttpRequest): Promise<{ answer: HttpAnswer; stale: boolean }> {
    return new Promise((resolve) => {
      const send = this.#secure ? httpsRequest : httpRequest;
      const sent = send(this.#url, {
        agent: this.#agent,
        method: request.method,
        headers: { ...request.headers, 'content-length': String(request.body.length) },
        maxHeaderSize: 16 * KiB,
      });
      this.#underWay.add(sent);
      let timedOut = false;
      let connected = false;
      const timer = setTimeout(() => {
        timedOut = true;
        sent.destroy(new Error('time-out'));
      }, request.timeoutMs);
      const end = (answer: HttpAnswer, stale = false): void => {
        clearTimeout(timer);
        this.#underWay.delete(sent);
        resolve({ answer, stale });
      };
      const fail = (error: NodeJS.ErrnoException): void => {
        if (this.#closed) return end({ ok: false, trouble: 'closed', message: 'the uplink stops' });
        if (timedOut) {
          const message = `no answer from ${this.#url.host} within ${request.timeoutMs / 1000} s`;
          return end({ ok: false, trouble: connected ? 'timeout' : 'unreachable', message });
        }
        const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        end(
          {
            ok: false,
            trouble: connected ? 'broken' : 'unreachable',
            message: `${this.#url.host}: ${networkWords(error)}`,
          },
          stale,
        );
      };
      sent.on('socket', (socket) => {
        const ready = this.#secure ? 'secureConnect' : 'connect';
        if (sent.reusedSocket || !socket.connecting) connected = true;
        else socket.once(ready, () => (connected = true));
      });
      sent.on('error', fail);
      sent.on('response', (response) => {
        collectAnswer(response, request.answerBytesMax).then((answer) => end(answer), fail);
      });
      sent.end(request.body);
    });
  }
}

async function collectAnswer(response: IncomingMessage, bytesMax: number): Promise<HttpAnswer> {
  const pieces: Buffer[] = [];
  let kept = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    if (kept >= bytesMax) continue;
    const part = piece.subarray(0, bytesMax - kept);
    pieces.push(part);
    kept += part.length;
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return { ok: true, status: response.statusCode ?? 0, headers, body: Buffer.concat(pieces) };
}

function parsed(url: string): URL {
  const address = URL.parse(url);
  if (address === null || (address.protocol !== 'http:' && address.protocol !== 'https:')) {
    throw new SedgeError(
      'SEDGE_CONFIG_INVALID',
      `uplink url ${JSON.stringify(url)} is not an http or https address`,
    );
  }
  return address;
}

function tlsSettings(tls: TlsOptions = {}): Record<string, unknown> {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    rejectUnauthorized: tls.verify !== false,
    minVersion: 'TLSv1.2',
  };
}
