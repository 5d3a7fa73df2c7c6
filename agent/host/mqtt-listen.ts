import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { WebSocketServer, createWebSocketStream } from 'ws';
import { SedgeError, messageOf } from '../base/errors.ts';
import type { EmbeddedBrokerOptions, ListenAddress } from '../ports/broker.ts';

export interface Listener {
  readonly address: ListenAddress;
  /** Stops listening and cuts what is connected. */
  close(): Promise<void>;
}

/** Room for a WebSocket message that carries several packets. */
const webSocketSlackBytes = 64 * 1024;
const handshakeMs = 10_000;

/** Listens for MQTT connections. @throws {SedgeError} SEDGE_LISTEN_FAILED. */
export async function listenMqtt(options: {
  readonly address: ListenAddress;
  readonly transport: 'tcp' | 'websocket';
  readonly tls?: EmbeddedBrokerOptions['tls'];
  readonly packetBytesMax: number;
  readonly accept: (socket: Duplex) => void;
}): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = options.transport === 'tcp' ? tcpServer(options) : webSocketServer(options);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const { host, port } = options.address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new SedgeError('SEDGE_LISTEN_FAILED', `cannot listen on ${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        }),
      ),
    );
    server.listen({ host, port }, resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    address: { host: bound.address, port: bound.port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

type ServerOptions = Parameters<typeof listenMqtt>[0];

function tlsOptions({ cert, key, clientCa }: NonNullable<ServerOptions['tls']>): object {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...clients, minVersion: 'TLSv1.2', handshakeTimeout: handshakeMs };
}

function tcpServer({ tls, accept }: ServerOptions): Server {
  if (tls === undefined) return createTcpServer({ noDelay: true }, accept);
  const server = createTlsServer({ ...tlsOptions(tls), noDelay: true }, accept);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

function webSocketServer({ tls, accept, packetBytesMax }: ServerOptions): Server {
  const server = tls === undefined ? createHttpServer() : createHttpsServer(tlsOptions(tls));
  server.on('request', (_request, response) => {
    response.writeHead(426, { connection: 'close' });
    response.end();
  });
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: false,
    maxPayload: packetBytesMax + webSocketSlackBytes,
    handleProtocols: (offered) =>
      offered.has('mqtt') ? 'mqtt' : offered.has('mqttv3.1') ? 'mqttv3.1' : false,
  });
  // The server's own errors reach whoever listens on it.
  sockets.on('error', () => undefined);
  sockets.on('connection', (socket) => accept(createWebSocketStream(socket)));
  return server;
}
