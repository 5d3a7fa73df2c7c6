import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BenchAgent,
  type Program,
  preferredProgram,
  scratchFolder,
  streamConfig,
} from '#test/support/bench-agent.ts';
import { BenchReceiver } from '#test/support/bench-receiver.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import {
  BareSubscriber,
  BenchMosquitto,
  MqttJsSubscriber,
  type PeerSubscriber,
  type Subscription,
  mosquittoMissing,
  receiveMaximum,
} from '#test/support/bench-mosquitto.ts';
import { cpuSeconds, median } from '#test/support/bench-process.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

/** Each way is gone this often, in turns with the others, after one run to warm up. */
const roundsMax = 3;
/** No round begins later, so that a busy machine gives fewer rounds and not none. */
const roundsSecondsMax = 90;
const secondsMax = 200;
/** A run takes as many messages as go in about so long. */
const runSeconds = 2.5;
const warmMessages = 50_000;
const messagesMin = 10_000;
const messagesMax = 200_000;
const budgetPerSecond = 60_000;

interface Run {
  readonly perSecond: number;
  /** CPU seconds per million messages of the agent, or of the peer. */
  readonly cpu: number;
  /** Cores the broker kept busy; 1 is all it can have. */
  readonly brokerCores: number;
}

/** One way for messages to go. */
interface Way {
  readonly name: string;
  readonly kind: 'agent' | 'reference' | 'peer';
  run(messages: number): Promise<Run>;
  stop(): Promise<void>;
}

const uplinks = { cloud: { type: 'http', url: 'http://127.0.0.1:9/' } };
const buffer = { size: '2GiB', keep_free: '0%', when_full: 'drop_oldest' };

async function measured(
  options: { messages: number; cpu: () => number; broker: BenchMosquitto | null },
  work: () => Promise<unknown>,
): Promise<Run> {
  const { messages, cpu, broker } = options;
  const brokerCpu = (): number => (broker === null ? Number.NaN : cpuSeconds(broker.pid));
  const before = { cpu: cpu(), broker: brokerCpu() };
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  return {
    perSecond: messages / seconds,
    cpu: ((cpu() - before.cpu) / messages) * 1e6,
    brokerCores: (brokerCpu() - before.broker) / seconds,
  };
}

