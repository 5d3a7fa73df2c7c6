import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { SedgeError, messageOf } from '../base/errors.ts';
import { KiB } from '../base/units.ts';
import type { HttpBounds, HttpHandler, HttpRequest, HttpResponse, LiveSocket } from '../ports/http-server.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handler: HttpHandler;
  readonly bounds: HttpBounds;
  /** PEM texts; with `clientCa`, callers must show a certificate of one of these authorities. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

/** node:http and ws behind {@link HttpHandler}. Starts and stops; knows no route. */
export class HostHttpServer {
  readonly #options: HttpServerOptions;
  #server: Server | null = null;
  #live: WebSocketServer | null = null;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /** The address in use, or null when stopped. */
  get address(): { readonly host: string; readonly port: number } | null {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address === null || address === undefined ? null : { host: address.address, port: address.port };
  }

  /** @throws {SedgeError} SEDGE_LISTEN_FAILED. */
  async start(): Promise<void> {
    if (this.#server !== null) return;
    const { host, port, handler, bounds, tls } = this.#options;
    const server = createListener(
      tls,
      {
        maxHeaderSize: bounds.headerBytes,
        headersTimeout: bounds.headersMs,
        requestTimeout: bounds.requestMs,
        keepAliveTimeout: bounds.idleMs,
        connectionsCheckingInterval: Math.min(bounds.headersMs, 5_000),
        requireHostHeader: true,
      },
      (message, response) => {
        response.setTimeout(bounds.stalledMs, () => message.socket.destroy());
        // A rejection here is a bug of ours and ends the process, as every unhandled one does.
        void respond(handler, message, response);
      },
    );
    server.maxConnections = bounds.connections;
    server.maxHeadersCount = bounds.headers;
    const live = new WebSocketServer({
      noServer: true,
      maxPayload: bounds.liveMessageBytes,
      perMessageDeflate: false,
      handleProtocols: () => false,
    });
    server.on('upgrade', (message, socket, head) =>
      upgrade({ handler, live, bounds }, { message, socket, head }),
    );
    this.#server = server;
    this.#live = live;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, () => {
          server.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      this.#server = null;
      this.#live = null;
      throw new SedgeError('SEDGE_LISTEN_FAILED', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Takes no more requests, lets running ones end for `graceMs`, then cuts. */
  async stop(graceMs = 1_000): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    for (const socket of this.#live?.clients ?? []) socket.close(1001, 'the agent stops');
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const socket of this.#live?.clients ?? []) socket.terminate();
      server.closeAllConnections();
    }, graceMs);
    await closed;
    clearTimeout(cut);
    this.#live = null;
  }
}

function createListener(
  tls: HttpServerOptions['tls'],
  options: ServerOptions,
  listener: (message: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(options, listener);
  const { cert, key, clientCa } = tls;
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createTlsServer({ ...options, cert, key, ...clients, minVersion: 'TLSv1.2' }, listener);
}

async function respond(
  handler: HttpHandler,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await handler.handle(requestOf(message));
  if (response.destroyed) return;
  const headers: Record<string, string> = { ...answer.headers };
  if (typeof answer.body === 'string' || answer.body instanceof Uint8Array || answer.body === undefined) {
    const body = answer.body ?? '';
    if (answer.status !== 204) headers['content-length'] = String(Buffer.byteLength(body));
    // A body left unread would be taken for the next request.
    if (hasBody(message) && !message.complete) headers['connection'] = 'close';
    response.writeHead(answer.status, headers);
    response.end(message.method === 'HEAD' ? undefined : body);
    return;
  }
  response.writeHead(answer.status, headers);
  try {
    await pipeline(Readable.from(answer.body), response);
  } catch {
    // The reader left, or the source gave up: the connection is gone either way, and nobody is there to be told.
    response.destroy();
  }
}

function hasBody(message: IncomingMessage): boolean {
  const length = message.headers['content-length'];
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function requestOf(message: IncomingMessage): HttpRequest {
  const target = message.url ?? '/';
  const mark = target.indexOf('?');
  const headers: Record<string, string | undefined> = Object.create(null) as Record<
    string,
    string | undefined
  >;
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: message.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    headers,
    remote: message.socket.remoteAddress ?? 'unknown',
    body: (bytesMax) => readBody(message, bytesMax),
  };
}

async function readBody(message: IncomingMessage, bytesMax: number): Promise<Uint8Array | null> {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (announced > bytesMax) return null;
  // One piece of memory from the start, so that a body is not there twice when it is whole.
  if (announced > joinedBytes) return readInto(message, Buffer.allocUnsafeSlow(announced));
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bytesMax) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length);
}

/** Bodies up to this length are cheaper to join than to have memory of their own. */
const joinedBytes = 64 * KiB;

/** Null when the sender goes away; node:http itself keeps it to the length announced. */
async function readInto(message: IncomingMessage, body: Buffer): Promise<Uint8Array | null> {
  let at = 0;
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      if (at + chunk.length > body.length) return null;
      body.set(chunk, at);
      at += chunk.length;
    }
  } catch {
    return null;
  }
  return at === body.length ? body : null;
}

function upgrade(
  { handler, live, bounds }: { handler: HttpHandler; live: WebSocketServer; bounds: HttpBounds },
  { message, socket, head }: { message: IncomingMessage; socket: Duplex; head: Buffer },
): void {
  socket.on('error', () => socket.destroy());
  const answer = handler.upgrade(requestOf(message));
  if (answer.kind === 'refuse') {
    socket.end(rawAnswer(answer.response));
    return;
  }
  // The answer knows which of the offered subprotocols it meant; ws would take the first.
  const { protocol } = answer;
  live.options.handleProtocols = () => protocol ?? false;
  live.handleUpgrade(message, socket, head, (webSocket) => {
    keepAlive(webSocket, bounds.livePingMs);
    answer.connected(liveSocket(webSocket, bounds));
  });
}

function rawAnswer(response: HttpResponse): string {
  const body = typeof response.body === 'string' ? response.body : '';
  let text = `HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}\r\nconnection: close\r\n`;
  for (const [name, value] of Object.entries(response.headers ?? {})) text += `${name}: ${value}\r\n`;
  return `${text}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function keepAlive(socket: WebSocket, pingMs: number): void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }, pingMs);
  timer.unref();
  socket.once('close', () => clearInterval(timer));
}

function liveSocket(socket: WebSocket, bounds: HttpBounds): LiveSocket {
  // ws reports a broken frame as an error and closes by itself; the close is what the other side hears of.
  socket.on('error', () => socket.terminate());
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (text) => {
      if (socket.readyState === socket.OPEN) socket.send(text);
    },
    close: (code, reason) => {
      socket.close(code, reason);
      const cut = setTimeout(() => socket.terminate(), bounds.stalledMs);
      cut.unref();
      socket.once('close', () => clearTimeout(cut));
    },
    onMessage: (listener) => {
      socket.on('message', (data, binary) => {
        if (!binary) listener((data as Buffer).toString('utf8'));
      });
    },
    onClose: (listener) => {
      socket.once('close', () => listener());
    },
  };
}
