import type { LoadedConfig } from '../config/load-config.ts';
import type { Config } from '../config/schema/config.ts';
import type { World } from '../ports/world.ts';
import { goodConfiguration, readConfiguration } from './load-configuration.ts';
import { exit, type Verb } from './verb.ts';

/** A running agent as the `run` verb handles it. */
export interface AgentHandle {
  start(): Promise<Readonly<Record<string, string>>>;
  /** Applies a new configuration, or says why not; the old one then stays in force. */
  reload(loaded: LoadedConfig): Promise<void>;
  stop(): Promise<void>;
}

/** `sedge run`: the agent in the foreground. */
export function runVerb(createAgent: (config: Config, world: World) => AgentHandle): Verb {
  return {
    name: 'run',
    summary: 'the agent in the foreground (systemd runs this); SIGHUP reloads, SIGTERM ends',
    operands: '',
    flags: [],
    run: async (invocation, world) => {
      const config = goodConfiguration(invocation, world);
      if (config === null) return exit.config;
      const agent = createAgent(config, world);
      const interrupted = world.interrupted;
      const listen = await agent.start();
      world.tellParent({ type: 'ready', listen });
      let reloads = Promise.resolve();
      world.onHangup(() => {
        reloads = reloads.then(() => agent.reload(readConfiguration(invocation, world)));
      });
      await interrupted;
      await reloads;
      await agent.stop();
      return exit.ok;
    },
  };
}
