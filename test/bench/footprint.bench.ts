import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GiB, MiB } from '#agent/base/units.ts';
import { fillBacklog } from '#test/support/bench-backlog.ts';
import {
  BenchAgent,
  binaryFile,
  type Program,
  preferredProgram,
  programs,
  scratchFolder,
  streamConfig,
} from '#test/support/bench-agent.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import { cpuSeconds, type MemoryFigures, median, memoryOf } from '#test/support/bench-process.ts';
import { BenchReceiver } from '#test/support/bench-receiver.ts';
import { pause } from '#test/support/until.ts';
import { SlowDisk } from '#test/support/bench-slow-disk.ts';
import type { Bench, BenchResult, BenchSkip } from './bench.ts';

const backlogBytes = Number(process.env['SEDGE_BENCH_BACKLOG_MIB'] ?? 1024) * MiB;
const backlogName = backlogBytes === GiB ? '1 GiB backlog' : `${backlogBytes / MiB} MiB backlog`;
/** Made at the first need, used by memory and start, gone with the process. */
let backlogFolder: string | null = null;

function backlog(): string {
  if (backlogFolder === null) {
    const folder = scratchFolder();
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    fillBacklog(join(folder, 'data'), { bytes: backlogBytes });
    backlogFolder = folder;
  }
  return backlogFolder;
}

function config(url = 'http://127.0.0.1:9/'): object {
  return {
    sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
    streams: { vibration: { from: ['sensors'], ...streamConfig } },
    buffer: { size: '4GiB', keep_free: '0%', when_full: 'drop_oldest' },
    uplinks: { cloud: { type: 'http', url } },
  };
}

function row(name: string, figures: MemoryFigures, of: 'resident' | 'peak', budget?: number): BenchResult {
  return {
    name: `memory, ${name}`,
    figure: figures[of],
    unit: 'MiB',
    lowerIsBetter: true,
    ...(budget === undefined ? {} : { budget }),
    note: `RSS ${figures.resident.toFixed(0)}, peak ${figures.peak.toFixed(0)}, private dirty ${figures.privateDirty.toFixed(0)}`,
  };
}

