import { Worker } from 'node:worker_threads';
import { type ErrorCode, SedgeError } from '../base/errors.ts';
import type { ReloadStep } from '../config/reload-actions.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/schema/config.ts';
import type { ConfigurationRequest } from './read-configuration.ts';

export interface ConfigQuestion {
  readonly request: ConfigurationRequest;
  /** What runs now, to tell what would change; null at the start. */
  readonly running: Config | null;
}

/** A configuration as the running agent takes it. */
export interface GoodConfiguration {
  readonly kind: 'good';
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** With every default, secrets as references. */
  readonly yaml: string;
  /** Differences to what runs; empty at the start. */
  readonly steps: readonly ReloadStep[];
}

export interface WrongConfiguration {
  readonly kind: 'wrong';
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export type ConfigAnswer =
  | GoodConfiguration
  | WrongConfiguration
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string };

/**
 * Reads a configuration in a thread that ends with its answer, so that the memory of parser and schema goes with it.
 * @throws {SedgeError} SEDGE_CONFIG_MISSING and its like.
 */
export async function readInThread(
  question: ConfigQuestion,
  source: { readonly url: URL } | { readonly text: string },
): Promise<GoodConfiguration | WrongConfiguration> {
  const options = { workerData: question, name: 'config' };
  const worker =
    'url' in source ? new Worker(source.url, options) : new Worker(source.text, { ...options, eval: true });
  const answer = await new Promise<ConfigAnswer>((resolve, reject) => {
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the config thread ended with code ${code}`)));
  });
  if (answer.kind !== 'failed') return answer;
  throw new SedgeError(answer.code, answer.message, { hint: answer.hint });
}
