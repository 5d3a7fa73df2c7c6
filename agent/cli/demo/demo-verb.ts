import { resolve } from 'node:path';
import { messageOf } from '../../base/errors.ts';
import { formatBytes, formatCount } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import { flagNumber, flagValue } from '../parse-arguments.ts';
import { exit, type Verb } from '../verb.ts';
import type { DemoSite, SiteFigures } from './demo-site.ts';
import { accountText } from './account-text.ts';
import { tellStory, waitUntilDrained } from './story.ts';

const looksEveryMs = 1_000;
/** Where every look is a line of its own. */
const linesEveryMs = 10_000;

export const demoVerb: Verb = {
  name: 'demo',
  summary: 'a self-contained site in one terminal: motes, broker, agent, cloud; cut, kill and heal it',
  operands: '',
  flags: [
    {
      name: 'story',
      summary: 'tell the story once (cut, kill, heal, count) and end: 0 when nothing was lost',
    },
    {
      name: 'seconds',
      value: 'N',
      kind: { kind: 'integer', min: 0, max: 86_400 },
      summary: 'end by itself after N seconds',
    },
    { name: 'keep', value: 'DIR', summary: 'keep configuration, buffer and received files in DIR' },
  ],
  run: async (invocation, world) => {
    const keep = flagValue(invocation, 'keep');
    const seconds = flagNumber(invocation, 'seconds', 0);
    const { DemoSite } = await import('./demo-site.ts');
    const site = new DemoSite(keep === undefined ? null : resolve(world.workingFolder, keep));
    const interrupted = world.interrupted;
    let isOver = false;
    void interrupted.then(() => (isOver = true));
    try {
      await site.start();
      line(
        world.stdout,
        `sedge demo: 4 motes → embedded MQTT broker → pipeline → SQLite (fsync before PUBACK) → HTTP uplink → receiver`,
      );
      line(world.stdout, `  status and metrics: ${site.api}/v1/status  ${site.api}/metrics`);
      line(world.stdout, `  configuration:      ${site.configFile}`);
      if (invocation.flags.has('story') || world.stdout.columns === null) {
        const lost = await tellStory(site, { world, interrupted });
        if (invocation.flags.has('story')) return lost ? exit.found : exit.ok;
        if (!isOver) {
          site.speak();
          line(world.stdout, '  flowing again, until SIGINT or SIGTERM; figures every 10 s');
        }
      }
      return await watch(site, { world, interrupted, seconds });
    } finally {
      await site.stop();
    }
  },
};

/** Shows figures until told to end; keys act on a terminal. Ends with an account of everything acknowledged. */
async function watch(
  site: DemoSite,
  options: { world: World; interrupted: Promise<unknown>; seconds: number },
): Promise<number> {
  const { world, seconds } = options;
  const quit = Promise.withResolvers<'quit'>();
  if (world.stdout.columns !== null)
    line(world.stdout, '  keys: c cut or heal the cloud, k kill -9 the agent (again: start it), q end\n');
  // One after the other, however fast keys are typed.
  let acting = Promise.resolve();
  world.onKey((key) => {
    if (key === 'q' || key === '\u0003') quit.resolve('quit');
    else
      acting = acting
        .then(() => act(site, key, world))
        .catch((error: unknown) => line(world.stderr, `\n  ${messageOf(error)}`));
  });
  const ended = Promise.race([options.interrupted.then(() => 'quit' as const), quit.promise]);
  const started = performance.now();
  const everyMs = world.stdout.columns === null ? linesEveryMs : looksEveryMs;
  const endsAt = seconds > 0 ? started + seconds * 1_000 : Number.POSITIVE_INFINITY;
  for (;;) {
    show(await site.figures(), world);
    const leftMs = endsAt - performance.now();
    if (leftMs <= 0) break;
    const waitMs = Math.min(everyMs, leftMs);
    if ((await Promise.race([ended, pause(waitMs)])) === 'quit') break;
  }
  await acting;
  return await account(site, world);
}

async function act(site: DemoSite, key: string, world: World): Promise<void> {
  const { cloudIsUp, agentRuns } = await site.figures();
  if (key === 'c' && cloudIsUp) {
    await site.cutCloud();
    line(world.stdout, '\n  the cloud is cut: readings wait in the buffer');
  } else if (key === 'c') {
    await site.healCloud();
    line(world.stdout, '\n  the cloud is back');
  } else if (key === 'k' && agentRuns) {
    await site.killAgent();
    line(world.stdout, '\n  the agent was killed (SIGKILL): the motes wait for it; k starts it again');
  } else if (key === 'k') {
    await site.startAgent();
    line(world.stdout, '\n  the agent runs again');
  }
}

async function account(site: DemoSite, world: World): Promise<number> {
  site.silence();
  const { cloudIsUp, agentRuns } = await site.figures();
  if (!agentRuns) await site.startAgent();
  if (!cloudIsUp) await site.healCloud();
  const figures = await waitUntilDrained(site, 30_000);
  line(world.stdout, `\n${accountText(figures)}`);
  return figures.missing === 0 ? exit.ok : exit.found;
}

function show(figures: SiteFigures, world: World): void {
  const { acknowledged, delivered, agentRuns, cloudIsUp, status } = figures;
  const buffered =
    status === null ? '-' : formatCount(status.streams.reduce((sum, stream) => sum + stream.buffered, 0));
  const stored = status === null ? '' : ` (${formatBytes(status.buffer.bytes)})`;
  const text = `acknowledged ${formatCount(acknowledged)}  buffered ${buffered}${stored}  delivered ${formatCount(delivered)}  agent ${agentRuns ? 'up' : 'KILLED'}  cloud ${cloudIsUp ? 'up' : 'CUT'}`;
  const { columns } = world.stdout;
  if (columns === null) line(world.stdout, text);
  else world.stdout.write(`\r${text.slice(0, columns - 1).padEnd(columns - 1)}`);
}

function pause(ms: number): Promise<'passed'> {
  return new Promise((done) => setTimeout(() => done('passed'), ms));
}
