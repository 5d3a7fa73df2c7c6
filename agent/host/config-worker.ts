import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { SedgeError } from '../base/errors.ts';
import { planReload } from '../config/plan-reload.ts';
import { printConfig } from '../config/print-config.ts';
import type { ConfigAnswer, ConfigQuestion } from './config-thread.ts';
import { readConfiguration } from './read-configuration.ts';

/** Reads a configuration once and ends: parser and schema take more memory than the agent has to spare. */
function answer(question: ConfigQuestion): ConfigAnswer {
  try {
    const loaded = readConfiguration(question.request);
    const { warnings } = loaded;
    if (!loaded.ok) return { kind: 'wrong', problems: loaded.problems, warnings };
    const { config } = loaded;
    const steps = question.running === null ? [] : planReload(question.running, config);
    return { kind: 'good', config, warnings, steps };
  } catch (error) {
    if (!(error instanceof SedgeError)) throw error;
    return { kind: 'failed', code: error.code, message: error.message, hint: error.hint };
  }
}

assert(parentPort !== null, 'the config worker runs as a thread');
const found = answer(workerData as ConfigQuestion);
parentPort.postMessage(found);
if (found.kind === 'good') parentPort.postMessage(printConfig(found.config));
