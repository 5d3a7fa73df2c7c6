import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Access } from '#agent/api/access.ts';
import type { LiveSource } from '#agent/api/agent-view.ts';
import { Api } from '#agent/api/api.ts';
import type { LiveJson } from '#agent/api/contract.ts';
import { limits } from '#agent/api/limits.ts';
import { LiveTaps } from '#agent/api/live-taps.ts';
import { json, problem } from '#agent/api/problem.ts';
import type { Route } from '#agent/api/router.ts';
import { SedgeError } from '#agent/base/errors.ts';
import { HostClock } from '#agent/host/clock.ts';
import { HostHttpServer } from '#agent/host/http-server.ts';
import type { HttpBounds } from '#agent/ports/http-server.ts';
import { listening } from '../../unit/api/api-fixture.ts';

const running: HostHttpServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop(50)));
});

async function serve(options: {
  routes?: readonly Route[];
  source?: LiveSource;
  token?: string;
  bounds?: Partial<HttpBounds>;
}) {
  const telemetry = listening();
  const taps =
    options.source === undefined
      ? null
      : new LiveTaps({ source: options.source, telemetry, agent: 'gw-7', version: '0' });
  const api = new Api({
    access: new Access({ host: '127.0.0.1', token: options.token ?? null, hosts: [] }),
    routes: options.routes ?? [],
    taps,
    telemetry,
    clock: new HostClock(),
  });
  const server = new HostHttpServer({
    host: '127.0.0.1',
    port: 0,
    handler: api,
    bounds: { ...limits, ...options.bounds },
  });
  await server.start();
  running.push(server);
  const { port } = server.address!;
  return { server, telemetry, taps, port, url: `http://127.0.0.1:${port}` };
}

const echo: Route = {
  method: 'POST',
  pattern: '/echo',
  summary: 'echo',
  answer: async (request) => {
    const body = await request.body(1_000);
    return body === null ? problem('SEDGE_API_TOO_LARGE', 'too much') : { status: 200, body };
  },
};

/** Sends bytes and gives everything that comes back until the other side closes. */
async function talk(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  await once(socket, 'close');
  return answer;
}

