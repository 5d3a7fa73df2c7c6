import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BenchAgent, type Program, scratchFolder, streamConfig } from './bench-agent.ts';
import type { BenchFlood } from './bench-flood.ts';
import { type BenchMosquitto, receiveMaximum } from './bench-mosquitto.ts';
import { cpuSeconds, median } from './bench-process.ts';
import { BenchReceiver } from './bench-receiver.ts';

export interface Run {
  readonly perSecond: number;
  /** CPU seconds per million messages of the agent, or of the peer. */
  readonly cpu: number;
  /** The same, with the broker's where the broker is a process of its own. */
  readonly cpuWithBroker: number;
  /** Cores the broker kept busy; 1 is all it can have. */
  readonly brokerCores: number;
}

/** One way for messages to go. */
export interface Way {
  readonly name: string;
  readonly kind: 'agent' | 'reference' | 'peer';
  /** Of its first run, which is not counted. @default 50,000 */
  readonly warmMessages?: number;
  run(messages: number): Promise<Run>;
  stop(): Promise<void>;
}

/** A run takes as many messages as go in about so long. */
const runSeconds = 2.5;
const warmMessages = 50_000;
const messagesMin = 5_000;
const messagesMax = 200_000;

export const uplinksDown = { cloud: { type: 'http', url: 'http://127.0.0.1:9/' } };
const buffer = { size: '2GiB', keep_free: '0%', when_full: 'drop_oldest' };

/** `work` may answer the instant, on the clock of `performance`, of what was waited for; otherwise its end is that. */
export async function measured(
  options: { messages: number; cpu: () => number; broker: BenchMosquitto | null },
  work: () => Promise<unknown>,
): Promise<Run> {
  const { messages, cpu, broker } = options;
  const brokerCpu = (): number => (broker === null ? Number.NaN : cpuSeconds(broker.pid));
  const before = { cpu: cpu(), broker: brokerCpu() };
  const start = performance.now();
  const ended = await work();
  const seconds = ((typeof ended === 'number' ? ended : performance.now()) - start) / 1000;
  const own = cpu() - before.cpu;
  const ofBroker = brokerCpu() - before.broker;
  return {
    perSecond: messages / seconds,
    cpu: (own / messages) * 1e6,
    cpuWithBroker: ((own + (broker === null ? 0 : ofBroker)) / messages) * 1e6,
    brokerCores: ofBroker / seconds,
  };
}

export function medians(runs: readonly Run[]): Run {
  const of = (field: keyof Run): number => median(runs.map((run) => run[field]));
  return {
    perSecond: of('perSecond'),
    cpu: of('cpu'),
    cpuWithBroker: of('cpuWithBroker'),
    brokerCores: of('brokerCores'),
  };
}

/**
 * Runs each way once to warm up, then all in turns: `roundsMax` times each, and no round begins after `secondsMax`, so that a busy machine
 * gives fewer rounds and not none.
 */
export async function inTurns(
  ways: readonly Way[],
  { roundsMax, secondsMax }: { roundsMax: number; secondsMax: number },
): Promise<ReadonlyMap<Way, readonly Run[]>> {
  const counts = new Map<Way, number>();
  for (const way of ways) {
    const { perSecond } = await way.run(way.warmMessages ?? warmMessages);
    counts.set(way, Math.round(Math.min(messagesMax, Math.max(messagesMin, perSecond * runSeconds))));
  }
  const runs = new Map<Way, Run[]>(ways.map((way) => [way, []]));
  const began = performance.now();
  for (let round = 0; round < roundsMax; round++) {
    if (round > 0 && performance.now() - began > secondsMax * 1000) break;
    for (const way of ways) runs.get(way)!.push(await way.run(counts.get(way)!));
  }
  return runs;
}

export async function throughMosquitto(
  program: Program,
  broker: BenchMosquitto,
  flood: BenchFlood,
): Promise<Way> {
  const prefix = `plant-${program.name}`;
  const agent = new BenchAgent({
    program,
    config: {
      sources: {
        line: {
          type: 'mqtt',
          url: `mqtt://127.0.0.1:${broker.port}`,
          topics: [`${prefix}/+/+/telemetry`],
          receive_maximum: receiveMaximum,
          client_id: `bench-${program.name}`,
        },
      },
      streams: {
        vibration: { from: ['line'], ...streamConfig, match: `${prefix}/{plant}/{machine}/telemetry` },
      },
      buffer,
      uplinks: uplinksDown,
    },
  });
  await agent.start();
  await agent.connected('line');
  let taken = 0;
  return {
    name: `mosquitto, ${program.name}`,
    kind: 'agent',
    run: (messages) => {
      taken += messages;
      return measured({ messages, cpu: () => cpuSeconds(agent.pid), broker }, () =>
        Promise.all([
          flood.run({ port: broker.port, total: messages, prefix }),
          agent.settled('line', taken),
        ]),
      );
    },
    stop: () => agent.stop(),
  };
}

/** `drains`: an HTTP receiver and a file take what was stored while more comes in; otherwise the uplink is down. */
export async function throughEmbedded(program: Program, flood: BenchFlood, drains: boolean): Promise<Way> {
  const receiver = drains ? await BenchReceiver.start() : null;
  const folder = scratchFolder();
  const draining = (url: string): object => ({
    cloud: { type: 'http', url },
    local: { type: 'file', path: join(folder, 'readings.ndjson') },
  });
  const agent = new BenchAgent({
    program,
    config: {
      sources: { sensors: { type: 'broker', listen: '127.0.0.1:0' } },
      streams: { vibration: { from: ['sensors'], ...streamConfig } },
      buffer,
      uplinks: receiver === null ? uplinksDown : draining(receiver.url),
    },
  });
  await agent.start();
  return {
    name: `embedded broker${drains ? ', two uplinks draining' : ''}, ${program.name}`,
    kind: 'agent',
    run: (messages) =>
      measured({ messages, cpu: () => cpuSeconds(agent.pid), broker: null }, () =>
        flood.run({ port: agent.port('sensors'), total: messages }),
      ),
    stop: async () => {
      await agent.stop();
      await receiver?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
