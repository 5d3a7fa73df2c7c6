import { SedgeError } from '../base/errors.ts';
import type { GoodConfiguration, WrongConfiguration } from '../host/config-thread.ts';
import type { Config } from '../config/schema/config.ts';
import type { ConfigurationRequest } from '../host/configuration-inputs.ts';
import type { World } from '../ports/world.ts';
import { configurationRequest, printProblems } from './load-configuration.ts';
import { Reloader } from './reloader.ts';
import { exit, type Verb } from './verb.ts';

/** A running agent as the `run` verb handles it. */
export interface AgentHandle {
  readonly config: Config;
  /** Resolves when the agent cannot go on. */
  readonly failed: Promise<SedgeError>;
  start(): Promise<Readonly<Record<string, string>>>;
  /** Applies a new configuration, or says why not; the old one then stays in force. */
  reload(read: GoodConfiguration | WrongConfiguration | SedgeError): Promise<void>;
  stop(): Promise<void>;
}

/** What `run` needs of the rooms above. */
export interface AgentMaker {
  /** `running` is what a reload starts from; null at the start. */
  read(
    request: ConfigurationRequest,
    running: Config | null,
  ): Promise<GoodConfiguration | WrongConfiguration>;
  create(read: GoodConfiguration, world: World): Promise<AgentHandle>;
}

/** `sedge run`: the agent in the foreground. */
export function runVerb(maker: AgentMaker): Verb {
  return {
    name: 'run',
    summary: 'the agent in the foreground (systemd runs this); SIGHUP reloads, SIGTERM ends',
    operands: '',
    flags: [],
    run: async (invocation, world) => {
      const request = configurationRequest(invocation, world);
      const reloader = new Reloader();
      // From the first moment on: a signal nobody listens to would end the process.
      world.onHangup(() => reloader.ask());
      const read = await maker.read(request, null);
      await printProblems(read.kind === 'wrong' ? read : { problems: [], warnings: read.warnings }, world);
      if (read.kind === 'wrong') return exit.config;
      const agent = await maker.create(read, world);
      const interrupted = world.interrupted;
      const listen = await startOrStop(agent);
      world.tellParent({ type: 'ready', listen });
      reloader.start(async () => agent.reload(await readAgain(maker, request, agent.config)));
      const ending = await Promise.race([interrupted, agent.failed]);
      if (ending instanceof SedgeError) throw ending;
      await reloader.settled();
      await agent.stop();
      return exit.ok;
    },
  };
}

/** A start that fails half way leaves nothing running. */
async function startOrStop(agent: AgentHandle): Promise<Readonly<Record<string, string>>> {
  try {
    return await agent.start();
  } catch (error) {
    await agent.stop();
    throw error;
  }
}

/** A configuration that cannot be read now (an editor is just renaming it) is as good a reason to keep the old one as a wrong one. */
async function readAgain(
  maker: AgentMaker,
  request: ConfigurationRequest,
  running: Config,
): Promise<GoodConfiguration | WrongConfiguration | SedgeError> {
  try {
    return await maker.read(request, running);
  } catch (error) {
    if (error instanceof SedgeError) return error;
    throw error;
  }
}
