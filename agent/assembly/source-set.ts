import { SedgeError } from '../base/errors.ts';
import type { Config, MqttSourceConfig } from '../config/schema/config.ts';
import { MqttJsLinks } from '../host/mqtt-client.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls } from '../host/tls-files.ts';
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
