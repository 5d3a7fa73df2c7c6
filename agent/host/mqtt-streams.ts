import { connect as connectTcp, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { WebSocket, createWebSocketStream } from 'ws';
import { SedgeError } from '../base/errors.ts';
import type { MqttLinkOptions, TlsOptions } from '../ports/broker.ts';

/** Room for a WebSocket message that carries several packets. */
const webSocketSlackBytes = 64 * 1024;

const defaultPorts: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
};

/** The byte stream below an MQTT connection. It connects by itself; writes before that wait. */
export function openMqttStream(
  options: Pick<MqttLinkOptions, 'url' | 'tls' | 'packetBytesMax' | 'connectTimeoutMs'>,
): Duplex {
  const url = new URL(options.url);
  const port = url.port === '' ? defaultPorts[url.protocol] : Number(url.port);
  // URL keeps the brackets of an IPv6 address; sockets want none.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (port === undefined || host === '')
    throw new SedgeError(
      'SEDGE_CONFIG_INVALID',
      `${url.protocol}//${host} is no mqtt, mqtts, ws or wss address`,
    );
  switch (url.protocol) {
    case 'mqtt:':
      return connectTcp({ host, port, noDelay: true });
    case 'mqtts:':
      return connectTls({ host, port, ...tlsOptions(options.tls, host) }).setNoDelay(true);
    default: {
      const socket = new WebSocket(options.url, ['mqtt'], {
        ...(url.protocol === 'wss:' ? tlsOptions(options.tls, host) : {}),
        perMessageDeflate: false,
        maxPayload: options.packetBytesMax + webSocketSlackBytes,
        handshakeTimeout: options.connectTimeoutMs,
      });
      return createWebSocketStream(socket);
    }
  }
}

function tlsOptions(tls: TlsOptions | undefined, host: string): ConnectionOptions {
  const serverName = tls?.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    rejectUnauthorized: tls?.verify ?? true,
    minVersion: 'TLSv1.2',
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls?.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls?.key === undefined ? {} : { key: tls.key }),
  };
}
