import type { MqttSourceConfig } from '../../config/schema/config.ts';
import { MqttJsLinks } from '../../host/mqtt-client.ts';
import { readClientTls } from '../../host/tls-files.ts';
import { MqttSource } from '../../ingest/mqtt-source.ts';
import { formatDuration } from '../../base/words.ts';
import type { RunningSource, SourcePorts } from './running-source.ts';

export function mqttSource(name: string, config: MqttSourceConfig, ports: SourcePorts): RunningSource {
  const { foundation, intake, marks, secrets } = ports;
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
        clientId: config.client_id,
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
    { links: new MqttJsLinks(), intake, marks, clock, entropy, telemetry },
  );
  return {
    name,
    type: 'mqtt',
    listen: null,
    start: () => source.start(),
    hold: () => Promise.resolve(source.hold()),
    stop: () => Promise.resolve(source.stop()),
    state: () => {
      const { state, reason, unsettled, sinceMs } = source.inspect();
      const span = formatDuration((clock.monotonic() - sinceMs) / 1000);
      if (state === 'connected')
        return {
          state: reason === '' ? 'ok' : 'degraded',
          words: reason === '' ? `connected to ${new URL(config.url).host} for ${span}` : reason,
          unsettled,
        };
      return {
        state: state === 'connecting' ? 'starting' : 'degraded',
        words: reason === '' ? state : `no connection for ${span}: ${reason}`,
        unsettled,
      };
    },
  };
}