async function throughMosquitto(program: Program, broker: BenchMosquitto, flood: BenchFlood): Promise<Way> {
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
      uplinks,
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
async function throughEmbedded(program: Program, flood: BenchFlood, drains: boolean): Promise<Way> {
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
      uplinks: receiver === null ? uplinks : draining(receiver.url),
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

/** A program of another make on the same broker. Its CPU time is read just before it ends. */
function throughPeer(
  way: Pick<Way, 'name' | 'kind'>,
  subscribe: (subscription: Subscription) => PeerSubscriber,
  { broker, flood }: { broker: BenchMosquitto; flood: BenchFlood },
): Way {
  let peer: PeerSubscriber | null = null;
  return {
    ...way,
    run: async (messages) => {
      const bare = subscribe({ port: broker.port, filter: 'bare/#', messages });
      peer = bare;
      await bare.ready();
      let cpu = 0;
      const watch = setInterval(() => {
        try {
          cpu = cpuSeconds(bare.pid);
        } catch {
          clearInterval(watch);
        }
      }, 20);
      const run = await measured({ messages, cpu: () => cpu, broker }, () =>
        Promise.all([flood.run({ port: broker.port, total: messages, prefix: 'bare' }), bare.done()]),
      );
      clearInterval(watch);
      return run;
    },
    stop: () => peer?.stop() ?? Promise.resolve(),
  };
}

async function makeWays(broker: BenchMosquitto | null, flood: BenchFlood): Promise<Way[]> {
  const program = preferredProgram();
  const embedded = [
    await throughEmbedded(program, flood, false),
    await throughEmbedded(program, flood, true),
  ];
  if (broker === null) return embedded;
  const peers = { broker, flood };
  const kept = (keeping: 'nothing' | 'ndjson' | 'rows') => (subscription: Subscription) =>
    new MqttJsSubscriber(subscription, keeping);
  return [
    throughPeer({ name: referenceName, kind: 'reference' }, (one) => new BareSubscriber(one), peers),
    await throughMosquitto(program, broker, flood),
    ...embedded,
    throughPeer({ name: 'MQTT.js that stores nothing', kind: 'peer' }, kept('nothing'), peers),
    throughPeer({ name: 'MQTT.js, rows in SQLite', kind: 'peer' }, kept('rows'), peers),
    throughPeer({ name: 'MQTT.js, NDJSON', kind: 'peer' }, kept('ndjson'), peers),
  ];
}

const referenceName = 'mosquitto_sub that stores nothing';

async function* ingest(): AsyncGenerator<BenchRow> {
  const missing = mosquittoMissing();
  if (missing !== null) yield { name: 'ingest, mosquitto', skipped: missing };
  const flood = new BenchFlood();
  const broker = missing === null ? await BenchMosquitto.start({ prompt: false }) : null;
  const ways = await makeWays(broker, flood);
  const counts = new Map<Way, number>();
  for (const way of ways) {
    const { perSecond } = await way.run(warmMessages);
    counts.set(way, Math.round(Math.min(messagesMax, Math.max(messagesMin, perSecond * runSeconds))));
  }
  const runs = new Map<Way, Run[]>(ways.map((way) => [way, []]));
  const began = performance.now();
  for (let round = 0; round < roundsMax; round++) {
    if (round > 0 && performance.now() - began > roundsSecondsMax * 1000) break;
    for (const way of ways) runs.get(way)!.push(await way.run(counts.get(way)!));
  }
  for (const way of ways) await way.stop();
  await flood.stop();
  await broker?.stop();
  yield* rows(runs);
}

function medians(runs: readonly Run[]): Run {
  const of = (field: keyof Run): number => median(runs.map((run) => run[field]));
  return { perSecond: of('perSecond'), cpu: of('cpu'), brokerCores: of('brokerCores') };
}

function rows(runs: ReadonlyMap<Way, readonly Run[]>): BenchResult[] {
  const found = [...runs].map(([{ name, kind }, own]) => ({
    name,
    kind,
    rounds: own.length,
    ...medians(own),
  }));
  const reference = found.find(({ kind }) => kind === 'reference');
  const beside = (field: 'perSecond' | 'cpu') =>
    reference === undefined ? {} : { reference: reference[field], referenceName };
  const agents = found.filter(({ kind }) => kind === 'agent');
  const peers = found.filter(({ kind, name }) => kind === 'peer' && !name.includes('nothing'));
  const perCpu = (run: Run): number => 1e6 / run.cpu;
  // Of those that keep what they get.
  const best = peers.toSorted((a, b) => perCpu(b) - perCpu(a))[0];
  return [
    ...agents.map(({ name, perSecond, brokerCores, rounds }) => ({
      name: `ingest, ${name}`,
      figure: perSecond,
      unit: 'msg/s',
      budget: budgetPerSecond,
      headline: true,
      ...beside('perSecond'),
      note: `median of ${rounds}${Number.isNaN(brokerCores) ? '' : `; mosquitto keeps ${brokerCores.toFixed(2)} of its one core busy`}`,
    })),
    ...found
      .filter(({ kind }) => kind !== 'agent')
      .map(({ name, perSecond }) => ({
        name: `ingest, ${name}`,
        figure: perSecond,
        unit: 'msg/s',
        ...beside('perSecond'),
      })),
    ...found.map(({ name, kind, cpu }) => ({
      name: `ingest CPU, ${name}`,
      figure: cpu,
      unit: 'CPU s/M msg',
      lowerIsBetter: true,
      headline: kind === 'agent',
      ...beside('cpu'),
    })),
    ...(best === undefined
      ? []
      : agents.slice(0, 1).map((agent) => ({
          name: `ingest per CPU second, ${agent.name}`,
          figure: perCpu(agent),
          unit: 'msg/CPU s',
          headline: true,
          reference: perCpu(best),
          referenceName: `${best.name}: the thriftier of two that acknowledge before they store, without stages`,
          note: 'the design asks for three times the best other agent, and none is installed here',
        }))),
  ];
}

export const benches: Bench[] = [{ name: 'ingest', secondsMax, run: ingest }];
