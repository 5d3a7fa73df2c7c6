import { timingSafeEqual } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { SedgeError, messageOf } from '../base/errors.ts';
import type { Fault, Faults } from '../receiver/faults.ts';
import type { Inbox } from '../receiver/inbox.ts';
import { receiverLimits } from '../receiver/limits.ts';
import { type ReceivedLine, parseLines } from '../receiver/parse-lines.ts';

/** Why a reading is refused, null to take it. */
export type RefusalRule = (line: ReceivedLine) => string | null;

export interface ReceiverHttpOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly bodyBytesMax?: number;
  /** Content codings taken; default zstd and gzip. */
  readonly codings?: readonly ('zstd' | 'gzip')[];
  readonly refuse?: RefusalRule;
}

/** The HTTP door of the reference receiver: `POST` anywhere takes NDJSON, `GET /v1/summary` tells what arrived. */
export class ReceiverHttp {
  readonly #options: ReceiverHttpOptions;
  readonly #inbox: Inbox;
  #faults: Faults | null = null;
  #server: Server | null = null;
  #port: number;
  /** Requests seen, also those answered with an error. */
  requests = 0;

  constructor(options: ReceiverHttpOptions, inbox: Inbox) {
    this.#options = options;
    this.#inbox = inbox;
    this.#port = options.port;
  }

  get url(): string {
    const { host } = this.#options;
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}/v1/readings`;
  }

  set faults(faults: Faults | null) {
    this.#faults = faults;
  }

  /** Port 0 takes a free one, and keeps it over `stop` and `start`. */
  async start(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (!response.headersSent) answer(response, 500, { error: messageOf(error) });
      });
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        this.#server = null;
        const where = `${this.#options.host}:${this.#port}`;
        reject(
          new SedgeError('SEDGE_LISTEN_FAILED', `cannot listen on ${where}: ${messageOf(error)}`, {
            cause: error,
          }),
        );
      });
      server.listen(this.#port, this.#options.host, resolve);
    });
    // Out of descriptors for a moment: the connection is lost, the door stays open.
    server.removeAllListeners('error').on('error', () => undefined);
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection at once, as a cloud that goes away does. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#admitted(request)) {
      request.resume();
      return answer(response, 401, { error: 'a valid bearer token is needed' });
    }
    if (request.method === 'GET') return this.#tell(request, response);
    if (request.method !== 'POST') {
      request.resume();
      return answer(response, 405, { error: 'POST readings, or GET /v1/summary' });
    }
    this.requests++;
    const faults = this.#faults;
    const fault = faults?.next() ?? 'none';
    if (faults !== null && faults.latencyMs > 0) await sleep(faults.latencyMs);
    await this.#take(request, response, fault);
  }

  #tell(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0];
    if (path === '/v1/summary') return answer(response, 200, { streams: this.#inbox.summary() });
    if (path === '/healthz') return answer(response, 200, { ok: true });
    answer(response, 404, { error: 'there is /v1/summary and /healthz' });
  }

  async #take(request: IncomingMessage, response: ServerResponse, fault: Fault): Promise<void> {
    const body = await this.#body(request);
    if (!body.ok) return answer(response, body.status, { error: body.message }, this.#accepts());
    if (fault === 'hang_before') return;
    if (fault === 'fail') return answer(response, 503, { error: 'a fault made to order' }, this.#accepts());
    const parsed = parseLines(body.bytes);
    if (!parsed.ok) return answer(response, 400, { error: `line ${parsed.line}: ${parsed.message}` });
    const refused: { offset: number; reason: string }[] = [];
    const kept: ReceivedLine[] = [];
    for (const line of parsed.lines) {
      const reason = this.#options.refuse?.(line) ?? null;
      if (reason === null) kept.push(line);
      else if (refused.length < receiverLimits.refusedListedMax)
        refused.push({ offset: line.offset, reason });
    }
    const outcome = await this.#inbox.accept(kept);
    if (fault === 'hang_after') return;
    if (fault === 'cut_after') return void response.destroy();
    // 507: clearing up takes a person, and the sender keeps its readings until then.
    if (!outcome.ok && outcome.reason === 'bounds')
      return answer(response, 507, { error: outcome.message }, { 'retry-after': '60' });
    if (!outcome.ok) return answer(response, 503, { error: outcome.message }, { 'retry-after': '1' });
    const { received, duplicates } = outcome;
    if (refused.length > 0) return answer(response, 207, { received, duplicates, refused }, this.#accepts());
    answer(response, 200, { received, duplicates }, this.#accepts());
  }

  async #body(
    request: IncomingMessage,
  ): Promise<{ ok: true; bytes: Uint8Array } | { ok: false; status: number; message: string }> {
    const coding = request.headers['content-encoding'] ?? 'identity';
    const codings: readonly string[] = this.#codings();
    if (coding !== 'identity' && !codings.includes(coding)) {
      request.resume();
      return { ok: false, status: 415, message: `content coding ${coding} is not taken here` };
    }
    const bytesMax = this.#options.bodyBytesMax ?? receiverLimits.bodyBytesMax;
    const packed = await gathered(request, bytesMax);
    if (packed === null) return { ok: false, status: 413, message: `at most ${bytesMax} bytes a request` };
    if (coding === 'identity') return { ok: true, bytes: packed };
    const unpacker = coding === 'gzip' ? createGunzip() : createZstdDecompress();
    unpacker.end(packed);
    try {
      const bytes = await gathered(unpacker, receiverLimits.inflatedBytesMax);
      if (bytes !== null) return { ok: true, bytes };
      unpacker.destroy();
      return { ok: false, status: 413, message: `at most ${receiverLimits.inflatedBytesMax} bytes unpacked` };
    } catch (error) {
      return { ok: false, status: 400, message: `the body is not ${coding}: ${messageOf(error)}` };
    }
  }

  #codings(): readonly ('zstd' | 'gzip')[] {
    return this.#options.codings ?? ['zstd', 'gzip'];
  }

  /** RFC 7694: what a request's body may be packed with. */
  #accepts(): Record<string, string> {
    return { 'accept-encoding': this.#codings().join(', ') || 'identity' };
  }

  #admitted(request: IncomingMessage): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    const given = Buffer.from(request.headers.authorization ?? '');
    const wanted = Buffer.from(`Bearer ${token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

/** The whole of a stream, or null when it is longer than `bytesMax` (the rest is then read and dropped, so that an answer can be sent). */
async function gathered(stream: AsyncIterable<Buffer>, bytesMax: number): Promise<Uint8Array | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.length;
    if (bytes <= bytesMax) pieces.push(piece);
    else pieces.length = 0;
    // Who sends ten times what is taken does not read our answer either.
    if (bytes > bytesMax * 10) break;
  }
  return bytes > bytesMax ? null : Buffer.concat(pieces);
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  if (response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));
