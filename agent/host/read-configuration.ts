import { urgentPriorityMin } from '../buffer/limits.ts';
import { sizeForAppend } from '../buffer/settings.ts';
import type { CheckStages, UrgencyHindered } from '../config/cross-checks.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { checkExpression } from '../pipeline/expression.ts';
import { compilePipeline } from '../pipeline/plan.ts';
import { type ConfigurationInputs, type ConfigurationRequest, readInputs } from './configuration-inputs.ts';

/** Reads and checks a configuration. @throws {SedgeError} SEDGE_CONFIG_MISSING when there is none. */
export function readConfiguration(request: ConfigurationRequest): LoadedConfig {
  return checkInputs(readInputs(request));
}

/** Depends on nothing but its arguments: what it answers may be kept. */
export function checkInputs({ request, files, agentId }: ConfigurationInputs): LoadedConfig {
  const { data, environment } = request;
  const loaded = loadConfig({
    files,
    env: environment,
    checkExpression,
    checkStages,
    urgencyHindered,
    bufferFor: sizeForAppend,
    ...(agentId === null ? {} : { agentId }),
  });
  if (!loaded.ok || data === undefined) return loaded;
  return { ...loaded, config: { ...loaded.config, agent: { ...loaded.config.agent, data } } };
}

const checkStages: CheckStages = (stages) => {
  const compiled = compilePipeline({ stream: 'checked', stages });
  return compiled.ok ? [] : compiled.problems;
};

const urgencyHindered: UrgencyHindered = ({ priority, stages }) => {
  if (priority < urgentPriorityMin) return null;
  const index = stages.findIndex((stage) => {
    const compiled = compilePipeline({ stream: 'checked', stages: [stage] });
    return compiled.ok && compiled.pipeline.isDurable;
  });
  return index === -1 ? null : index;
};
