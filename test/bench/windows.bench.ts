import { BenchAgent, preferredProgram, streamConfig } from '#test/support/bench-agent.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import { cpuSeconds, median } from '#test/support/bench-process.ts';
import type { Bench, BenchResult } from './bench.ts';

const rounds = 5;
/** Before those, until what windows and sketches do as they close is compiled as well: three minutes of event time. */
const warmRounds = 3;
const messages = 60_000;

/** Five stages, a window and three sketches: what a gateway with everything switched on does with a reading. */
const wholeStages = [
  { keep: 'reading.temp > -40.0' },
  { calibrate: { field: 'temp', scale: 0.1, offset: -2 } },
  { despike: { field: 'rms', window: 7 } },
  { ema: { field: 'rms', time_constant: '5s', as: 'rms_smooth' } },
  { unit: { field: 'temp', from: 'Cel', to: '[degF]' } },
  {
    window: {
      every: '10s',
      fields: ['temp', 'rms'],
      emit: ['mean', 'min', 'max', 'count'],
      into: 'vibration_10s',
    },
  },
  { sketch: { every: '1m', fields: ['temp', 'rms'] } },
];

async function agentWith(stages: readonly object[]): Promise<BenchAgent> {
  const agent = new BenchAgent({
    program: preferredProgram(),
    config: {
      sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
      streams: { vibration: { from: ['sensors'], ...streamConfig, stages } },
      buffer: { size: '2GiB', keep_free: '0%', when_full: 'drop_oldest' },
    },
  });
  await agent.start();
  return agent;
}

interface Run {
  readonly perSecond: number;
  /** CPU seconds per million messages. */
  readonly cpu: number;
}

async function measured(agent: BenchAgent, flood: BenchFlood): Promise<Run> {
  const before = cpuSeconds(agent.pid);
  const start = performance.now();
  await flood.run({ port: agent.port('sensors'), total: messages });
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: messages / seconds, cpu: ((cpuSeconds(agent.pid) - before) / messages) * 1e6 };
}

/** In turns, so that what else the machine does falls on both. */
async function windows(): Promise<readonly BenchResult[]> {
  const flood = new BenchFlood();
  const agents = { plain: await agentWith([]), whole: await agentWith(wholeStages) };
  const runs: Record<keyof typeof agents, Run[]> = { plain: [], whole: [] };
  for (let round = -warmRounds; round < rounds; round++)
    for (const name of ['plain', 'whole'] as const) {
      const run = await measured(agents[name], flood);
      if (round >= 0) runs[name].push(run);
    }
  for (const agent of Object.values(agents)) await agent.stop();
  await flood.stop();
  const of = (name: keyof typeof agents, field: keyof Run) => median(runs[name].map((run) => run[field]));
  const plain = of('plain', 'perSecond');
  return [
    {
      name: 'ingest with 5 stages, a window and 3 sketches',
      figure: of('whole', 'perSecond'),
      unit: 'msg/s',
      budget: 0.7 * plain,
      reference: plain,
      referenceName: 'the same without stages',
    },
    {
      name: 'CPU of it',
      figure: of('whole', 'cpu'),
      unit: 'CPU s/M msg',
      lowerIsBetter: true,
      reference: of('plain', 'cpu'),
      referenceName: 'the same without stages',
    },
  ];
}

export const benches: readonly Bench[] = [{ name: 'windows', secondsMax: 150, run: windows }];
