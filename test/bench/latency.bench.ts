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

/** Publish to PUBACK at a calm pace, durable, in turns with the PUBACK of a broker that keeps messages in memory only. */
async function latency(): Promise<readonly BenchResult[]> {
  const program = preferredProgram();
  const agent = new BenchAgent({
    program,
    config: {
      sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
      streams: { vibration: { from: ['sensors'], ...streamConfig } },
      buffer: { size: '512MiB', keep_free: '0%' },
    },
  });
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

export const benches: Bench[] = [{ name: 'latency', secondsMax: 100, run: latency }];
