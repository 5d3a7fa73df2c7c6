import { SedgeError } from '../base/errors.ts';
import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { renderProblems } from '../config/render-problems.ts';
import type { Config } from '../config/schema/config.ts';
import { machineAgentId, readConfigFiles } from '../host/config-files.ts';
import { checkExpression } from '../pipeline/expression.ts';
import { compilePipeline } from '../pipeline/plan.ts';
import type { CheckStages } from '../config/cross-checks.ts';
import type { World } from '../ports/world.ts';
import { flagValue } from './parse-arguments.ts';
import type { Invocation } from './verb.ts';

/** Reads and checks the configuration a command line names. @throws {SedgeError} SEDGE_CONFIG_MISSING when there is none. */
export function readConfiguration(invocation: Invocation, world: World): LoadedConfig {
  const file = flagValue(invocation, 'config');
  const files = readConfigFiles({
    env: world.environment,
    workingDirectory: world.workingFolder,
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
    env: world.environment,
    checkExpression,
    checkStages,
    ...(agentId === null ? {} : { agentId }),
  });
  const data = flagValue(invocation, 'data');
  if (!loaded.ok || data === undefined) return loaded;
  return { ...loaded, config: { ...loaded.config, agent: { ...loaded.config.agent, data } } };
}

/** The same for verbs that need a good one: prints problems and warnings, and answers null when there are problems. */
export function goodConfiguration(invocation: Invocation, world: World): Config | null {
  const loaded = readConfiguration(invocation, world);
  const color = world.stderr.columns !== null;
  if (loaded.warnings.length > 0)
    world.stderr.write(`${renderProblems(loaded.warnings, { color, kind: 'warning' })}\n`);
  if (loaded.ok) return loaded.config;
  world.stderr.write(`${renderProblems(loaded.problems, { color })}\n`);
  return null;
}

const checkStages: CheckStages = (stages) => {
  const compiled = compilePipeline({ stream: 'checked', stages });
  return compiled.ok ? [] : compiled.problems;
};
