import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { planReload, untilRestart } from '../config/plan-reload.ts';
import { printConfig } from '../config/print-config.ts';
import type { ConfigAnswer, ConfigQuestion } from './config-thread.ts';
import { configurationCache } from './configuration-cache.ts';
import { type ConfigurationInputs, readInputs } from './configuration-inputs.ts';
import { checkInputs } from './read-configuration.ts';

/** Reads a configuration once and ends: parser and schema take more memory than the agent has to spare. */
function work(question: ConfigQuestion): void {
  let inputs: ConfigurationInputs;
  let loaded: LoadedConfig;
  try {
    inputs = question.inputs ?? readInputs(question.request);
    loaded = checkInputs(inputs);
  } catch (error) {
    if (!(error instanceof SedgeError)) throw error;
    return answer({ kind: 'failed', code: error.code, message: error.message, hint: error.hint });
  }
  const { warnings } = loaded;
  if (!loaded.ok) return answer({ kind: 'wrong', problems: loaded.problems, warnings });
  const { config, variables } = loaded;
  const { running } = question;
  const inForce = running === null ? config : untilRestart(running, config);
  const steps = running === null ? [] : planReload(running, config);
  answer({ kind: 'good', config: inForce, warnings, steps });
  // From here on nobody waits.
  answer(printConfig(inForce));
  // The next start takes the file as it is.
  const yaml = printConfig(config);
  const cache = configurationCache(question.request.environment, question.version);
  cache?.keep(inputs, variables, { config, warnings, yaml });
}

function answer(message: ConfigAnswer | string): void {
  assert(parentPort !== null, 'the config worker runs as a thread');
  parentPort.postMessage(message);
}

work(workerData as ConfigQuestion);
