import { runVerb } from './cli/run.ts';
import type { Verb } from './cli/verb.ts';
import {
  type ConfigQuestion,
  type GoodConfiguration,
  readInThread,
  type WrongConfiguration,
} from './host/config-thread.ts';
import { configurationCache } from './host/configuration-cache.ts';
import { type ConfigurationRequest, readInputs } from './host/configuration-inputs.ts';
import { DiskThread } from './host/disk-thread.ts';
import { type Packaging, packaging } from './host/packaging.ts';
import { shareAllocator } from './host/spare-memory.ts';
import { version } from './version.ts';

/** What a start needs beside its configuration. */
type Preparation = Awaited<ReturnType<typeof prepare>>;

/** Begun before the configuration is read: it takes as long, and another core. */
async function prepare(parts: Packaging, isConfigured: boolean) {
  // With two cores, a third thread at once would only keep the configuration waiting.
  const early = isConfigured ? new DiskThread(parts.worker('disk-worker')) : null;
  const addon = await parts.sqliteAddon();
  if (addon !== undefined) early?.warmUp({ addon });
  const { Agent } = await import('./assemble.ts');
  const { Secrets } = await import('./host/secrets.ts');
  const disk = early ?? new DiskThread(parts.worker('disk-worker'));
  return { Agent, Secrets, disk, addon };
}

/** What the last start kept, where this one begins from the same. Otherwise, what the thread is to be asked, and why. */
function kept(
  request: ConfigurationRequest,
): { readonly good: GoodConfiguration } | { readonly question: ConfigQuestion; readonly unusable?: string } {
  const cache = configurationCache(request.environment, version);
  if (cache === null) return { question: { request, version, running: null } };
  const inputs = readInputs(request);
  const question = { request, inputs, version, running: null };
  const found = cache.find(inputs);
  if (found === null) return { question };
  if ('unusable' in found) return { question, ...found };
  return { good: { ...found, kind: 'good', yaml: Promise.resolve(found.yaml), steps: [] } };
}

/** `sedge run`, wired to the rooms. Stands apart from the other verbs so that a service loads nothing of theirs. */
export function runAgentVerb(): Verb {
  let prepared: Promise<Preparation> | null = null;
  const begin = (parts: Packaging, isConfigured: boolean): Promise<Preparation> => {
    prepared ??= prepare(parts, isConfigured);
    // Met where it is waited for, which a wrong configuration never comes to.
    prepared.catch(() => undefined);
    return prepared;
  };
  const readFirst = async (
    request: ConfigurationRequest,
  ): Promise<GoodConfiguration | WrongConfiguration> => {
    shareAllocator();
    const parts = packaging(request.environment);
    const found = kept(request);
    if ('good' in found) {
      void begin(parts, true);
      return found.good;
    }
    const { question, unusable } = found;
    const answer = readInThread(question, parts.worker('config-worker'));
    void begin(parts, false);
    const read = await answer;
    return read.kind === 'wrong' || unusable === undefined ? read : { ...read, unusable };
  };
  return runVerb({
    read: (request, running) =>
      running === null
        ? readFirst(request)
        : readInThread({ request, version, running }, packaging(request.environment).worker('config-worker')),
    create: async (read, { environment }) => {
      const { Agent, Secrets, disk, addon } = await begin(packaging(environment), true);
      return new Agent({
        read,
        environment,
        disk: (data) => disk.serve({ ...data, ...(addon === undefined ? {} : { addon }) }),
        secrets: new Secrets({ env: environment }),
        version,
      });
    },
  });
}
