import { createHash, timingSafeEqual } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpHandler, HttpRequest, HttpResponse } from '../ports/http-server.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { topicProblem } from '../reading/topic-filter.ts';
import type { DecodeFormat } from '../reading/decode/options.ts';
import type { AckMode, Arrival } from './arrival.ts';
import type { BodyCredit, BodyRoom } from './body-credit.ts';
import { httpRefused } from './http-events.ts';
import type { Inlet } from './inlet.ts';
import { limits } from './limits.ts';
import type { InletOpener } from './mqtt-receiver.ts';

export interface HttpIngestOptions {
  /** The source's name: decides the routes of topics. */
  readonly name: string;
  readonly ack: AckMode;
  /** Requests go to `path/TOPIC` or `path/STREAM`. Begins with `/`, does not end with one. */
  readonly path: string;
  /** Null: none is asked; then requests of web pages (with an Origin) are refused. */
  readonly token: string | null;
  /** Bytes of a body as sent, and after decompression. */
  readonly bodyBytesMax: number;
  /** The key of the configuration that sets it; null: it is fixed. */
  readonly bodyBytesKey?: string | null;
  readonly inflatedBytesMax: number;
}

export interface HttpIngestDependencies {
  readonly intake: InletOpener & { readonly bodies: BodyCredit };
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly hasStream: (name: string) => boolean;
}

