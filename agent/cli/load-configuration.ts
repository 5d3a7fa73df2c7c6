import type { LoadedConfig } from '../config/load-config.ts';
import type { Config } from '../config/schema/config.ts';
import type { ConfigurationRequest } from '../host/configuration-inputs.ts';
import type { TextSink, World } from '../ports/world.ts';
import { flagValue } from './parse-arguments.ts';
import type { Invocation } from './verb.ts';

/** The configuration a command line names. */
export function configurationRequest(invocation: Invocation, world: World): ConfigurationRequest {
  const file = flagValue(invocation, 'config');
  const data = flagValue(invocation, 'data');
  return {
    environment: { ...world.environment },
    workingFolder: world.workingFolder,
    ...(file === undefined ? {} : { file }),
    ...(data === undefined ? {} : { data }),
  };
}

/** Reads and checks it. The parser is loaded only here: most of a running agent's life needs none. */
export async function loadConfiguration(invocation: Invocation, world: World): Promise<LoadedConfig> {
  const { readConfiguration } = await import('../host/read-configuration.ts');
  return readConfiguration(configurationRequest(invocation, world));
}

/** The same for verbs that need a good one: prints problems and warnings, and answers null when there are problems. */
export async function goodConfiguration(invocation: Invocation, world: World): Promise<Config | null> {
  const loaded = await loadConfiguration(invocation, world);
  await printProblems(loaded.ok ? { problems: [], warnings: loaded.warnings } : loaded, world);
  return loaded.ok ? loaded.config : null;
}

/** On a terminal, unless its user does not want it (no-color.org). */
export function mayColor(sink: TextSink, world: World): boolean {
  return sink.columns !== null && (world.environment['NO_COLOR'] ?? '') === '';
}

/** As a compiler would, to standard error. */
export async function printProblems(
  found: Pick<LoadedConfig & { ok: false }, 'problems' | 'warnings'>,
  world: World,
): Promise<void> {
  if (found.problems.length + found.warnings.length === 0) return;
  const { renderProblems } = await import('../config/render-problems.ts');
  const color = mayColor(world.stderr, world);
  if (found.warnings.length > 0)
    world.stderr.write(`${renderProblems(found.warnings, { color, kind: 'warning' })}\n`);
  if (found.problems.length > 0) world.stderr.write(`${renderProblems(found.problems, { color })}\n`);
}
