import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BenchAgent,
  binaryFile,
  type Program,
  preferredProgram,
  programs,
  scratchFolder,
  streamConfig,
} from '#test/support/bench-agent.ts';
import { backlogFolder, backlogName, backlogSecondsMax } from '#test/support/bench-backlog.ts';
import { cpuSeconds, ended, median } from '#test/support/bench-process.ts';
import { ServiceManager } from '#test/support/service-manager.ts';
import { until } from '#test/support/until.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

const starts = 11;
const budgetMs = { empty: 500, backlog: 1000, service: 150 };

const config = {
  sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
  streams: { vibration: { from: ['sensors'], ...streamConfig } },
  buffer: { size: '4GiB', keep_free: '0%', when_full: 'drop_oldest' },
  uplinks: { cloud: { type: 'http', url: 'http://127.0.0.1:9/' } },
};

/** From source the time goes into loading hundreds of files; the budget is one of the product. */
async function empty(program: Program): Promise<BenchRow> {
  const bare: number[] = [];
  const own: number[] = [];
  const cpu: number[] = [];
  // Fills the page cache, and the folder of compiled code.
  await startOnce(program);
  for (let i = 0; i < starts; i++) {
    bare.push(bareStart(program));
    own.push(await startOnce(program, { cpu }));
  }
  const isProduct = program.name === preferredProgram().name;
  return {
    ...row(`start to ready, empty, ${program.name}`, own, isProduct ? budgetMs.empty : undefined),
    headline: isProduct,
    reference: median(bare),
    referenceName: program.name === 'binary' ? 'the executable printing its version' : 'node -e 0',
    note: `${spread(own)}; ${median(cpu).toFixed(0)} ms CPU of all threads`,
  };
}

/** Killed before each start, so that there is a log to replay. */
async function withBacklog(): Promise<readonly BenchRow[]> {
  const program = preferredProgram();
  const folder = await backlogFolder();
  const full: number[] = [];
  const none: number[] = [];
  await startOnce(program, { folder });
  for (let i = 0; i < starts; i++) {
    none.push(await startOnce(program));
    full.push(await startOnce(program, { folder }));
  }
  return [
    {
      ...row(`start to ready, ${backlogName}, ${program.name}`, full, budgetMs.backlog),
      headline: true,
      reference: median(none),
      referenceName: 'the same with an empty buffer',
      note: spread(full),
    },
  ];
}

/** As systemd sees it: from the start of the process to READY=1 on the notify socket. */
async function asService(): Promise<readonly BenchRow[]> {
  const program = preferredProgram();
  const name = `systemd: Starting to READY=1, ${program.name}`;
  if (program.name !== 'binary') return [{ name, skipped: `${binaryFile} is not there: npm run build` }];
  const folder = scratchFolder();
  const manager = new ServiceManager(join(folder, 'notify'));
  try {
    await manager.bound();
    // Writes the configuration.
    void new BenchAgent({ program, config: { ...config, log: { level: 'error' } }, folder });
    const own: number[] = [];
    const bare: number[] = [];
    const cpu: number[] = [];
    // The first keeps the configuration, the second compiled code.
    for (let i = 0; i < 3; i++) await serviceStart(program, { folder, manager, cpu: [] });
    for (let i = 0; i < starts; i++) {
      bare.push(bareStart(program));
      own.push(await serviceStart(program, { folder, manager, cpu }));
    }
    return [
      {
        ...row(name, own, budgetMs.service),
        headline: true,
        reference: median(bare),
        referenceName: 'the executable printing its version',
        note: `${spread(own)}; ${median(cpu).toFixed(0)} ms CPU of all threads`,
      },
    ];
  } finally {
    manager.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function serviceStart(
  program: Program,
  { folder, manager, cpu }: { folder: string; manager: ServiceManager; cpu: number[] },
): Promise<number> {
  const cache = join(folder, 'cache');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const [command, ...rest] = program.command;
  const readyBefore = manager.count('READY=1');
  const heardBefore = manager.heard.length;
  const began = Number(process.hrtime.bigint()) / 1e6;
  const child = spawn(command, [...rest, 'run', '--config', join(folder, 'sedge.yaml')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'] ?? '',
      CACHE_DIRECTORY: cache,
      NOTIFY_SOCKET: join(folder, 'notify'),
      WATCHDOG_USEC: '30000000',
    },
  });
  await until('READY=1', () => manager.count('READY=1') > readyBefore);
  cpu.push(cpuSeconds(child.pid!) * 1000);
  await ended(child);
  const at = manager.heard.findIndex((message, i) => i >= heardBefore && message.includes('READY=1'));
  return manager.heardAtMs[at]! - began;
}

function row(name: string, millis: readonly number[], budget: number | undefined): BenchResult {
  const made = { name, figure: median(millis), unit: 'ms', lowerIsBetter: true };
  return budget === undefined ? made : { ...made, budget };
}

function spread(millis: readonly number[]): string {
  return `median of ${millis.length}, ${Math.min(...millis).toFixed(0)} to ${Math.max(...millis).toFixed(0)} ms`;
}

/** Milliseconds from the start of the process to ready; `cpu` takes the CPU time of all its threads until then. */
async function startOnce(
  program: Program,
  { folder, cpu }: { folder?: string; cpu?: number[] } = {},
): Promise<number> {
  const agent = new BenchAgent({ program, config, ...(folder === undefined ? {} : { folder }) });
  const millis = await agent.start();
  cpu?.push(cpuSeconds(agent.pid) * 1000);
  await agent.stop('SIGKILL');
  return millis;
}

function bareStart(program: Program): number {
  const began = performance.now();
  const parameters = program.name === 'binary' ? ['version'] : ['-e', '0'];
  execFileSync(program.command[0], parameters, { stdio: 'ignore' });
  return performance.now() - began;
}

async function* start(): AsyncGenerator<BenchRow> {
  for (const program of programs()) yield await empty(program);
}

export const benches: Bench[] = [
  { name: 'start under systemd', secondsMax: 60, run: asService },
  { name: 'start', secondsMax: 120, run: start },
  { name: 'start with a backlog', secondsMax: backlogSecondsMax, run: withBacklog },
];