/** What a content type says about a body; other types leave it to the stream. */
const formatOfMediaType: ReadonlyMap<string, DecodeFormat> = new Map([
  ['application/cbor', 'cbor'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['text/csv', 'csv'],
]);

interface HttpArrival extends Arrival {
  readonly answer: (response: HttpResponse) => void;
}

/**
 * Readings by POST. The answer is the receipt: 204 after the commit (or on receipt, as `ack` says). 503 with Retry-After while
 * credit is exhausted, so that the sender keeps its readings. One body is all or nothing.
 */
export class HttpIngest implements HttpHandler {
  readonly #options: HttpIngestOptions;
  readonly #dependencies: HttpIngestDependencies;
  readonly #tokenDigest: Uint8Array | null;
  #inlet: Inlet<HttpArrival> | null = null;
  /** By the intake. */
  #paused = false;
  /** Before a stop. */
  #held = false;
  #requests = 0;

  constructor(options: HttpIngestOptions, dependencies: HttpIngestDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#tokenDigest = options.token === null ? null : digest(options.token);
  }

  start(): void {
    this.#held = false;
    const { name, ack } = this.#options;
    this.#inlet ??= this.#dependencies.intake.open<HttpArrival>(
      { ordered: false, source: name, ack },
      {
        settled: (arrivals) => {
          for (const arrival of arrivals) arrival.answer(answerOf(arrival));
        },
        pause: () => {
          this.#paused = true;
        },
        resume: () => {
          this.#paused = false;
        },
      },
    );
  }

  /** Requests that come now get 503; running ones are answered as they settle. */
  hold(): void {
    this.#held = true;
  }

  stop(): void {
    this.#inlet?.close();
    this.#inlet = null;
  }

  /** The whole endpoint, for a listener of its own. */
  async handle(request: HttpRequest): Promise<HttpResponse> {
    const refusal = this.#refusal(request);
    if (refusal !== null) return this.#refuse(refusal);
    const target = targetOf(request.path, this.#options.path);
    if (target === null)
      return this.#refuse(problem(404, 'SEDGE_INGEST_NO_TOPIC', `POST to ${this.#options.path}/TOPIC`));
    const wrong = topicProblem(target);
    if (wrong !== null) return this.#refuse(wrongTopic(target, wrong));
    const stream = this.#dependencies.hasStream(target) ? target : null;
    return this.#take(request, target, stream);
  }

  upgrade(): ReturnType<HttpHandler['upgrade']> {
    return { kind: 'refuse', response: problem(404, 'SEDGE_INGEST_NO_TOPIC', 'no WebSocket here') };
  }

  /** One request for a named stream whose caller was let in already. */
  async take(request: HttpRequest, stream: string): Promise<HttpResponse> {
    if (!this.#dependencies.hasStream(stream)) return this.#refuse(noTaker(stream));
    return this.#take(request, stream, stream);
  }

  #refusal(request: HttpRequest): HttpResponse | null {
    if (this.#tokenDigest !== null) {
      const given = /^Bearer +(\S+)$/i.exec(request.headers['authorization'] ?? '')?.[1] ?? '';
      if (!timingSafeEqual(digest(given), this.#tokenDigest))
        return problem(401, 'SEDGE_INGEST_TOKEN', 'send Authorization: Bearer TOKEN', {
          'www-authenticate': 'Bearer',
        });
    } else if (request.headers['origin'] !== undefined)
      return problem(403, 'SEDGE_INGEST_ORIGIN', 'web pages may not send readings without a token');
    if (request.method !== 'POST' && request.method !== 'PUT')
      return problem(405, 'SEDGE_INGEST_METHOD', 'send readings with POST', { allow: 'POST, PUT' });
    return null;
  }

  async #take(request: HttpRequest, topic: string, stream: string | null): Promise<HttpResponse> {
    const inlet = this.#inlet;
    if (inlet === null || !this.#open || this.#requests >= limits.httpRequests) return this.#refuse(busy());
    const bytes = this.#bytesOf(request);
    if (bytes === null) return this.#refuse(this.#tooLarge());
    this.#requests++;
    let room: BodyRoom | null = null;
    try {
      room = await this.#dependencies.intake.bodies.take(bytes);
      if (room === null || !this.#open) return this.#refuse(busy());
      const payload = await this.#payload(request);
      if ('status' in payload) return this.#refuse(payload);
      // Credit may have ended while the body came.
      if (!this.#open) return this.#refuse(busy());
      const message = { topic, stream, payload: payload.bytes, mediaType: mediaType(request) };
      const answer = this.#offer(inlet, message);
      // From the offer on the body counts into the intake's credit.
      room.release();
      return await answer;
    } finally {
      room?.release();
      this.#requests--;
    }
  }

  get #open(): boolean {
    return !this.#paused && !this.#held && this.#inlet !== null;
  }

  /** What the body may need in memory, inflated too; null when it announces more than is taken. */
  #bytesOf(request: HttpRequest): number | null {
    const { bodyBytesMax, inflatedBytesMax } = this.#options;
    const length = request.headers['content-length'];
    const sent = length === undefined ? bodyBytesMax : Number(length);
    if (sent > bodyBytesMax) return null;
    return encodingOf(request) === 'identity' ? sent : sent + inflatedBytesMax;
  }

  #beyond(bound: string): HttpResponse {
    const key = this.#options.bodyBytesKey ?? null;
    const wayOut =
      key === null
        ? 'a fixed limit here: send less at a time, or to a source of type http with a larger max_body'
        : `raise ${key} (up to 16MiB), or send less at a time`;
    return problem(413, 'SEDGE_INGEST_TOO_LARGE', `${bound}: ${wayOut}`);
  }

  #tooLarge(): HttpResponse {
    return this.#beyond(`at most ${this.#options.bodyBytesMax} bytes`);
  }

  async #payload(request: HttpRequest): Promise<{ readonly bytes: Uint8Array } | HttpResponse> {
    const { bodyBytesMax, inflatedBytesMax } = this.#options;
    const body = await request.body(bodyBytesMax);
    if (body === null) return this.#tooLarge();
    const encoding = encodingOf(request);
    if (encoding === 'identity') return { bytes: body };
    const inflate =
      encoding === 'gzip' || encoding === 'x-gzip'
        ? gunzipSync
        : encoding === 'zstd'
          ? zstdDecompressSync
          : null;
    if (inflate === null)
      return problem(
        415,
        'SEDGE_INGEST_ENCODING',
        `content-encoding is gzip or zstd, not ${JSON.stringify(encoding.slice(0, 40))}`,
        {
          'accept-encoding': 'gzip, zstd',
        },
      );
    try {
      return { bytes: inflate(body, { maxOutputLength: inflatedBytesMax }) };
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
        return this.#beyond(`at most ${inflatedBytesMax} bytes after decompression`);
      return problem(400, 'SEDGE_INGEST_ENCODING', `the body is no ${encoding}`);
    }
  }

  #offer(
    inlet: Inlet<HttpArrival>,
    message: {
      readonly topic: string;
      readonly stream: string | null;
      readonly payload: Uint8Array;
      readonly mediaType: string;
    },
  ): Promise<HttpResponse> {
    const { clock } = this.#dependencies;
    return new Promise((resolve) => {
      const alarm = clock.after(millis(limits.httpCommitMs), () => resolve(this.#refuse(busy())));
      inlet.offer({
        kind: 'message',
        topic: message.topic,
        payload: message.payload,
        arrivalMicros: clock.wall(),
        stream: message.stream,
        format: formatOfMediaType.get(message.mediaType) ?? null,
        mark: null,
        refusable: this.#options.ack === 'fsynced',
        ownTime: false,
        progress: 'offered',
        verdict: 'waiting',
        detail: '',
        answer: (response) => {
          alarm.cancel();
          resolve(response.status < 400 ? response : this.#refuse(response));
        },
      });
    });
  }

  #refuse(response: HttpResponse): HttpResponse {
    httpRefused(this.#dependencies.telemetry, this.#options.name, response.status);
    return response;
  }
}

function answerOf(arrival: HttpArrival): HttpResponse {
  switch (arrival.verdict) {
    case 'undecodable':
      return problem(400, 'SEDGE_INGEST_UNDECODABLE', arrival.detail);
    case 'oversize':
      return problem(413, 'SEDGE_INGEST_TOO_LARGE', arrival.detail);
    case 'unrouted':
      return noTaker(arrival.topic);
    case 'waiting':
      return { status: 202 };
    case 'stored':
    case 'duplicate':
      return { status: 204 };
  }
}

function problem(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

const noTaker = (name: string): HttpResponse =>
  problem(404, 'SEDGE_INGEST_NO_STREAM', `no stream takes ${JSON.stringify(name.slice(0, 80))}`);

const wrongTopic = (topic: string, wrong: string): HttpResponse => {
  const wayOut = 'send to the one topic or stream that the readings are of';
  const named = JSON.stringify(topic.slice(0, 80));
  return problem(400, 'SEDGE_INGEST_TOPIC', `the path names the topic ${named}, but ${wrong}: ${wayOut}`);
};

const busy = (): HttpResponse =>
  problem(503, 'SEDGE_INGEST_BUSY', 'the buffer takes nothing now; send it again later', {
    'retry-after': String(limits.httpRetryAfterSeconds),
  });

/** What follows the prefix, percent-decoded; null when there is nothing or it is malformed. */
function targetOf(path: string, prefix: string): string | null {
  if (!path.startsWith(`${prefix}/`)) return null;
  try {
    const target = decodeURIComponent(path.slice(prefix.length + 1));
    return target === '' ? null : target;
  } catch {
    return null;
  }
}

const encodingOf = (request: HttpRequest): string =>
  (request.headers['content-encoding'] ?? '').trim().toLowerCase() || 'identity';

const mediaType = (request: HttpRequest): string =>
  (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();

const digest = (token: string): Uint8Array => createHash('sha256').update(token).digest();
