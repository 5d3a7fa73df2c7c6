import type {
  Config,
  FileUplinkConfig,
  HttpUplinkConfig,
  MqttUplinkConfig,
} from '../config/schema/config.ts';
import { NodeHttpClient } from '../host/http-client.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls } from '../host/tls-files.ts';
import { NodeAppendFile } from '../host/uplink-file.ts';
import { MqttJsPublisher } from '../host/uplink-mqtt.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sink } from '../uplink/sink.ts';
import { FileSink } from '../uplink/sink-file.ts';
import { HttpSink } from '../uplink/sink-http.ts';
import { MqttSink } from '../uplink/sink-mqtt.ts';

export interface SinkPorts {
  readonly clock: Clock;
  readonly secrets: Secrets;
}

/** The way out a configured uplink takes. @throws {SedgeError} when a file or secret it names cannot be read. */
export function sinkOf(config: Config, name: string, ports: SinkPorts): Sink {
  const uplink = config.uplinks[name]!;
  switch (uplink.type) {
    case 'http':
      return httpSink(uplink, ports);
    case 'mqtt':
      return mqttSink(uplink, { config, secrets: ports.secrets });
    case 'file':
      return fileSink(uplink);
  }
}

function fileSink({ path, rotate, keep }: FileUplinkConfig): Sink {
  return new FileSink({ rotateBytes: rotate, keep }, { file: new NodeAppendFile(path) });
}

function mqttSink(uplink: MqttUplinkConfig, { config, secrets }: { config: Config; secrets: Secrets }): Sink {
  const publisher = new MqttJsPublisher({
    url: uplink.url,
    clientId: uplink.client_id,
    version: uplink.version,
    keepAliveSeconds: Math.max(1, Math.round(uplink.keep_alive / 1000)),
    ...(uplink.username === undefined ? {} : { username: uplink.username }),
    ...(uplink.password === undefined ? {} : { password: secrets.read(uplink.password.secret) }),
    ...(uplink.tls === undefined ? {} : { tls: readClientTls(uplink.tls, secrets) }),
  });
  const topic = uplink.topic.replaceAll('{site}', config.agent.site);
  return new MqttSink({ topic, timeoutMs: uplink.timeout }, { publisher });
}

function httpSink(config: HttpUplinkConfig, { clock, secrets }: SinkPorts): Sink {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(config.headers)) {
    headers[name.toLowerCase()] = typeof value === 'string' ? value : secrets.read(value.secret);
  }
  if (config.token !== undefined) headers['authorization'] = `Bearer ${secrets.read(config.token.secret)}`;
  const client = new NodeHttpClient({
    url: config.url,
    connectionsMax: config.in_flight,
    ...(config.tls === undefined ? {} : { tls: readClientTls(config.tls, secrets) }),
  });
  return new HttpSink(
    { compression: config.compression, headers, timeoutMs: config.timeout },
    { client, clock },
  );
}
