import type { z } from 'zod';
import type { Config, configSchema } from './schema/config.ts';

/** Fills in what depends on other keys: the agent's id, client ids, whether a broker takes anonymous clients. */
export function completeConfig(parsed: z.output<typeof configSchema>, agentId: string): Config {
  const id = parsed.agent.id ?? agentId;
  const sources = mapValues(parsed.sources, (source, name) => {
    if (source.type === 'mqtt') return { ...source, client_id: source.client_id ?? `sedge-${id}-${name}` };
    if (source.type === 'broker')
      return { ...source, anonymous: source.anonymous ?? source.users.length === 0 };
    return source;
  });
  const uplinks = mapValues(parsed.uplinks, (uplink, name) =>
    uplink.type === 'mqtt' ? { ...uplink, client_id: uplink.client_id ?? `sedge-${id}-${name}-out` } : uplink,
  );
  return { ...parsed, agent: { ...parsed.agent, id }, sources, uplinks };
}

function mapValues<T, R>(
  record: Readonly<Record<string, T>>,
  change: (value: T, key: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
