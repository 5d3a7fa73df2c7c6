import { SedgeError } from '../base/errors.ts';
import type { HttpUplinkConfig, UplinkConfig } from '../config/schema/config.ts';
import { NodeHttpClient } from '../host/http-client.ts';
import type { Secrets } from '../host/secrets.ts';
import { readClientTls } from '../host/tls-files.ts';
import type { Clock } from '../ports/clock.ts';
import type { Sink } from '../uplink/sink.ts';
import { HttpSink } from '../uplink/sink-http.ts';

export interface SinkPorts {
  readonly clock: Clock;
  readonly secrets: Secrets;
}

/** The way out a configured uplink takes. @throws {SedgeError} when a file or secret it names cannot be read. */
export function sinkOf(name: string, config: UplinkConfig, ports: SinkPorts): Sink {
  switch (config.type) {
    case 'http':
      return httpSink(config, ports);
    default:
      throw new SedgeError('SEDGE_CONFIG_INVALID', `uplink ${name}: type ${config.type} is not built yet`);
  }
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
