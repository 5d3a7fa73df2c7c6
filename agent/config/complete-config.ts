import type { z } from 'zod';
import type { Config, configSchema } from './schema/config.ts';

/** Fills in what depends on other keys: the agent's id, client ids, whether a broker takes anonymous clients. */
export function completeConfig(parsed: z.output<typeof configSchema>, agentId: string): Config {
  const id = parsed.agent.id ?? agentId;
  const sources = mapValues(parsed.sources, (source, name) => {
    if (source.type === 'mqtt') return { ...source, client_id: source.client_id ?? sourceClientId(id, name) };
    if (source.type === 'broker')
      return { ...source, anonymous: source.anonymous ?? source.users.length === 0 };
    return source;
  });
  const uplinks = mapValues(parsed.uplinks, (uplink, name) =>
    uplink.type === 'mqtt' ? { ...uplink, client_id: uplink.client_id ?? uplinkClientId(id, name) } : uplink,
  );
  return { ...parsed, agent: { ...parsed.agent, id }, sources, uplinks };
}

/** The same with the client ids that {@link completeConfig} gave under one agent's id as it gives them under another's. */
export function withClientIds(config: Config, { from, to }: { from: string; to: string }): Config {
  const sources = mapValues(config.sources, (source, name) =>
    source.type === 'mqtt' && source.client_id === sourceClientId(from, name)
      ? { ...source, client_id: sourceClientId(to, name) }
      : source,
  );
  const uplinks = mapValues(config.uplinks, (uplink, name) =>
    uplink.type === 'mqtt' && uplink.client_id === uplinkClientId(from, name)
      ? { ...uplink, client_id: uplinkClientId(to, name) }
      : uplink,
  );
  return { ...config, sources, uplinks };
}

const sourceClientId = (agent: string, name: string): string => `sedge-${agent}-${name}`;
const uplinkClientId = (agent: string, name: string): string => `sedge-${agent}-${name}-out`;

function mapValues<T, R>(
  record: Readonly<Record<string, T>>,
  change: (value: T, key: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
