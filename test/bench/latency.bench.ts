import { BenchAgent, preferredProgram, streamConfig } from '#test/support/bench-agent.ts';
import { BenchFlood, type FloodReport } from '#test/support/bench-flood.ts';
import { BenchMosquitto, mosquittoMissing } from '#test/support/bench-mosquitto.ts';
import { median } from '#test/support/bench-process.ts';
import type { Bench, BenchResult } from './bench.ts';

const rounds = 3;
const secondsEach = 7;
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
  await agent.stop();
  await broker?.stop();
  await flood.stop();
  const row = (name: string, field: 'latencyP50Ms' | 'latencyP99Ms'): BenchResult => ({
    name: `latency ${name} at 1k msg/s, ${program.name}`,
    unit: 'ms',
    lowerIsBetter: true,
    figure: median(own.map((report) => report[field])),
    ...(field === 'latencyP99Ms' ? { budget: 20 } : {}),
    ...(broker === null
      ? { note: mosquittoMissing()! }
      : {
          reference: median(reference.map((report) => report[field])),
          referenceName: "mosquitto's PUBACK, from memory",
        }),
  });
  return [row('p50', 'latencyP50Ms'), row('p99', 'latencyP99Ms')];
}

export const benches: Bench[] = [{ name: 'latency', run: latency }];
