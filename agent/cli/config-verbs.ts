import type { LoadedConfig } from '../config/load-config.ts';
import type { Problem } from '../config/problem.ts';
import type { ReloadStep, UnstartedPart } from '../config/reload-actions.ts';
import { renderProblems } from '../config/render-problems.ts';
import type { Config } from '../config/schema/config.ts';
import { messageOf } from '../base/errors.ts';
import { counted } from '../base/words.ts';
import { Secrets } from '../host/secrets.ts';
import { line, type World } from '../ports/world.ts';
import { clientFor } from './agent-access.ts';
import { goodConfiguration, loadConfiguration, mayColor } from './load-configuration.ts';
import { flagValue } from './parse-arguments.ts';
import { renderTable } from './table.ts';
import { exit, type Verb } from './verb.ts';

export const validateVerb: Verb = {
  name: 'validate',
  summary: 'check the configuration; every problem with file, line, column and what would be right',
  operands: '',
  flags: [{ name: 'no-secrets', summary: 'do not look the secrets up (on a machine that has none)' }],
  run: async (invocation, world) => {
    const loaded = await loadConfiguration(invocation, world);
    const secrets =
      loaded.ok && !invocation.flags.has('no-secrets') ? await missingSecrets(loaded, world) : [];
    if (invocation.flags.has('json')) {
      line(
        world.stdout,
        JSON.stringify({
          ok: loaded.ok && secrets.length === 0,
          problems: loaded.ok ? [] : loaded.problems,
          warnings: loaded.warnings,
          secrets: secrets.map(({ path, message }) => `${path}: ${message}`),
        }),
      );
    } else report(loaded, secrets, world);
    return loaded.ok && secrets.length === 0 ? exit.ok : exit.config;
  },
};

function report(loaded: LoadedConfig, secrets: readonly Problem[], world: World): void {
  const color = mayColor(world.stdout, world);
  if (loaded.warnings.length > 0)
    line(world.stdout, renderProblems(loaded.warnings, { color, kind: 'warning' }));
  const problems = loaded.ok ? secrets : loaded.problems;
  if (problems.length > 0) {
    line(world.stdout, renderProblems(problems, { color }));
    line(world.stdout, counted(problems.length, 'problem'));
  }
  if (!loaded.ok || problems.length > 0) return;
  const { sources, streams, uplinks } = loaded.config;
  const count = (parts: object, one: string): string => counted(Object.keys(parts).length, one);
  line(
    world.stdout,
    `ok: ${count(sources, 'source')}, ${count(streams, 'stream')}, ${count(uplinks, 'uplink')}`,
  );
}

async function missingSecrets(
  { config, problemOf }: LoadedConfig & { ok: true },
  world: World,
): Promise<Problem[]> {
  const { secretReferences } = await import('../config/secret-references.ts');
  const secrets = new Secrets({ env: world.environment });
  return secretReferences(config).flatMap(({ path, name }) => {
    try {
      secrets.read(name);
      return [];
    } catch (error) {
      return [problemOf(path, messageOf(error))];
    }
  });
}

export const printConfigVerb: Verb = {
  name: 'print-config',
  summary: 'the configuration with every default, secrets left out',
  operands: '',
  flags: [
    { name: 'schema', summary: 'the JSON Schema instead, for editors' },
    { name: 'reference', summary: 'the reference of every key instead, as Markdown' },
  ],
  run: async (invocation, world) => {
    if (invocation.flags.has('schema')) {
      const { configJsonSchema } = await import('../config/json-schema.ts');
      line(world.stdout, JSON.stringify(configJsonSchema(), null, 2));
      return exit.ok;
    }
    if (invocation.flags.has('reference')) {
      const { configReference } = await import('../config/reference.ts');
      world.stdout.write(configReference());
      return exit.ok;
    }
    const config = await goodConfiguration(invocation, world);
    if (config === null) return exit.config;
    const { inputForm, printConfig } = await import('../config/print-config.ts');
    if (invocation.flags.has('json')) {
      const { configSchema } = await import('../config/schema/config.ts');
      line(world.stdout, JSON.stringify(inputForm(configSchema, config), null, 2));
    } else world.stdout.write(printConfig(config));
    return exit.ok;
  },
};

export const planVerb: Verb = {
  name: 'plan',
  summary: 'what a reload would change in the running agent; ends 1 when anything would',
  operands: '',
  flags: [
    {
      name: 'against',
      value: 'FILE',
      summary: 'compare with this configuration instead of the running agent',
    },
  ],
  run: async (invocation, world) => {
    const config = await goodConfiguration(invocation, world);
    if (config === null) return exit.config;
    const against = flagValue(invocation, 'against');
    const running =
      against === undefined
        ? await runningConfig(config, world)
        : {
            config: await goodConfiguration(
              { ...invocation, flags: new Map([...invocation.flags, ['config', against]]) },
              world,
            ),
            unstarted: [],
          };
    if (running.config === null) return exit.config;
    const { planReload } = await import('../config/plan-reload.ts');
    const { unstartedSteps } = await import('../config/reload-actions.ts');
    const changes = planReload(running.config, config);
    const steps = [...changes, ...unstartedSteps(changes, running.unstarted)];
    world.stdout.write(invocation.flags.has('json') ? `${JSON.stringify(steps)}\n` : planText(steps));
    return steps.length === 0 ? exit.ok : exit.found;
  },
};

interface RunningConfig {
  /** Null: this version can not read it. */
  readonly config: Config | null;
  readonly unstarted: readonly UnstartedPart[];
}

/** The running agent tells its configuration as `print-config` prints it, and what of it does not run. */
async function runningConfig(config: Config, world: World): Promise<RunningConfig> {
  const answer = await clientFor(config, world).get('/v1/config');
  const { yaml, unstarted = [] } = answer as { yaml: string; unstarted?: readonly UnstartedPart[] };
  const { loadConfig } = await import('../config/load-config.ts');
  const loaded = loadConfig({
    files: [{ name: 'the running agent', text: yaml }],
    env: {},
    checkExpression: () => null,
  });
  if (loaded.ok) return { config: loaded.config, unstarted };
  world.stderr.write(`${renderProblems(loaded.problems)}\n`);
  return { config: null, unstarted };
}

function planText(steps: readonly ReloadStep[]): string {
  if (steps.length === 0) return 'nothing would change\n';
  const value = (text: string | null): string =>
    text === null ? '-' : text.length > 40 ? `${text.slice(0, 39)}…` : text;
  return renderTable<ReloadStep>(
    [
      { header: 'key', cell: (step) => step.path },
      { header: 'now', cell: (step) => value(step.before) },
      { header: 'then', cell: (step) => value(step.after) },
      { header: 'effect', cell: (step) => step.effect },
    ],
    steps,
  );
}
