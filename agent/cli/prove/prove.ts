import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { HostEntropy } from '../../host/entropy.ts';
import { LoopDisk } from '../../host/power-cut.ts';
import { counted } from '../../base/words.ts';
import { line, type World } from '../../ports/world.ts';
import { flagNumber, flagValue } from '../parse-arguments.ts';
import { exit, type Invocation, type Verb } from '../verb.ts';
import { accountText, type DrillAccount, type DrillName, kept, ordealText } from './account.ts';
import { drillMessage } from './drill-messages.ts';
import type { DrillSite } from './drill-site.ts';
import { limits } from './limits.ts';
import { ProgressLine } from './progress-line.ts';

/** One request in ten answered 503, one in a hundred never answered. */
const faults = { fail: 0.1, hang: 0.01 };

export const proveVerb: Verb = {
  name: 'prove',
  summary:
    'drills against this program and this disk: floods, kills, cuts the power, and counts what arrives',
  operands: '',
  flags: [
    { name: 'kill', summary: 'kill -9 at random instants (the default)' },
    { name: 'power-cut', summary: 'cut the power of a disk of its own at random instants; takes root' },
    {
      name: 'messages',
      value: 'N',
      kind: { kind: 'integer', min: 100, max: limits.messagesMax },
      summary: 'messages to publish (default 200000)',
    },
    {
      name: 'kills',
      value: 'K',
      kind: { kind: 'integer', min: 1, max: limits.killsMax },
      summary: 'kills or power cuts (default 5)',
    },
    {
      name: 'seed',
      value: 'S',
      kind: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
      summary: 'repeat the instants and faults of an earlier drill',
    },
    { name: 'dir', value: 'DIR', summary: 'work there and keep everything, instead of a temporary folder' },
  ],
  run: async (invocation, world) => {
    const orders = ordersOf(invocation, world);
    const accounts: DrillAccount[] = [];
    for (const drill of orders.drills) {
      const account = await drillOnce(drill, orders, world);
      accounts.push(account);
      if (!orders.json) world.stdout.write(accountText(account));
    }
    if (orders.json) line(world.stdout, JSON.stringify({ kept: accounts.every(kept), drills: accounts }));
    return accounts.every(kept) ? exit.ok : exit.found;
  },
};

interface Orders {
  readonly drills: readonly DrillName[];
  readonly total: number;
  readonly kills: number;
  readonly seed: number;
  readonly folder: string | null;
  readonly json: boolean;
  /** For tests of the drill itself: acknowledge before the commit, so that it must find losses. */
  readonly ack: 'fsynced' | 'received';
}

function ordersOf(invocation: Invocation, world: World): Orders {
  const folder = flagValue(invocation, 'dir');
  const cut = invocation.flags.has('power-cut');
  const kill = invocation.flags.has('kill') || !cut;
  return {
    drills: [...(kill ? (['kill'] as const) : []), ...(cut ? (['power-cut'] as const) : [])],
    total: flagNumber(invocation, 'messages', 200_000),
    kills: flagNumber(invocation, 'kills', 5),
    seed: flagNumber(invocation, 'seed', new HostEntropy().uint32()),
    folder: folder === undefined ? null : resolve(world.workingFolder, folder),
    json: invocation.flags.has('json'),
    ack: world.environment['SEDGE_DRILL_UNSAFE_ACK'] === '1' ? 'received' : 'fsynced',
  };
}

async function drillOnce(drill: DrillName, orders: Orders, world: World): Promise<DrillAccount> {
  const { total, kills, seed, ack } = orders;
  const interrupted = world.interrupted;
  const folder =
    orders.folder === null ? mkdtempSync(join(tmpdir(), 'sedge-prove-')) : join(orders.folder, drill);
  mkdirSync(folder, { recursive: true });
  const progress = new ProgressLine(world.stderr);
  const { DrillSite: Site } = await import('./drill-site.ts');
  const { runDrill } = await import('./drill.ts');
  let site: DrillSite | null = null;
  let disk: LoopDisk | null = null;
  try {
    if (drill === 'power-cut')
      disk = LoopDisk.create({ folder, bytes: limits.diskBytes, holders: () => [site?.agentPid] });
    const data = join(disk?.mountPoint ?? folder, 'data');
    site = new Site({
      folder,
      data,
      total,
      seed,
      faults,
      message: drillMessage,
      bufferSize: '1GiB',
      whenFull: 'block',
      source: { kind: 'embedded', ack },
    });
    if (!orders.json) line(world.stdout, introduction(drill, orders));
    await site.start();
    return await runDrill(site, {
      drill,
      total,
      kills,
      seed,
      disk,
      interrupted,
      tell: (text) => progress.show(text),
    });
  } finally {
    progress.clear();
    await site?.stop();
    await disk?.remove();
    if (orders.folder === null) rmSync(folder, { recursive: true, force: true });
  }
}

function introduction(drill: DrillName, { total, kills, seed }: Orders): string {
  return `sedge prove --${drill}: ${counted(total, 'QoS 1 message')}, ${ordealText(drill, kills)} with the uplink away and while it drains, then 10 % answers 503 and 1 % none (seed ${seed})\n`;
}
