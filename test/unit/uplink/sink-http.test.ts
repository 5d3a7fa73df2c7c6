import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer, HttpClient, HttpRequest } from '#agent/ports/http-client.ts';
import { refusedReadings, retryAfterMs } from '#agent/uplink/answer-words.ts';
import { HttpSink, acceptedCodings, headerSafe, meaningOf } from '#agent/uplink/sink-http.ts';
import type { OutgoingBatch } from '#agent/uplink/sink.ts';
import { FakeClock } from '#test/support/fake-clock.ts';

/** A server of canned answers; the last one repeats. */
class Server implements HttpClient {
  readonly requests: HttpRequest[] = [];
  readonly #answers: Partial<HttpAnswer & { ok: true }>[];

  constructor(...answers: Partial<HttpAnswer & { ok: true }>[]) {
    this.#answers = answers;
  }

  request(request: HttpRequest): Promise<HttpAnswer> {
    this.requests.push(request);
    const next = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    return Promise.resolve({ ok: true, status: 200, headers: {}, body: new Uint8Array(), ...next });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const plain = text('{"agent":"gw-7","stream":"hall 1/é","offset":10}\n'.repeat(40));
const batch: OutgoingBatch = {
  agent: 'gw-7',
  epoch: '9f3a5c0012ab34cd',
  stream: 'hall 1/é',
  first: 10,
  last: 49,
  fidelity: 'raw',
  count: 40,
  body: plain,
};

function sinkOn(server: Server, compression: 'auto' | 'none' | 'gzip' | 'zstd' = 'auto'): HttpSink {
  return new HttpSink({ compression, headers: {} }, { client: server, clock: new FakeClock() });
}

describe('HttpSink', () => {
  test('names the batch by agent, stream and offsets, safe for a header, and the epoch beside it', async () => {
    const server = new Server({});
    await sinkOn(server).send(batch);

    expect(server.requests[0]?.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'idempotency-key': 'gw-7/hall%201/%C3%A9/10-49',
      'sedge-epoch': '9f3a5c0012ab34cd',
    });
  });

  test('sends plain until it has heard what the server accepts, then the best of it', async () => {
    const server = new Server({ headers: { 'accept-encoding': 'gzip;q=0.5, zstd' } });
    const sink = sinkOn(server);
    await sink.send(batch);
    await sink.send(batch);

    expect(server.requests.map((request) => request.headers['content-encoding'])).toEqual([
      undefined,
      'zstd',
    ]);
    expect(new Uint8Array(zstdDecompressSync(server.requests[1]!.body))).toEqual(plain);
  });

  test('after a 415 the batch goes again in what the server does accept', async () => {
    const server = new Server({ status: 415, headers: { 'accept-encoding': 'gzip' } }, {});
    const sink = sinkOn(server, 'gzip');
    const auto = sinkOn(new Server({}));
    const outcome = await sink.send(batch);

    expect(outcome.kind).toBe('taken');
    expect(server.requests.map((request) => request.headers['content-encoding'])).toEqual([
      'gzip',
      undefined,
    ]);
    expect(gunzipSync(server.requests[0]!.body).length).toBe(plain.length);
    expect(outcome.bytes).toBe(server.requests[0]!.body.length + plain.length);
    expect((await auto.send(batch)).bytes).toBe(plain.length);
  });

  test.each([
    [200, 'taken'],
    [204, 'taken'],
    [302, 'later'],
    [400, 'refused'],
    [401, 'denied'],
    [404, 'refused'],
    [407, 'denied'],
    [408, 'later'],
    [409, 'refused'],
    [413, 'too_big'],
    [422, 'refused'],
    [425, 'later'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ] as const)('status %i means %s', (status, meaning) => {
    expect(meaningOf(status)).toBe(meaning);
  });

  test('the words of a refusal are one bounded line', async () => {
    const sink = sinkOn(
      new Server({ status: 422, body: text(`no\r\n\tsuch\u0000 field ${'x'.repeat(500)}`) }),
    );
    const outcome = await sink.send(batch);

    expect(outcome.kind).toBe('refused');
    const words = outcome.kind === 'refused' ? outcome.words : '';
    expect(words).toMatch(/^HTTP 422: no such field x+…$/);
    expect(words).toHaveLength(200);
  });

  test('an answer that names readings refuses only these: 207 has taken the rest, 400 has not', async () => {
    const body = text('{"refused":[{"offset":12,"reason":"too hot"},{"offset":-1},{"offset":13}]}');
    const refused = [
      { offset: 12, reason: 'too hot' },
      { offset: 13, reason: 'refused without a reason' },
    ];

    expect(await sinkOn(new Server({ status: 207, body })).send(batch)).toMatchObject({
      kind: 'partly',
      refused,
      rest: 'taken',
    });
    expect(await sinkOn(new Server({ status: 400, body })).send(batch)).toMatchObject({
      kind: 'partly',
      refused,
      rest: 'later',
    });
  });

  test('a 207 whose list cannot be read is no success', async () => {
    expect(
      (await sinkOn(new Server({ status: 207, body: text('{"refused":[{"off') })).send(batch)).kind,
    ).toBe('later');
    expect((await sinkOn(new Server({ status: 207, body: text('{"refused":[]}') })).send(batch)).kind).toBe(
      'taken',
    );
  });

  test('Retry-After is told in milliseconds, as seconds or as a date', async () => {
    const clock = new FakeClock();
    const date = new Date(clock.wall() / 1000 + 90_000).toUTCString();
    const later = await sinkOn(new Server({ status: 503, headers: { 'retry-after': '7' } })).send(batch);

    expect(later).toMatchObject({ kind: 'later', retryAfterMs: 7_000 });
    expect(retryAfterMs(date, clock.wall() / 1000)).toBe(90_000);
    expect(retryAfterMs('Wed, 21 Oct 2015 07:28:00 GMT', clock.wall() / 1000)).toBe(0);
    expect(retryAfterMs('999999999', 0)).toBe(3_600_000);
    expect(['soon', '', '-5', undefined].map((header) => retryAfterMs(header, 0))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
  });
});

test('a weight of zero takes a coding off the list', () => {
  expect([...acceptedCodings('zstd;q=0, GZIP ;q=0.1, x-gzip, identity;q=0.000')]).toEqual(['gzip']);
});

test('header text keeps visible ASCII and encodes the rest so that nothing is confused', () => {
  expect(headerSafe('a/b c%20\nü\uD800')).toBe('a/b%20c%2520%0A%C3%BC%EF%BF%BD');
});

test('a list of refusals is bounded and skips what is not well formed', () => {
  const many = JSON.stringify({
    refused: Array.from({ length: 50 }, (_, offset) => ({ offset, reason: 'r' })),
  });

  expect(refusedReadings(text(many), 10)).toHaveLength(10);
  expect(refusedReadings(text('[]'), 10)).toBeNull();
  expect(refusedReadings(text('{"refused":{}}'), 10)).toBeNull();
  expect(refusedReadings(text('{"refused":[null,7,{"offset":1.5}]}'), 10)).toEqual([]);
});
