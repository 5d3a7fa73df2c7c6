import { join } from 'node:path';
import type { BrokerSourceConfig } from '../../config/schema/config.ts';
import { AedesBrokers } from '../../host/mqtt-broker.ts';
import { readServerTls } from '../../host/tls-files.ts';
import { BrokerSource } from '../../ingest/broker-source.ts';
import { addressText, type RunningSource, type SourcePorts } from './running-source.ts';

export function brokerSource(
  name: string,
  config: BrokerSourceConfig,
  ports: SourcePorts & { readonly folder: string },
): RunningSource {
  const { foundation, intake, marks, secrets } = ports;
  const { clock, telemetry } = foundation;
  const source = new BrokerSource(
    {
      name,
      ack: config.ack,
      users: config.users.map((user) => ({ ...user, password: secrets.read(user.password.secret) })),
      anonymous: config.anonymous ?? config.users.length === 0,
      receiveMaximum: config.receive_maximum,
      broker: {
        listen: config.listen,
        ...(config.websocket === undefined ? {} : { websocket: config.websocket }),
        ...(config.tls === undefined ? {} : { tls: readServerTls(config.tls, secrets) }),
        clientsMax: config.max_clients,
        packetBytesMax: config.max_packet,
        connectTimeoutMs: config.connect_timeout,
        sessionExpiryMs: config.session_expiry,
        sessionQueueMax: config.session_queue,
        sessionsFile: join(ports.folder, `broker-${name}.sessions`),
      },
    },
    { brokers: new AedesBrokers(), intake, marks, clock, telemetry },
  );
  let running = false;
  return {
    name,
    type: 'broker',
    get listen() {
      const address = source.addresses[0];
      return address === undefined ? null : addressText(address);
    },
    start: async () => {
      await source.start();
      running = true;
    },
    publish: (message) => source.publish(message),
    hold: () => Promise.resolve(source.hold()),
    stop: async () => {
      running = false;
      await source.stop();
    },
    state: () => {
      const { clients } = source;
      if (!running) return { state: 'starting', words: 'not listening', unsettled: 0 };
      const where = source.addresses.map(addressText).join(' and ');
      return {
        state: 'ok',
        words: `listening on ${where}, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
        unsettled: 0,
      };
    },
  };
}
