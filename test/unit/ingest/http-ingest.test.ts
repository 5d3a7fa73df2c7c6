import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HttpIngest, type HttpIngestOptions } from '#agent/ingest/http-ingest.ts';
import type { StreamPlan } from '#agent/ingest/arrival.ts';
import { limits } from '#agent/ingest/limits.ts';
import type { HttpRequest, HttpResponse } from '#agent/ports/http-server.ts';
import {
  flushPromises,
  full,
  intakeRig,
  plan,
  storedTexts,
  textDecoder,
  type IntakeRig,
} from '#test/support/mqtt-fakes.ts';

interface Rig extends IntakeRig {
  readonly http: HttpIngest;
  post(path: string, body: string | Uint8Array, headers?: Record<string, string>): Promise<HttpResponse>;
  /** Lets everything offered be stored and settled. */
  commit(): Promise<void>;
}

function rigOf(options: Partial<HttpIngestOptions> = {}): Rig {
  const decoderOf: StreamPlan['decoderOf'] = (format) => ({
    decode: (message, into) =>
      textDecoder.decode({ ...message, payload: Buffer.from(`${format}:${textOf(message.payload)}`) }, into),
  });
  const base = intakeRig([{ ...plan('a'), decoderOf }, plan('b')]);
  const http = new HttpIngest(
    {
      name: 'push',
      ack: 'fsynced',
      path: '/v1/ingest',
      token: null,
      bodyBytesMax: 100,
      inflatedBytesMax: 1_000,
      ...options,
    },
    {
      intake: base.intake,
      clock: base.clock,
      telemetry: base.telemetry,
      hasStream: (name) => name === 'a' || name === 'b',
    },
  );
  http.start();
  const post: Rig['post'] = (path, body, headers = {}) => http.handle(request('POST', path, body, headers));
  const commit = async (): Promise<void> => {
    await flushPromises();
    base.scheduler.run();
    await base.store.answerAll();
  };
  return { ...base, http, post, commit };
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

function request(
  method: string,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): HttpRequest {
  const bytes = Buffer.from(body);
  return {
    method,
    path,
    query: new URLSearchParams(),
    headers,
    remote: '127.0.0.1',
    body: (bytesMax) => Promise.resolve(bytes.length > bytesMax ? null : bytes),
  };
}

describe('HttpIngest', () => {
  it('answers 204 after the commit, not before', async () => {
    const rig = rigOf();
    let answer: HttpResponse | null = null;
    const pending = rig.post('/v1/ingest/a', 'x').then((response) => (answer = response));
    await flushPromises();
    rig.scheduler.run();
    await flushPromises();
    expect(answer).toBeNull();

    await rig.store.answerAll();
    await pending;

    expect(answer).toEqual({ status: 204 });
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['x']);
  });

  it.each([
    ['a stream by name', '/v1/ingest/b', 'b'],
    ['a topic that a stream takes', '/v1/ingest/a/1', 'a'],
    ['a percent-encoded topic', '/v1/ingest/a%2F1', 'a'],
  ])('takes %s', async (_what, path, stream) => {
    const rig = rigOf();
    const pending = rig.post(path, 'x');

    await rig.commit();

    expect(await pending).toEqual({ status: 204 });
    expect(storedTexts(rig.store.stored, stream)).toEqual(['x']);
  });

  it.each([
    ['gzip', gzipSync('xyz')],
    ['zstd', zstdCompressSync('xyz')],
  ])('takes a %s body', async (encoding, body) => {
    const rig = rigOf();
    const pending = rig.post('/v1/ingest/a', body, { 'content-encoding': encoding });

    await rig.commit();
    await pending;

    expect(storedTexts(rig.store.stored, 'a')).toEqual(['xyz']);
  });

  it.each([
    ['Application/X-NDJSON; charset=utf-8', 'ndjson:x'],
    ['application/cbor', 'cbor:x'],
    ['application/json', 'x'],
    ['__proto__', 'x'],
  ])("has a body of type %s read in that format by the stream's own rules", async (type, read) => {
    const rig = rigOf();
    const pending = rig.post('/v1/ingest/a', 'x', { 'content-type': type });

    await rig.commit();
    await pending;

    expect(storedTexts(rig.store.stored, 'a')).toEqual([read]);
  });

  it.each([
    ['an undecodable body', '/v1/ingest/a', 'bad', {}, 400],
    ['a topic no stream takes', '/v1/ingest/nowhere', 'x', {}, 404],
  ])('refuses %s after counting it', async (_what, path, body, headers, status) => {
    const rig = rigOf();
    const pending = rig.post(path, body, headers);

    await rig.commit();

    expect((await pending).status).toBe(status);
    expect(rig.telemetry.counters.get('ingest_http_refused')).toBe(1);
  });

  it.each([
    ['a body beyond the bound', '/v1/ingest/a', 'x'.repeat(101), {}, 413],
    [
      'a body beyond the bound once inflated',
      '/v1/ingest/a',
      gzipSync('x'.repeat(2_000)),
      { 'content-encoding': 'gzip' },
      413,
    ],
    ['a body that is not what it says', '/v1/ingest/a', 'x', { 'content-encoding': 'zstd' }, 400],
    ['an unknown encoding', '/v1/ingest/a', 'x', { 'content-encoding': 'br' }, 415],
    ['no topic', '/v1/ingest/', 'x', {}, 404],
    ['another path', '/other', 'x', {}, 404],
    ['a topic with a wildcard', '/v1/ingest/a/%23', 'x', {}, 400],
    ['a malformed escape', '/v1/ingest/%zz', 'x', {}, 404],
    ['a web page without a token', '/v1/ingest/a', 'x', { origin: 'http://evil.example' }, 403],
  ])('refuses %s at once', async (_what, path, body, headers, status) => {
    const rig = rigOf();

    const response = await rig.post(path, body, headers);

    expect(response.status).toBe(status);
    expect(rig.intake.inspect().bytes).toBe(0);
  });

  it('refuses a body with a reading that can never be stored, before it answers, and stores nothing of it', async () => {
    const rig = rigOf({ bodyBytesMax: limits.weighedBytesMin });
    const huge = `huge${'x'.repeat(limits.weighedBytesMin - 4)}`;

    const pending = [rig.post('/v1/ingest/a', 'before'), rig.post('/v1/ingest/a', huge)];
    await flushPromises();
    pending.push(rig.post('/v1/ingest/a', 'after'));
    await rig.commit();
    const answers = await Promise.all(pending);

    expect(answers.map(({ status }) => status)).toEqual([204, 413, 204]);
    expect(JSON.parse(answers[1]!.body as string)).toEqual({
      error: {
        code: 'SEDGE_INGEST_TOO_LARGE',
        message:
          'the reading takes 300000 bytes encoded, at most 262144 can be stored: send it in parts, or leave fields out with decode.fields',
      },
    });
    expect(storedTexts(rig.store.stored, 'a')).toEqual(['before', 'after']);
    const accounts = rig.store.stored.filter(({ stream }) => stream === 'a');
    expect(accounts.reduce((sum, { received }) => sum + received, 0)).toBe(3);
    expect(accounts.flatMap(({ filtered }) => filtered)).toEqual([{ rule: 'oversize', count: 1 }]);
    expect(rig.deadLetters.letters.map(({ reason }) => reason)).toEqual(['oversize']);
  });

  it('leaves a reading that can never be stored to the store where the answer has left already', async () => {
    const rig = rigOf({ bodyBytesMax: limits.weighedBytesMin, ack: 'received' });

    const pending = rig.post('/v1/ingest/a', `huge${'x'.repeat(limits.weighedBytesMin - 4)}`);
    await rig.commit();

    expect(await pending).toEqual({ status: 202 });
    expect(storedTexts(rig.store.stored, 'a').length).toBe(1);
  });

  it('says of a wildcard which topic was meant, what is wrong with it and what to do', async () => {
    const rig = rigOf();

    const response = await rig.post('/v1/ingest/plant/+/temperature', 'x');

    expect(JSON.parse(response.body as string)).toEqual({
      error: {
        code: 'SEDGE_INGEST_TOPIC',
        message:
          'the path names the topic "plant/+/temperature", but a topic to publish to holds no + or #: send to the one topic or stream that the readings are of',
      },
    });
  });

  it('asks for the token where there is one', async () => {
    const rig = rigOf({ token: 'secret' });
    expect((await rig.post('/v1/ingest/a', 'x')).status).toBe(401);
    expect((await rig.post('/v1/ingest/a', 'x', { authorization: 'Bearer wrong' })).status).toBe(401);

    const pending = rig.post('/v1/ingest/a', 'x', { authorization: 'Bearer secret' });
    await rig.commit();

    expect((await pending).status).toBe(204);
  });

  it('refuses other methods', async () => {
    const rig = rigOf();

    const response = await rig.http.handle(request('GET', '/v1/ingest/a', ''));

    expect(response).toMatchObject({ status: 405, headers: { allow: 'POST, PUT' } });
  });

  it('answers 503 with Retry-After while credit is exhausted, and takes readings again afterwards', async () => {
    const rig = rigOf({ bodyBytesMax: limits.inletBytes });
    const first = rig.post('/v1/ingest/a', 'x'.repeat(limits.inletBytes));
    await flushPromises();

    const refused = await rig.post('/v1/ingest/a', 'y');
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    await rig.commit();
    await first;
    const again = rig.post('/v1/ingest/a', 'z');
    await rig.commit();

    expect((await again).status).toBe(204);
  });

  it('stays shut once held, whatever credit comes back', async () => {
    const rig = rigOf({ bodyBytesMax: limits.inletBytes });
    const first = rig.post('/v1/ingest/a', 'x'.repeat(limits.inletBytes));
    await flushPromises();

    rig.http.hold();
    await rig.commit();

    expect((await first).status).toBe(204);
    expect((await rig.post('/v1/ingest/a', 'y')).status).toBe(503);
    rig.http.stop();
    rig.http.start();
    const again = rig.post('/v1/ingest/a', 'z');
    await rig.commit();
    expect((await again).status).toBe(204);
  });

  it('reads a body only when there is room for it, and gives the room back when it is taken in', async () => {
    const rig = rigOf({ bodyBytesMax: limits.httpBodiesBytes });
    const other = await rig.intake.bodies.take(limits.httpBodiesBytes);
    let read = false;
    const wanted: HttpRequest = {
      ...request('POST', '/v1/ingest/a', ''),
      body: () => {
        read = true;
        return Promise.resolve(Buffer.from('x'));
      },
    };

    const pending = rig.http.handle(wanted);
    await flushPromises();
    expect(read).toBe(false);
    other!.release();
    await flushPromises();
    expect(read).toBe(true);
    expect(rig.intake.bodies.bytes).toBe(0);

    await rig.commit();
    expect((await pending).status).toBe(204);
  });

  it('tells a sender whose body finds no room to come again', async () => {
    const rig = rigOf({ bodyBytesMax: limits.httpBodiesBytes });
    await rig.intake.bodies.take(limits.httpBodiesBytes);
    const pending = rig.post('/v1/ingest/a', 'x');
    await flushPromises();

    rig.clock.advance(limits.httpBodyWaitMs);

    expect(await pending).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  });

  it.each([
    [
      'x'.repeat(101),
      {},
      'at most 100 bytes: raise sources.push.max_body (up to 16MiB), or send less at a time',
    ],
    [
      gzipSync('x'.repeat(2_000)),
      { 'content-encoding': 'gzip' },
      'at most 1000 bytes after decompression: raise sources.push.max_body (up to 16MiB), or send less at a time',
    ],
  ] as const)('names the key that bounds a body', async (body, headers, words) => {
    const rig = rigOf({ bodyBytesKey: 'sources.push.max_body' });

    expect((await rig.post('/v1/ingest/a', body, headers)).body).toContain(words);
  });

  it('refuses a body that announces too much without waiting for room', async () => {
    const rig = rigOf();
    await rig.intake.bodies.take(limits.httpBodiesBytes);

    const response = await rig.post('/v1/ingest/a', 'x', { 'content-length': '101' });

    expect(response.status).toBe(413);
    expect(response.body).toContain('at most 100 bytes: a fixed limit here: send less at a time');
  });

  it('tells a sender whose commit does not come to send again', async () => {
    const rig = rigOf();
    const pending = rig.post('/v1/ingest/a', 'x');
    await flushPromises();
    rig.scheduler.run();
    await rig.store.answerAll(full);

    rig.clock.advance(limits.httpCommitMs);

    expect((await pending).status).toBe(503);
  });

  it('acknowledges on receipt with 202 where the configuration says so', async () => {
    const rig = rigOf({ ack: 'received' });
    const pending = rig.post('/v1/ingest/a', 'x');
    await flushPromises();

    rig.scheduler.run();

    expect((await pending).status).toBe(202);
  });

  it('lets a caller in by stream name for the API door', async () => {
    const rig = rigOf();
    expect((await rig.http.take(request('POST', '/', 'x'), 'nowhere')).status).toBe(404);

    const pending = rig.http.take(request('POST', '/', 'x'), 'b');
    await rig.commit();

    expect((await pending).status).toBe(204);
    expect(storedTexts(rig.store.stored, 'b')).toEqual(['x']);
  });
});
