import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { HttpAnswer, HttpClient } from '../ports/http-client.ts';
import { refusedReadings, retryAfterMs, wordsOfAnswer } from './answer-words.ts';
import { uplinkLimits } from './limits.ts';
import { type OutgoingBatch, type SendOutcome, type Sink, idempotencyKey } from './sink.ts';

export type Coding = 'identity' | 'gzip' | 'zstd';

export interface HttpSinkOptions {
  /** `auto`: what the server says it accepts (RFC 7694), zstd before gzip. Otherwise this coding until a 415. */
  readonly compression: 'auto' | 'none' | 'gzip' | 'zstd';
  /** Added to every request, after ours: `authorization` among them. Never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs?: Millis;
}

/** POSTs NDJSON, as INTERFACE “What an uplink sends” says. */
export class HttpSink implements Sink {
  readonly kind = 'http';
  readonly #options: HttpSinkOptions;
  readonly #client: HttpClient;
  readonly #clock: Clock;
  #coding: Coding;
  /** Codings that met a 415: not tried again before the next start. */
  readonly #unwelcome = new Set<Coding>();

  constructor(options: HttpSinkOptions, ports: { client: HttpClient; clock: Clock }) {
    this.#options = options;
    this.#client = ports.client;
    this.#clock = ports.clock;
    this.#coding = firstCoding(options);
  }

  start(): Promise<void> {
    this.#unwelcome.clear();
    this.#coding = firstCoding(this.#options);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#client.close();
  }

  async send(batch: OutgoingBatch): Promise<SendOutcome> {
    let bytes = 0;
    // A 415 takes one coding out; with none left the answer stands: at most three rounds.
    for (;;) {
      const coding = batch.body.length < uplinkLimits.compressBytesMin ? 'identity' : this.#coding;
      const body = encoded(batch.body, coding);
      bytes += body.length;
      const answer = await this.#client.request({
        method: 'POST',
        headers: this.#headers(batch, coding),
        body,
        timeoutMs: this.#options.timeoutMs ?? uplinkLimits.requestTimeoutMs,
        answerBytesMax: uplinkLimits.answerBytesMax,
      });
      if (!answer.ok) {
        return { kind: 'later', words: answer.message, bytes, unreachable: answer.trouble === 'unreachable' };
      }
      if (answer.status === 415 && coding !== 'identity') {
        this.#unwelcome.add(coding);
        this.#learn(answer.headers['accept-encoding'] ?? '');
        continue;
      }
      const accepts = answer.headers['accept-encoding'];
      if (accepts !== undefined) this.#learn(accepts);
      return { ...this.#outcome(answer, batch), bytes };
    }
  }

  #headers(batch: OutgoingBatch, coding: Coding): Record<string, string> {
    return {
      'content-type': 'application/x-ndjson',
      'idempotency-key': headerSafe(idempotencyKey(batch)),
      'sedge-epoch': batch.epoch,
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
      ...this.#options.headers,
    };
  }

  #learn(accepts: string): void {
    if (this.#options.compression === 'none') return;
    const listed = acceptedCodings(accepts);
    const wanted: readonly Coding[] =
      this.#options.compression === 'auto' ? ['zstd', 'gzip'] : [this.#options.compression];
    this.#coding = wanted.find((coding) => listed.has(coding) && !this.#unwelcome.has(coding)) ?? 'identity';
  }

  #outcome(answer: HttpAnswer & { ok: true }, batch: OutgoingBatch): Outcome {
    const { status, body } = answer;
    const words = wordsOfAnswer(status, body);
    if (status === 207 || status === 400) {
      const refused = refusedReadings(body, batch.last - batch.first + 1);
      if (refused !== null && refused.length > 0)
        return { kind: 'partly', refused, rest: status === 207 ? 'taken' : 'later' };
      // Who announces refusals must name them: taking a 207 that cannot be read for a success would lose readings silently.
      if (status === 207 && refused === null)
        return { kind: 'later', words: `${words} (no readable list of refusals)` };
    }
    const meaning = meaningOf(status);
    switch (meaning) {
      case 'taken':
      case 'too_big':
      case 'refused':
        return meaning === 'taken' ? { kind: 'taken' } : { kind: meaning, words };
      case 'denied':
        return { kind: 'later', words, denied: true };
      case 'later': {
        const waitMs = retryAfterMs(answer.headers['retry-after'], this.#clock.wall() / 1000);
        return { kind: 'later', words, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) };
      }
    }
  }
}

type Outcome = SendOutcome extends infer One ? (One extends unknown ? Omit<One, 'bytes'> : never) : never;

/**
 * The fate of a batch by status. 401, 407: the server does not know us, so no batch is to blame and none may be thrown away.
 * 1xx never ends a request and 3xx is not followed, for it may lead anywhere: both wait for an operator's eye.
 */
export function meaningOf(status: number): 'taken' | 'later' | 'denied' | 'too_big' | 'refused' {
  if (status >= 200 && status < 300) return 'taken';
  if (status === 401 || status === 407) return 'denied';
  if (status === 413) return 'too_big';
  if (status === 408 || status === 425 || status === 429) return 'later';
  return status >= 400 && status < 500 ? 'refused' : 'later';
}

function firstCoding(options: HttpSinkOptions): Coding {
  return options.compression === 'gzip' || options.compression === 'zstd' ? options.compression : 'identity';
}

function encoded(body: Uint8Array, coding: Coding): Uint8Array {
  if (coding === 'identity') return body;
  return coding === 'gzip' ? gzipSync(body, { level: 6 }) : zstdCompressSync(body);
}

/** Codings of an `Accept-Encoding` value with a weight above 0. */
export function acceptedCodings(header: string): ReadonlySet<string> {
  const codings = new Set<string>();
  for (const part of header.toLowerCase().split(',').slice(0, 16)) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const zero = parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
    if (name !== '' && !zero) codings.add(name === 'x-gzip' ? 'gzip' : name);
  }
  return codings;
}

/** Anything but visible ASCII, and `%` itself, percent-encoded as UTF-8. */
export function headerSafe(text: string): string {
  return text.replaceAll(/[^\u0021-\u0024\u0026-\u007E]/gu, (character) =>
    character.isWellFormed() ? encodeURIComponent(character).replace(/^[^%].*$/, percentHex) : '%EF%BF%BD',
  );
}

const percentHex = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