/** The executable's pages then count only where the agent touches them; otherwise RSS tells what the page cache happened to hold. */
function evictPageCache(program: Program): void {
  if (program.name !== 'binary') return;
  execFileSync('dd', [`if=${binaryFile}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

/** The agent gives memory back after two calm seconds. */
const calmSeconds = 5;
const floodSeconds = 5;

async function memory(): Promise<readonly (BenchResult | BenchSkip)[]> {
  const flood = new BenchFlood();
  const program = preferredProgram();
  const results = [
    ...(await idleAndFlood(program, flood)),
    await floodOnBacklog(program, flood),
    await drainBacklog(program),
    await slowDisk(program, flood),
  ];
  await flood.stop();
  return results;
}

async function idleAndFlood(program: Program, flood: BenchFlood): Promise<BenchResult[]> {
  evictPageCache(program);
  const agent = new BenchAgent({ program, config: config() });
  await agent.start();
  await pause(calmSeconds * 1000);
  const idle = memoryOf(agent.pid);
  await flood.run({ port: agent.port('sensors'), total: 1e9, secondsMax: floodSeconds });
  const flooded = memoryOf(agent.pid);
  await pause(calmSeconds * 1000);
  const calm = memoryOf(agent.pid);
  await agent.stop();
  return [
    row(`idle, ${program.name}`, idle, 'resident', 90),
    row(`flood with the uplink down, ${program.name}`, flooded, 'peak', 160),
    row(`calm after the flood, ${program.name}`, calm, 'resident'),
  ];
}

async function floodOnBacklog(program: Program, flood: BenchFlood): Promise<BenchResult> {
  const agent = new BenchAgent({ program, config: config(), folder: backlog() });
  evictPageCache(program);
  await agent.start();
  await flood.run({ port: agent.port('sensors'), total: 1e9, secondsMax: floodSeconds });
  const figures = memoryOf(agent.pid);
  await agent.stop();
  return row(`flood on a ${backlogName}, ${program.name}`, figures, 'peak', 160);
}

async function drainBacklog(program: Program): Promise<BenchResult> {
  const receiver = await BenchReceiver.start();
  const agent = new BenchAgent({ program, config: config(receiver.url), folder: backlog() });
  evictPageCache(program);
  await agent.start();
  await pause(floodSeconds * 1000);
  const figures = memoryOf(agent.pid);
  await agent.stop();
  await receiver.stop();
  return row(`draining a ${backlogName}, ${program.name}`, figures, 'peak', 160);
}

/** Low enough that a flood offers ten times as much. */
const slowBytesPerSecond = 256 * 1024;

async function slowDisk(program: Program, flood: BenchFlood): Promise<BenchResult | BenchSkip> {
  const name = `flood on a slow disk, ${program.name}`;
  const folder = scratchFolder();
  const disk = SlowDisk.make(folder, slowBytesPerSecond);
  if (typeof disk === 'string') return { name: `memory, ${name}`, skipped: disk };
  const rate = async (wrap: readonly string[]): Promise<{ perSecond: number; figures: MemoryFigures }> => {
    const agent = new BenchAgent({ program, config: config(), folder: join(folder, String(wrap.length)) });
    mkdirSync(join(folder, String(wrap.length)), { recursive: true });
    evictPageCache(program);
    await agent.start(wrap);
    const report = await flood.run({ port: agent.port('sensors'), total: 1e9, secondsMax: floodSeconds });
    const figures = memoryOf(agent.pid);
    await agent.stop('SIGKILL');
    return { perSecond: report.acknowledged / report.seconds, figures };
  };
  const fast = await rate([]);
  const slow = await rate(disk.wrap);
  disk.remove();
  rmSync(folder, { recursive: true, force: true });
  const result = row(name, slow.figures, 'peak', 160);
  const pressure = `${Math.round(slow.perSecond)} msg/s taken of ${Math.round(fast.perSecond)} (writes held to ${slowBytesPerSecond / 1024} KiB/s)`;
  return { ...result, note: `${result.note}; ${pressure}` };
}

const starts = 7;

async function start(): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const program of programs()) {
    const bare: number[] = [];
    const empty: number[] = [];
    const cpu: number[] = [];
    // Fills the page cache, and the folder of compiled code.
    await startOnce(program);
    for (let i = 0; i < starts; i++) {
      bare.push(bareStart(program));
      empty.push(await startOnce(program, { cpu }));
    }
    // The budget is one of the product; from source the time goes into loading hundreds of files.
    const budget = program.name === preferredProgram().name ? 500 : undefined;
    results.push({
      ...startRow(`empty, ${program.name}`, median(empty), budget),
      reference: median(bare),
      referenceName: program.name === 'binary' ? 'the executable printing its version' : 'node -e 0',
      note: `${median(cpu).toFixed(0)} ms CPU of all threads; fastest ${Math.min(...empty).toFixed(0)} ms`,
    });
  }
  const program = preferredProgram();
  const full: number[] = [];
  const empty: number[] = [];
  for (let i = 0; i < 5; i++) {
    empty.push(await startOnce(program));
    full.push(await startOnce(program, { folder: backlog() }));
  }
  results.push({
    ...startRow(`${backlogName}, ${program.name}`, median(full), 1000),
    reference: median(empty),
    referenceName: 'the same with an empty buffer',
  });
  return results;
}

function startRow(name: string, figure: number, budget: number | undefined): BenchResult {
  const row = { name: `start, ${name}`, figure, unit: 'ms', lowerIsBetter: true };
  return budget === undefined ? row : { ...row, budget };
}

/** Milliseconds from the start of the process to ready; `cpu` takes the CPU time of all its threads until then. */
async function startOnce(
  program: Program,
  { folder, cpu }: { folder?: string; cpu?: number[] } = {},
): Promise<number> {
  const agent = new BenchAgent({ program, config: config(), ...(folder === undefined ? {} : { folder }) });
  const millis = await agent.start();
  cpu?.push(cpuSeconds(agent.pid) * 1000);
  // Killed, so that the next start finds a log to replay.
  await agent.stop('SIGKILL');
  return millis;
}

function bareStart(program: Program): number {
  const began = performance.now();
  const parameters = program.name === 'binary' ? ['version'] : ['-e', '0'];
  execFileSync(program.command[0], parameters, { stdio: 'ignore' });
  return performance.now() - began;
}

/** Each built executable and its package. */
function sizes(): readonly (BenchResult | BenchSkip)[] {
  const dist = dirname(binaryFile);
  const built = existsSync(dist)
    ? readdirSync(dist).filter((name) => /^sedge.*(?:64|\.deb)$/.test(name))
    : [];
  if (built.length === 0) return [{ name: 'size', skipped: 'nothing built: npm run build' }];
  return built.toSorted().map((name) => ({
    name: `size, ${name}`,
    figure: statSync(join(dist, name)).size / 1e6,
    unit: 'MB',
    budget: name.endsWith('.deb') ? 30 : 125,
    lowerIsBetter: true,
  }));
}

export const benches: Bench[] = [
  { name: 'binary size', run: sizes },
  { name: 'memory', run: memory },
  { name: 'start', run: start },
];