describe('HostHttpServer', () => {
  it('answers a request on a real socket', async () => {
    const { url } = await serve({
      routes: [{ ...echo, method: 'GET', answer: () => Promise.resolve(json({ a: 1 })) }],
    });

    const answer = await fetch(`${url}/echo`);

    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.json()).toEqual({ a: 1 });
  });

  it('keeps one connection for several requests, and answers HEAD without a body', async () => {
    const { port } = await serve({
      routes: [{ ...echo, method: 'GET', answer: () => Promise.resolve(json({ a: 1 })) }],
    });

    const answer = await talk(
      port,
      'GET /echo HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nHEAD /echo HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n',
    );

    expect(answer.match(/HTTP\/1.1 200/g)).toHaveLength(2);
    expect(answer.match(/\{"a":1\}/g)).toHaveLength(1);
  });

  it('gives a body back, and refuses one beyond the bound by length and by counting', async () => {
    const { url, port } = await serve({ routes: [echo] });

    const small = await fetch(`${url}/echo`, { method: 'POST', body: 'hello' });
    const large = await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(1_001) });
    const chunked = await talk(
      port,
      `POST /echo HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n400\r\n${'x'.repeat(0x400)}\r\n`,
    );

    expect(await small.text()).toBe('hello');
    expect(large.status).toBe(413);
    expect(chunked).toContain('413');
    expect(chunked.toLowerCase()).toContain('connection: close');
  });

  it('refuses headers beyond the bound and requests that are not HTTP', async () => {
    const { port } = await serve({});

    const fat = await talk(port, `GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
    const noise = await talk(port, '\u0016\u0003\u0001 not http\r\n\r\n');

    expect(fat).toContain('431');
    expect(noise).toContain('400');
  });

  it('cuts a client that never ends its headers', async () => {
    const { port } = await serve({ bounds: { headersMs: 100, requestMs: 100 } });

    const answer = await talk(port, 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ');

    expect(answer).toContain('408');
  });

  it('says which address is taken', async () => {
    const { port } = await serve({});
    const { handle, upgrade } = {
      handle: () => Promise.resolve({ status: 204 }),
      upgrade: () => null as never,
    };
    const second = new HostHttpServer({
      host: '127.0.0.1',
      port,
      handler: { handle, upgrade },
      bounds: limits,
    });

    await expect(second.start()).rejects.toThrow(SedgeError);
    await expect(second.start()).rejects.toThrow(`127.0.0.1:${port}`);
  });

  it('starts and stops twice', async () => {
    const { server } = await serve({});

    await server.start();
    await server.stop();
    await server.stop();

    expect(server.address).toBeNull();
  });
});

/** A live source whose readings come when the test says so. */
function tappable() {
  const listeners = new Set<(message: LiveJson) => void>();
  const source: LiveSource = {
    tap: (request, deliver) => {
      if (request.streams.includes('missing')) return null;
      listeners.add(deliver);
      return () => listeners.delete(deliver);
    },
  };
  const reading: LiveJson = {
    kind: 'readings',
    stream: 'vibration',
    point: 'stored',
    readings: [],
    skipped: 0,
  };
  return {
    source,
    listeners,
    reading,
    emit: (message: LiveJson) => listeners.forEach((deliver) => deliver(message)),
  };
}

/** The next messages of a socket, in order. */
function messages(socket: WebSocket): AsyncIterator<string> {
  const waiting: string[] = [];
  let wake: (() => void) | null = null;
  socket.on('message', (data: Buffer) => {
    waiting.push(data.toString());
    wake?.();
  });
  return {
    next: async () => {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return { value: waiting.shift()!, done: false };
    },
  };
}

async function next(iterator: AsyncIterator<string>): Promise<LiveJson> {
  return JSON.parse((await iterator.next()).value as string) as LiveJson;
}

describe('live taps', () => {
  it('greet, deliver, and leave their source when the reader goes', async () => {
    const { source, listeners, reading, emit } = tappable();
    const { port } = await serve({ source });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/events?streams=vibration`);
    const heard = messages(socket);

    const hello = await next(heard);
    emit(reading);
    const delivered = await next(heard);
    socket.close();
    await expect.poll(() => listeners.size).toBe(0);

    expect(hello).toMatchObject({ kind: 'hello', agent: 'gw-7', streams: ['vibration'] });
    expect(delivered).toEqual(reading);
  });

  it('close a reader that does not read, with a notice, and free its place', async () => {
    const { source, listeners, emit } = tappable();
    const { port, telemetry } = await serve({ source });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/events`);
    await once(socket, 'message');
    socket.pause();
    const fat: LiveJson = {
      kind: 'readings',
      stream: 'x'.repeat(256 * 1024),
      point: '',
      readings: [],
      skipped: 0,
    };

    for (let i = 0; i < 200 && listeners.size > 0; i++) emit(fat);
    const seen = messages(socket);
    socket.resume();
    let last = await next(seen);
    while (last.kind !== 'closed') last = await next(seen);
    const [code] = (await once(socket, 'close')) as [number];

    expect(last.reason).toContain('too slow');
    expect(code).toBe(1013);
    expect(listeners.size).toBe(0);
    expect(telemetry.counts).toContain('api_taps_dropped ');
  });

  it('say that a stream does not exist', async () => {
    const { port } = await serve({ source: tappable().source });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/events?streams=missing`);

    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];

    expect(code).toBe(1008);
    expect(reason.toString()).toBe('no such stream or point');
  });

  it('are bounded in number', async () => {
    const { port } = await serve({ source: tappable().source });
    const open = Array.from({ length: limits.taps }, () => new WebSocket(`ws://127.0.0.1:${port}/v1/events`));
    await Promise.all(open.map((socket) => once(socket, 'message')));

    const refused = new WebSocket(`ws://127.0.0.1:${port}/v1/events`);
    const [error] = (await once(refused, 'error')) as [Error];

    expect(error.message).toContain('503');
    for (const socket of open) socket.terminate();
  });

  it('take a token by subprotocol, and refuse other origins and wrong tokens', async () => {
    const { port } = await serve({ source: tappable().source, token: 's3cret' });
    const address = `ws://127.0.0.1:${port}/v1/events`;

    const good = new WebSocket(address, ['sedge', 'sedge.token.s3cret']);
    await once(good, 'message');
    const wrong = new WebSocket(address, ['sedge.token.guess']);
    const [wrongError] = (await once(wrong, 'error')) as [Error];
    const foreign = new WebSocket(address, ['sedge.token.s3cret'], { origin: 'https://evil.example' });
    const [foreignError] = (await once(foreign, 'error')) as [Error];

    expect(good.protocol).toBe('sedge.token.s3cret');
    expect(wrongError.message).toContain('401');
    expect(foreignError.message).toContain('403');
    good.terminate();
  });

  it('end with a notice when the agent stops', async () => {
    const { port, taps } = await serve({ source: tappable().source });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/events`);
    await once(socket, 'message');

    taps!.stop();
    taps!.stop();
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];

    expect([code, reason.toString()]).toEqual([1001, 'the agent stops']);
  });
});
