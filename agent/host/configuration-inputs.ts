import { SedgeError } from '../base/errors.ts';
import { type ConfigFile, machineAgentId, readConfigFiles } from './config-files.ts';

/** Which configuration: what a command line and its environment say. Plain data, so that it crosses threads. */
export interface ConfigurationRequest {
  /** `--config`; absent: the default places. */
  readonly file?: string;
  /** `--data`: replaces `agent.data`. */
  readonly data?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}

/** All that a configuration is made of, beside the program itself. */
export interface ConfigurationInputs {
  readonly request: ConfigurationRequest;
  readonly files: readonly ConfigFile[];
  /** Null where the machine has no name of its own. */
  readonly agentId: string | null;
}

/** @throws {SedgeError} SEDGE_CONFIG_MISSING when there is none, or it cannot be read. */
export function readInputs(request: ConfigurationRequest): ConfigurationInputs {
  const { file, environment, workingFolder } = request;
  const files = readConfigFiles({
    env: environment,
    workingDirectory: workingFolder,
    ...(file === undefined ? {} : { file }),
  });
  if (files === null) {
    throw new SedgeError(
      'SEDGE_CONFIG_MISSING',
      'no configuration: neither ./sedge.yaml nor /etc/sedge/sedge.yaml exists',
    );
  }
  return { request, files, agentId: machineAgentId() };
}
