import { SedgeError } from '../../base/errors.ts';
import { formatCount } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import type { DemoSite, SiteFigures } from './demo-site.ts';
import { accountText } from './account-text.ts';

const lookMs = 100;
/** Nothing in the story takes longer on a machine that works. */
const stepMsMax = 30_000;

/**
 * The product in a minute: readings flow, the cloud is cut, the agent is killed and comes back, the cloud heals, and every
 * acknowledged reading is counted. Steps follow what happened, not the clock. Answers whether anything was lost.
 */
export async function tellStory(
  site: DemoSite,
  { world, interrupted }: { world: World; interrupted: Promise<unknown> },
): Promise<boolean> {
  let stopped = false;
  void interrupted.then(() => (stopped = true));
  const tell = (text: string): void => line(world.stdout, `  ${text}`);
  const until = async (goal: string, reached: (figures: SiteFigures) => boolean): Promise<SiteFigures> => {
    const figures = await waitFor(site, (now) => stopped || reached(now), stepMsMax);
    if (stopped) throw interruption;
    if (reached(figures)) return figures;
    throw new SedgeError(
      'SEDGE_AGENT_UNREACHABLE',
      `the demo waited ${stepMsMax / 1000} s for ${goal}: ${accountText(figures)}; ${site.words}`,
      { hint: 'is this machine very busy? sedge demo --keep DIR keeps everything to look into' },
    );
  };

  try {
    await cutAndKill(site, { tell, until });
  } catch (error) {
    if (error !== interruption) throw error;
    await site.healCloud();
    await site.startAgent();
  }

  site.silence();
  const end = await waitUntilDrained(site, stepMsMax);
  tell(accountText(end));
  return end.missing > 0 || end.status?.ledger.balanced !== true;
}

/** Thrown inside the story alone. */
const interruption = new Error('interrupted');

interface Telling {
  readonly tell: (text: string) => void;
  readonly until: (goal: string, reached: (figures: SiteFigures) => boolean) => Promise<SiteFigures>;
}

async function cutAndKill(site: DemoSite, { tell, until }: Telling): Promise<void> {
  const first = await until('the first readings', ({ delivered }) => delivered >= 400);
  tell(`flowing: ${formatCount(first.acknowledged)} acknowledged, ${formatCount(first.delivered)} delivered`);

  await site.cutCloud();
  const cut = await until(
    'readings to gather',
    ({ acknowledged }) => acknowledged >= first.acknowledged + 1_000,
  );
  tell(
    `cloud cut: ${formatCount(cut.acknowledged)} acknowledged, ${formatCount(cut.acknowledged - cut.delivered)} wait on disk`,
  );

  await site.killAgent();
  const killed = await site.figures();
  tell(`agent killed with SIGKILL at ${formatCount(killed.acknowledged)} acknowledged`);
  await site.startAgent();
  const back = await until(
    'the motes to come back',
    ({ acknowledged }) => acknowledged >= killed.acknowledged + 400,
  );
  tell(`agent back, cloud still cut: ${formatCount(back.acknowledged)} acknowledged`);

  await site.healCloud();
  const healed = await until(
    'the backlog to drain',
    ({ acknowledged, delivered }) => delivered >= acknowledged - 400,
  );
  tell(`cloud healed: ${formatCount(healed.delivered)} delivered`);
}

/** Resolves when every message published was acknowledged and delivered and nothing waits, or with the last figures when that takes too long. */
export function waitUntilDrained(site: DemoSite, timeoutMs: number): Promise<SiteFigures> {
  return waitFor(
    site,
    ({ published, acknowledged, missing, status }) =>
      published === acknowledged &&
      missing === 0 &&
      status !== null &&
      status.uplinks.every((uplink) => uplink.waiting_readings === 0),
    timeoutMs,
  );
}

async function waitFor(
  site: DemoSite,
  what: (figures: SiteFigures) => boolean,
  timeoutMs: number,
): Promise<SiteFigures> {
  const started = performance.now();
  for (;;) {
    const figures = await site.figures();
    if (what(figures) || performance.now() - started > timeoutMs) return figures;
    await new Promise((done) => setTimeout(done, lookMs));
  }
}
