import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type DrillAccount, verdictText } from '#agent/cli/prove/account.ts';
import { drillMessage } from '#agent/cli/prove/drill-messages.ts';
import { DrillSite } from '#agent/cli/prove/drill-site.ts';
import { type DrillOptions, runDrill } from '#agent/cli/prove/drill.ts';
import type { FloodMessage } from '#agent/host/flood-publisher.ts';
import { LoopDisk } from '#agent/host/power-cut.ts';
import { Mosquitto } from './mosquitto.ts';
import { until } from './until.ts';

export interface MosquittoDrill {
  readonly total: number;
  readonly kills: number;
  readonly seed: number;
  /** Bytes of a disk of its own for the agent's data; absent: a folder. */
  readonly diskBytes?: number;
  /** Kills fall before so many messages are stored; default: anywhere. */
  readonly killsWithin?: number;
  readonly cutPower?: boolean;
  readonly bufferSize?: string;
  readonly message?: (sequence: number) => FloodMessage;
  readonly healWhen?: DrillOptions['healWhen'];
  /** Where broker, agent and publisher meet; default: loopback. */
  readonly broker?: {
    readonly prefix: readonly string[];
    readonly forAgent: string;
    readonly forFlood: string;
  };
  readonly meanwhile?: (running: Running) => Promise<void>;
}

/** What a test may do while the flood runs. */
export interface Running {
  readonly mosquitto: Mosquitto;
  readonly site: DrillSite;
  /** Messages the agent has stored. */
  readonly stored: () => Promise<number>;
  /** Minutes, where a flood must reach it. */
  readonly until: (condition: () => boolean | Promise<boolean>) => Promise<void>;
}

/**
 * One drill against a real mosquitto: it holds a session of the agent before the first message, so that whatever is missing in
 * the end was lost by the agent. Prints what it measured.
 */
export async function drillMosquitto(name: string, drill: MosquittoDrill): Promise<DrillAccount> {
  const folder = mkdtempSync(join(tmpdir(), 'sedge-drill-'));
  const { total, kills, seed, broker, diskBytes } = drill;
  const mosquitto = new Mosquitto({
    folder,
    ...(broker === undefined ? {} : { hosts: [broker.forFlood, broker.forAgent], prefix: broker.prefix }),
  });
  let site: DrillSite | null = null;
  let disk: LoopDisk | null = null;
  try {
    await mosquitto.start();
    if (diskBytes !== undefined)
      disk = LoopDisk.create({ folder, bytes: diskBytes, holders: () => [site?.agentPid] });
    const { port } = mosquitto;
    site = new DrillSite({
      folder,
      data: join(disk?.mountPoint ?? folder, 'data'),
      total,
      seed,
      faults: { fail: 0.1, hang: 0.01 },
      message: drill.message ?? drillMessage,
      bufferSize: drill.bufferSize ?? '1GiB',
      whenFull: 'block',
      source: {
        kind: 'broker',
        yaml: `{ type: mqtt, url: "mqtt://${broker?.forAgent ?? '127.0.0.1'}:${port}", topics: ["drill/#"], qos: 1, receive_maximum: 1000, keep_alive: 2s, connect_timeout: 1s, backoff: { min: 100ms, max: 1s } }`,
        address: `${broker?.forFlood ?? '127.0.0.1'}:${port}`,
      },
    });
    const running = site;
    const taken = async (): Promise<number> => (await running.ledger())?.received ?? 0;
    await site.start();
    // From here on the broker holds a session of the agent.
    await until('the agent to subscribe', () => mosquitto.log.includes('drill/#'));
    const account = await runDrill(site, {
      drill: drill.cutPower === true ? 'power-cut' : 'kill',
      total,
      kills,
      seed,
      disk: drill.cutPower === true ? disk : null,
      taken,
      interrupted: never,
      tell: () => undefined,
      ...(drill.healWhen === undefined ? {} : { healWhen: drill.healWhen }),
      ...(drill.killsWithin === undefined ? {} : { killsWithin: drill.killsWithin }),
      meanwhile: async () =>
        drill.meanwhile?.({
          mosquitto,
          site: running,
          stored: taken,
          until: (holds) => until('what the drill waits for', holds, drillMsMax),
        }),
    });
    console.log(`drill ${name}: ${figuresText(account)}`);
    if (account.broken !== null) console.log(`${account.broken}\n${site.log}\n${mosquitto.log}`);
    return account;
  } finally {
    await site?.stop();
    await mosquitto.stop();
    await disk?.remove();
    if (process.env['SEDGE_DRILL_KEEP'] !== '1') rmSync(folder, { recursive: true, force: true });
    else console.log(folder);
  }
}

/** The promise: nothing lost, nothing stored twice, the books right. */
export function expectKept(account: DrillAccount, total: number): void {
  expect(account, verdictText(account)).toMatchObject({
    broken: null,
    acknowledged: total,
    delivered: total,
    lost: 0,
    duplicated: 0,
    ledger: { received: total, delivered: total, buffered: 0, dropped: 0, balanced: true },
  });
}

function figuresText(account: DrillAccount): string {
  const { published, acknowledged, delivered, lost, duplicated, resent, kills } = account;
  const counts = `published ${published}, acknowledged ${acknowledged}, delivered ${delivered}, lost ${lost}, duplicated ${duplicated}, sent again ${resent}`;
  const peak = Math.round((account.peakMemoryBytes ?? 0) / 1_048_576);
  const balances = account.ledger?.balanced;
  const verdicts = new Map([
    [true, 'balanced'],
    [false, 'NOT balanced'],
  ]);
  const balance = balances === undefined ? 'unknown' : verdicts.get(balances);
  return `${counts}; ledger ${balance}; ${kills} kills, slowest start ${Math.round(account.slowestStartMs)} ms, peak memory ${peak} MiB, ${Math.round(account.seconds)} s`;
}

/** Nothing a drill waits for by itself takes longer. */
const drillMsMax = 600_000;

const never = new Promise<never>(() => undefined);
