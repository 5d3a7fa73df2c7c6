import { Worker } from 'node:worker_threads';
import { type ErrorCode, SedgeError } from '../base/errors.ts';
import type { ReloadStep } from '../config/reload-actions.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/schema/config.ts';
import type { ConfigurationInputs, ConfigurationRequest } from './configuration-inputs.ts';

export interface ConfigQuestion {
  readonly request: ConfigurationRequest;
  /** Where they were read already: a pipe can be read once. */
  readonly inputs?: ConfigurationInputs;
  /** Of the agent, to tell what another one kept. */
  readonly version: string;
  /** What runs now, to tell what would change; null at the start. */
  readonly running: Config | null;
}

/** A configuration as the running agent takes it. */
export interface GoodConfiguration {
  readonly kind: 'good';
  readonly config: Config;
  readonly warnings: readonly Problem[];
  /** With every default, secrets as references. Comes after the rest: a start does not wait for it. */
  readonly yaml: Promise<string>;
  /** Differences to what runs; empty at the start. */
  readonly steps: readonly ReloadStep[];
  /** Why one that was kept could not be taken; absent where there was none, or it was. */
  readonly unusable?: string;
}

export interface WrongConfiguration {
  readonly kind: 'wrong';
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export type ConfigAnswer =
  | Omit<GoodConfiguration, 'yaml'>
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
  // While running, code is compiled under other flags: it must not replace, in the folder that CACHE_DIRECTORY names, what a start needs.
  const environment = question.running === null ? {} : { env: {} };
  const options = { workerData: question, name: 'config', ...environment };
  const worker =
    'url' in source ? new Worker(source.url, options) : new Worker(source.text, { ...options, eval: true });
  const found = Promise.withResolvers<ConfigAnswer>();
  const printed = Promise.withResolvers<string>();
  const failed = (error: unknown): void => {
    found.reject(error);
    printed.reject(error);
  };
  // Few ask for it; who does meets the failure.
  printed.promise.catch(() => undefined);
  worker.on('message', (message: ConfigAnswer | string) => {
    if (typeof message === 'string') printed.resolve(message);
    else found.resolve(message);
  });
  worker.on('error', failed);
  worker.once('exit', (code) => failed(new Error(`the config thread ended with code ${code}`)));
  const answer = await found.promise;
  if (answer.kind === 'good') return { ...answer, yaml: printed.promise };
  if (answer.kind === 'wrong') return answer;
  throw new SedgeError(answer.code, answer.message, { hint: answer.hint });
}
