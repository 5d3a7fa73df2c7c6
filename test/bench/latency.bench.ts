import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSqlite } from '#agent/host/sqlite.ts';
import { BenchAgent, preferredProgram, scratchFolder, streamConfig } from '#test/support/bench-agent.ts';
import { BenchFlood, type FloodReport } from '#test/support/bench-flood.ts';
import { BenchMosquitto, mosquittoMissing } from '#test/support/bench-mosquitto.ts';
import { median, quantile } from '#test/support/bench-process.ts';
import type { Bench, BenchResult } from './bench.ts';

const rounds = 3;
const secondsEach = 5;
const budgetMs = 20;
const commits = 300;
const perSecond = 1_000;

function agentOf(program: ReturnType<typeof preferredProgram>): BenchAgent {
  return new BenchAgent({
    program,
    config: {
      sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
      streams: { vibration: { from: ['sensors'], ...streamConfig } },
      buffer: { size: '512MiB', keep_free: '0%' },
    },
  });
}

/** Publish to PUBACK at a calm pace, durable, in turns with the PUBACK of a broker that keeps messages in memory only. */
async function latency(): Promise<readonly BenchResult[]> {
  const program = preferredProgram();
  const agent = agentOf(program);
  const flood = new BenchFlood();
  const broker = mosquittoMissing() === null ? await BenchMosquitto.start({ prompt: true }) : null;
  await agent.start();
  const run = (port: number, seconds: number): Promise<FloodReport> =>
    flood.run({ port, perSecond, total: perSecond * seconds });
  await run(agent.port('sensors'), 2);
  const own: FloodReport[] = [];
  const reference: FloodReport[] = [];
  for (let round = 0; round < rounds; round++) {
    if (broker !== null) reference.push(await run(broker.port, secondsEach));
    own.push(await run(agent.port('sensors'), secondsEach));
  }
  const bare = bareCommits();
  await agent.stop();
  await broker?.stop();
  await flood.stop();
  const row = (name: string, field: 'latencyP50Ms' | 'latencyP99Ms'): BenchResult => ({
    name: `latency ${name} at 1k msg/s, ${program.name}`,
    unit: 'ms',
    lowerIsBetter: true,
    headline: true,
    figure: median(own.map((report) => report[field])),
    ...(field === 'latencyP99Ms' ? { budget: budgetMs } : {}),
    note: `one row in SQLite, synced: ${bare[field].toFixed(2)} ms`,
    ...(broker === null
      ? {}
      : {
          reference: median(reference.map((report) => report[field])),
          referenceName: "mosquitto's PUBACK, from memory",
        }),
  });
  return [row('p50', 'latencyP50Ms'), row('p99', 'latencyP99Ms')];
}

/** How long one row takes into SQLite and to the disk: what no PUBACK after a synced commit can beat. */
function bareCommits(): Pick<FloodReport, 'latencyP50Ms' | 'latencyP99Ms'> {
  const folder = scratchFolder();
  const db = openSqlite({ file: join(folder, 'rows.db') });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE readings (id INTEGER PRIMARY KEY, reading TEXT)');
  const insert = db.prepare('INSERT INTO readings (reading) VALUES (?)');
  const millis = Array.from({ length: commits }, () => {
    const began = performance.now();
    insert.run('x'.repeat(200));
    return performance.now() - began;
  });
  db.close();
  rmSync(folder, { recursive: true, force: true });
  return { latencyP50Ms: quantile(millis, 0.5), latencyP99Ms: quantile(millis, 0.99) };
}

/** Stored before the first query: some 25 blocks, which each of them decodes. */
const readingsAsked = 100_000;
/** What is in no summary, of every reading; figures of every machine in many windows. */
const heavyQueries = [
  'distinct(batch), distinct(rms), top(mode, 10) by machine',
  'p99(rms), p50(current), mean(temp) by machine, window(30s)',
] as const;

/** The same pace while as many queries run as the agent takes at a time, each asked again once it is answered; in turns with none. */
async function latencyBesideQueries(): Promise<readonly BenchResult[]> {
  const program = preferredProgram();
  const agent = agentOf(program);
  const flood = new BenchFlood();
  await agent.start();
  const port = agent.port('sensors');
  await flood.run({ port, total: readingsAsked });
  const run = (seconds: number): Promise<FloodReport> =>
    flood.run({ port, perSecond, total: perSecond * seconds });
  await run(2);
  const beside: FloodReport[] = [];
  const alone: FloodReport[] = [];
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await run(secondsEach));
    const asking = keepAsking(agent, seconds);
    beside.push(await run(secondsEach));
    await asking.stop();
  }
  await agent.stop();
  await flood.stop();
  const row = (name: string, field: 'latencyP50Ms' | 'latencyP99Ms'): BenchResult => ({
    name: `latency ${name} at 1k msg/s beside queries, ${program.name}`,
    unit: 'ms',
    lowerIsBetter: true,
    headline: true,
    figure: median(beside.map((report) => report[field])),
    ...(field === 'latencyP99Ms' ? { budget: budgetMs } : {}),
    reference: median(alone.map((report) => report[field])),
    referenceName: 'the same without queries',
    note: `${heavyQueries.length} at a time over ${readingsAsked} readings and more; ${seconds.length} answered, in ${median(seconds).toFixed(2)} s each`,
  });
  return [row('p50', 'latencyP50Ms'), row('p99', 'latencyP99Ms')];
}

function keepAsking(agent: BenchAgent, seconds: number[]): { stop: () => Promise<unknown> } {
  const state = { stopped: false };
  const loops = heavyQueries.map(async (query) => {
    while (!state.stopped) {
      const began = performance.now();
      const { coverage } = await agent.query(query);
      if (coverage.readings.raw < readingsAsked) throw new Error(`${coverage.words} (${query})`);
      seconds.push((performance.now() - began) / 1000);
    }
  });
  const all = Promise.all(loops);
  // Told where it is waited for.
  all.catch(() => {});
  return {
    stop: () => {
      state.stopped = true;
      return all;
    },
  };
}

export const benches: Bench[] = [
  { name: 'latency', secondsMax: 100, run: latency },
  { name: 'latency beside queries', secondsMax: 150, run: latencyBesideQueries },
];
