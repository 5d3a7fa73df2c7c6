import { SedgeError } from '../base/errors.ts';
import type { CheckStages } from '../config/cross-checks.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { checkExpression } from '../pipeline/expression.ts';
import { compilePipeline } from '../pipeline/plan.ts';
import { machineAgentId, readConfigFiles } from './config-files.ts';

/** Which configuration: what a command line and its environment say. Plain data, so that it crosses threads. */
export interface ConfigurationRequest {
  /** `--config`; absent: the default places. */
  readonly file?: string;
  /** `--data`: replaces `agent.data`. */
  readonly data?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingFolder: string;
}

/** Reads and checks a configuration. @throws {SedgeError} SEDGE_CONFIG_MISSING when there is none. */
export function readConfiguration(request: ConfigurationRequest): LoadedConfig {
  const { file, data, environment, workingFolder } = request;
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
  const agentId = machineAgentId();
  const loaded = loadConfig({
    files,
    env: environment,
    checkExpression,
    checkStages,
    ...(agentId === null ? {} : { agentId }),
  });
  if (!loaded.ok || data === undefined) return loaded;
  return { ...loaded, config: { ...loaded.config, agent: { ...loaded.config.agent, data } } };
}

const checkStages: CheckStages = (stages) => {
  const compiled = compilePipeline({ stream: 'checked', stages });
  return compiled.ok ? [] : compiled.problems;
};
