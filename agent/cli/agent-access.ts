import { readFileSync } from 'node:fs';
import { messageOf, SedgeError } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { AgentClient } from '../host/agent-client.ts';
import { Secrets } from '../host/secrets.ts';
import type { World } from '../ports/world.ts';

/** A client for the agent that runs with this configuration. A wildcard listener is asked at loopback. */
export function clientFor(config: Config, world: World): AgentClient {
  const { listen, token, tls } = config.api;
  const wildcard = listen.host === '0.0.0.0' || listen.host === '::';
  return new AgentClient({
    host: wildcard ? '127.0.0.1' : listen.host,
    port: listen.port,
    token: token === undefined ? null : new Secrets({ env: world.environment }).read(token.secret),
    certificate: tls === undefined ? null : readCertificate(tls.cert),
  });
}

function readCertificate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SedgeError('SEDGE_CONFIG_SECRET', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}
