import { SedgeError } from '../base/errors.ts';
import type { BrokerSourceConfig, Config, MqttSourceConfig } from '../config/schema/config.ts';
import { AedesBrokers } from '../host/mqtt-broker.ts';
import { MqttJsLinks } from '../host/mqtt-client.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls, readServerTls } from '../host/tls-files.ts';
import { BrokerSource } from '../ingest/broker-source.ts';
import type { Intake } from '../ingest/intake.ts';
import { MqttSource } from '../ingest/mqtt-source.ts';
import type { Store } from '../ports/store.ts';
import type { Foundation } from './foundation.ts';

/** A running source, whatever its kind. */
export interface RunningSource {
  readonly name: string;
  readonly type: string;
  /** Address bound, for sources that listen. */
  readonly listen: string | null;
  start(): Promise<void>;
  /** No new messages are taken; what was taken still settles. */
  hold(): Promise<void>;
  stop(): Promise<void>;
  state(): SourceReport;
}

export interface SourceReport {
  readonly state: 'ok' | 'starting' | 'degraded' | 'failed';
  /** "connected for 3 h", "no connection: connection refused". */
  readonly words: string;
  readonly unsettled: number;
}

export interface SourcePorts {
  readonly foundation: Foundation;
  readonly intake: Intake;
  readonly store: Store;
  readonly secrets: Secrets;
}

/** Builds one configured source. @throws {SedgeError} when a file or secret it names cannot be read. */
export function buildSource(config: Config, name: string, ports: SourcePorts): RunningSource {
  const source = config.sources[name];
  if (source === undefined) throw new SedgeError('SEDGE_CONFIG_INVALID', `there is no source ${name}`);
  switch (source.type) {
    case 'mqtt':
      return mqttSource(name, source, ports);
    case 'broker':
      return brokerSource(name, source, ports);
    default:
      throw new SedgeError('SEDGE_CONFIG_INVALID', `source ${name}: type ${source.type} is not built yet`);
  }
}

function mqttSource(name: string, config: MqttSourceConfig, ports: SourcePorts): RunningSource {
  const { foundation, intake, store, secrets } = ports;
  const { clock, entropy, telemetry } = foundation;
  const source = new MqttSource(
    {
      name,
      topics: config.topics,
      qos: config.qos,
      ack: config.ack,
      ...(config.shared_group === undefined ? {} : { sharedGroup: config.shared_group }),
      backoffMsMin: config.backoff.min,
      backoffMsMax: config.backoff.max,
      link: {
        url: config.url,
        version: config.version,
        clientId: config.client_id ?? `sedge-${name}`,
        clean: config.clean,
        sessionExpirySeconds: Math.round(config.session_expiry / 1000),
        keepAliveSeconds: Math.max(1, Math.round(config.keep_alive / 1000)),
        connectTimeoutMs: config.connect_timeout,
        receiveMaximum: config.receive_maximum,
        packetBytesMax: config.max_packet,
        ...(config.username === undefined ? {} : { username: config.username }),
        ...(config.password === undefined ? {} : { password: secrets.read(config.password.secret) }),
        ...(config.tls === undefined ? {} : { tls: readClientTls(config.tls, secrets) }),
      },
    },
    { links: new MqttJsLinks(), intake, marks: (one) => store.marks(one), clock, entropy, telemetry },
  );
  return {
    name,
    type: 'mqtt',
    listen: null,
    start: () => source.start(),
    hold: () => Promise.resolve(source.hold()),
    stop: () => Promise.resolve(source.stop()),
    state: () => {
      const { state, reason, unsettled } = source.inspect();
      if (state === 'connected')
        return {
          state: reason === '' ? 'ok' : 'degraded',
          words: reason === '' ? 'connected' : reason,
          unsettled,
        };
      return {
        state: state === 'connecting' ? 'starting' : 'degraded',
        words: reason === '' ? state : `no connection: ${reason}`,
        unsettled,
      };
    },
  };
}

function brokerSource(name: string, config: BrokerSourceConfig, ports: SourcePorts): RunningSource {
  const { foundation, intake, store, secrets } = ports;
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
      },
    },
    { brokers: new AedesBrokers(), intake, marks: (one) => store.marks(one), clock, telemetry },
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

/** `host:port`, IPv6 in brackets. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
