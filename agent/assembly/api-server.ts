import { hostname } from 'node:os';
import { Access } from '../api/access.ts';
import type { AgentView, IngestDoor, LiveSource } from '../api/agent-view.ts';
import { Api } from '../api/api.ts';
import { limits } from '../api/limits.ts';
import { LiveTaps } from '../api/live-taps.ts';
import { pulseOf } from '../api/pulse.ts';
import * as routes from '../api/routes.ts';
import type { Config } from '../config/schema/config.ts';
import { HostHttpServer } from '../host/http-server.ts';
import type { Secrets } from '../host/secrets.ts';
import { readServerTls } from '../host/tls-files.ts';
import type { Foundation } from './foundation.ts';

export interface ApiParts {
  readonly foundation: Foundation;
  readonly secrets: Secrets;
  readonly version: string;
  readonly view: AgentView;
  readonly live: LiveSource;
  readonly ingest: IngestDoor | null;
}

/** The API of one agent, ready to listen. @throws {SedgeError} when it would be open to others without a token. */
export function apiServer(config: Config, parts: ApiParts): HostHttpServer {
  const { foundation, secrets, version, view, live, ingest } = parts;
  const { clock, telemetry } = foundation;
  const { host, port } = config.api.listen;
  const token = config.api.token === undefined ? null : secrets.read(config.api.token.secret);
  const pulse = pulseOf(foundation.health, foundation.metrics);
  const api = new Api({
    access: new Access({ host, token, hosts: [hostname(), `${hostname()}.local`] }),
    routes: [
      ...routes.pulseRoutes(pulse),
      ...routes.viewRoutes(view, clock),
      ...(ingest === null ? [] : routes.ingestRoutes(ingest)),
    ],
    taps: new LiveTaps({ source: live, telemetry, agent: config.agent.id, version }),
    telemetry,
    clock,
  });
  return new HostHttpServer({
    host,
    port,
    handler: api,
    bounds: limits,
    ...(config.api.tls === undefined ? {} : { tls: readServerTls(config.api.tls, secrets) }),
  });
}
