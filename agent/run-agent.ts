import { runVerb } from './cli/run.ts';
import type { Verb } from './cli/verb.ts';
import { readInThread } from './host/config-thread.ts';
import { DiskThread } from './host/disk-thread.ts';
import { type Packaging, packaging } from './host/packaging.ts';
import { shareAllocator } from './host/spare-memory.ts';
import { version } from './version.ts';

/** What a start needs beside its configuration. */
type Preparation = Awaited<ReturnType<typeof prepare>>;

/**
 * Begun before the configuration is read: it takes as long, and another core. In this order: with two cores, a third thread at once would only keep the configuration waiting.
 */
async function prepare(parts: Packaging) {
  const { Agent } = await import('./assemble.ts');
  const { Secrets } = await import('./host/secrets.ts');
  const disk = new DiskThread(parts.worker('disk-worker'));
  const addon = await parts.sqliteAddon();
  return { Agent, Secrets, disk, addon };
}

/** `sedge run`, wired to the rooms. Stands apart from the other verbs so that a service loads nothing of theirs. */
export function runAgentVerb(): Verb {
  let prepared: Promise<Preparation> | null = null;
  return runVerb({
    read: (request, running) => {
      if (prepared === null) shareAllocator();
      const parts = packaging(request.environment);
      const answer = readInThread({ request, running }, parts.worker('config-worker'));
      prepared ??= prepare(parts);
      // Met where it is waited for, which a wrong configuration never comes to.
      prepared.catch(() => undefined);
      return answer;
    },
    create: async (read, { environment }) => {
      const { Agent, Secrets, disk, addon } = await (prepared ??= prepare(packaging(environment)));
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
