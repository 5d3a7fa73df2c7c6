import { completeConfig } from './complete-config.ts';
import { configSchema, type Config } from './schema/config.ts';

/** The configuration of an empty file. `agent.id` as given; programs (demo, prove, tests) spread their parts over it. */
export function defaultConfig(agentId: string): Config {
  return completeConfig(configSchema.parse({}), agentId);
}
