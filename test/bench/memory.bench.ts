import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BenchAgent,
  binaryFile,
  type Program,
  preferredProgram,
  scratchFolder,
  streamConfig,
} from '#test/support/bench-agent.ts';
import { backlogFolder, backlogName, backlogSecondsMax } from '#test/support/bench-backlog.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import { BenchMosquitto, mosquittoMissing, MqttJsSubscriber } from '#test/support/bench-mosquitto.ts';
import { bytesWritten, type MemoryFigures, memoryOf } from '#test/support/bench-process.ts';
import { BenchReceiver } from '#test/support/bench-receiver.ts';
import { SlowDisk } from '#test/support/bench-slow-disk.ts';
import { pause } from '#test/support/until.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

const budgetMiB = { idle: 90, flood: 160, backlog: 160 };
/** The agent gives memory back after two calm seconds. */
const calmSeconds = 5;
const floodSeconds = 5;

function config(url = 'http://127.0.0.1:9/'): object {
  return {
    sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
    streams: { vibration: { from: ['sensors'], ...streamConfig } },
    buffer: { size: '4GiB', keep_free: '0%', when_full: 'drop_oldest' },
    uplinks: { cloud: { type: 'http', url } },
  };
}

interface Bare {
  readonly idle: MemoryFigures;
  readonly flooded: MemoryFigures;
}

function row(
  name: string,
  figures: MemoryFigures,
  options: { of: 'resident' | 'peak'; budget?: number; bare?: MemoryFigures | undefined },
): BenchResult {
  const { of, budget, bare } = options;
  return {
    name: `memory, ${name}`,
    figure: figures[of],
    unit: 'MiB',
    lowerIsBetter: true,
    ...(budget === undefined ? {} : { budget, headline: true }),
    ...(bare === undefined
      ? {}
      : { reference: bare[of], referenceName: 'a subscriber with MQTT.js that stores nothing' }),
    note: `RSS ${figures.resident.toFixed(0)}, peak ${figures.peak.toFixed(0)}, private dirty ${figures.privateDirty.toFixed(0)}`,
  };
}

/** The executable's pages then count only where the agent touches them; otherwise RSS tells what the page cache happened to hold. */
function evictPageCache(program: Program): void {
  if (program.name !== 'binary') return;
  execFileSync('dd', [`if=${binaryFile}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

const flooding = { total: 1e9, secondsMax: floodSeconds };

/** What the same flood makes of the simplest subscriber; undefined without mosquitto. */
async function bareSubscriber(flood: BenchFlood): Promise<Bare | undefined> {
  if (mosquittoMissing() !== null) return undefined;
  const broker = await BenchMosquitto.start({ prompt: false });
  const subscriber = new MqttJsSubscriber({ port: broker.port, filter: 'bare/#', messages: 1e9 });
  try {
    await subscriber.ready();
    await pause(1000);
    const idle = memoryOf(subscriber.pid);
    await flood.run({ port: broker.port, prefix: 'bare', ...flooding });
    return { idle, flooded: memoryOf(subscriber.pid) };
  } finally {
    await subscriber.stop();
    await broker.stop();
  }
}

async function* idleAndFlood(): AsyncGenerator<BenchRow> {
  const program = preferredProgram();
  const flood = new BenchFlood();
  const bare = await bareSubscriber(flood);
  evictPageCache(program);
  const agent = new BenchAgent({ program, config: config() });
  try {
    await agent.start();
    await pause(calmSeconds * 1000);
    const idle = memoryOf(agent.pid);
    yield row(`idle, ${program.name}`, idle, { of: 'resident', budget: budgetMiB.idle, bare: bare?.idle });
    await flood.run({ port: agent.port('sensors'), ...flooding });
    yield row(`flood with the uplink down, ${program.name}`, memoryOf(agent.pid), {
      of: 'peak',
      budget: budgetMiB.flood,
      bare: bare?.flooded,
    });
    await pause(calmSeconds * 1000);
    yield row(`calm after the flood, ${program.name}`, memoryOf(agent.pid), { of: 'resident' });
  } finally {
    await agent.stop();
    await flood.stop();
  }
}

async function* onBacklog(): AsyncGenerator<BenchRow> {
  const program = preferredProgram();
  const folder = await backlogFolder();
  const flood = new BenchFlood();
  const bounds = { of: 'peak', budget: budgetMiB.backlog } as const;
  const agent = new BenchAgent({ program, config: config(), folder });
  evictPageCache(program);
  await agent.start();
  await flood.run({ port: agent.port('sensors'), ...flooding });
  yield row(`flood on a ${backlogName}, ${program.name}`, memoryOf(agent.pid), bounds);
  await agent.stop();
  await flood.stop();
  const receiver = await BenchReceiver.start();
  const draining = new BenchAgent({ program, config: config(receiver.url), folder });
  evictPageCache(program);
  await draining.start();
  await pause(floodSeconds * 1000);
  const { delivered } = (await draining.status()).uplinks[0]!;
  const figures = memoryOf(draining.pid);
  await draining.stop('SIGKILL');
  await receiver.stop();
  const result = row(`draining a ${backlogName}, ${program.name}`, figures, bounds);
  yield { ...result, note: `${result.note}; ${delivered} readings delivered meanwhile` };
}

/** The flood is so many times faster than the disk. */
const timesDisk = 10;

interface SlowDiskRun {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly figures: MemoryFigures;
}

/** The same flood twice: what the agent writes of it unhindered, and with a tenth of that. */
async function slowDisk(): Promise<readonly BenchRow[]> {
  const program = preferredProgram();
  const name = `flood ${timesDisk} times faster than the disk, ${program.name}`;
  const folder = scratchFolder();
  const disk = SlowDisk.make(folder);
  if (typeof disk === 'string') return [{ name: `memory, ${name}`, skipped: disk }];
  const flood = new BenchFlood();
  const run = async (wrap: readonly string[]): Promise<SlowDiskRun> => {
    const agent = new BenchAgent({ program, config: config(), folder: join(folder, String(wrap.length)) });
    evictPageCache(program);
    await agent.start(wrap);
    const before = bytesWritten(agent.pid);
    const report = await flood.run({ port: agent.port('sensors'), ...flooding });
    const bytes = bytesWritten(agent.pid) - before;
    const figures = memoryOf(agent.pid);
    await agent.stop('SIGKILL');
    return {
      messagesPerSecond: report.acknowledged / report.seconds,
      bytesPerSecond: bytes / report.seconds,
      figures,
    };
  };
  try {
    const fast = await run([]);
    disk.limit(fast.bytesPerSecond / timesDisk);
    const slow = await run(disk.wrap);
    const result = row(name, slow.figures, { of: 'peak', budget: budgetMiB.flood, bare: undefined });
    const rates = `${Math.round(slow.messagesPerSecond)} msg/s taken of ${Math.round(fast.messagesPerSecond)}, writes held to ${Math.round(fast.bytesPerSecond / timesDisk / 1024)} KiB/s`;
    return [
      {
        ...result,
        reference: fast.figures.peak,
        referenceName: 'the same flood on the disk as it is',
        note: `${result.note}; ${rates}`,
      },
    ];
  } finally {
    disk.remove();
    await flood.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const benches: Bench[] = [
  { name: 'memory', run: idleAndFlood },
  { name: 'memory on a slow disk', run: slowDisk },
  { name: 'memory with a backlog', secondsMax: backlogSecondsMax + 40, run: onBacklog },
];
