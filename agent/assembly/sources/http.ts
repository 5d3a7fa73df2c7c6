import { limits } from '../../api/limits.ts';
import type { HttpSourceConfig } from '../../config/schema/config.ts';
import { HostHttpServer } from '../../host/http-server.ts';
import { readServerTls } from '../../host/tls-files.ts';
import { HttpIngest } from '../../ingest/http-ingest.ts';
import { addressText, type RunningSource, type SourcePorts } from './running-source.ts';

/** Readings by POST, on whichever server mounts it. */
export function httpIngest(
  options: {
    name: string;
    path: string;
    ack: 'received' | 'fsynced';
    token: string | null;
    bodyBytesMax: number;
    bodyBytesKey?: string;
  },
  { foundation, intake, hasStream }: Pick<SourcePorts, 'foundation' | 'intake' | 'hasStream'>,
): HttpIngest {
  const { clock, telemetry } = foundation;
  return new HttpIngest(
    { ...options, inflatedBytesMax: options.bodyBytesMax },
    { intake, clock, telemetry, hasStream },
  );
}

export function httpSource(name: string, config: HttpSourceConfig, ports: SourcePorts): RunningSource {
  const token = config.token === undefined ? null : ports.secrets.read(config.token.secret);
  const ingest = httpIngest(
    {
      name,
      path: config.path,
      ack: config.ack,
      token,
      bodyBytesMax: config.max_body,
      bodyBytesKey: `sources.${name}.max_body`,
    },
    ports,
  );
  const server = new HostHttpServer({
    host: config.listen.host,
    port: config.listen.port,
    handler: ingest,
    bounds: limits,
    ...(config.tls === undefined ? {} : { tls: readServerTls(config.tls, ports.secrets) }),
  });
  const listen = (): string | null => (server.address === null ? null : addressText(server.address));
  return {
    name,
    type: 'http',
    get listen() {
      return listen();
    },
    start: async () => {
      ingest.start();
      await server.start();
    },
    hold: () => Promise.resolve(ingest.hold()),
    stop: async () => {
      await server.stop();
      ingest.stop();
    },
    state: () => {
      const where = listen();
      return where === null
        ? { state: 'starting', words: 'not listening', unsettled: 0 }
        : { state: 'ok', words: `listening on ${where}`, unsettled: 0 };
    },
  };
}
