import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BenchAgent,
  type Program,
  preferredProgram,
  programs,
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
import type { Bench, BenchResult, BenchSkip } from './bench.ts';

/** Each program is run this often, in turns with the reference, after one run to warm up. */
const rounds = 3;
const messages = 100_000;
const budget = 60_000;

interface Run {
  readonly perSecond: number;
  /** CPU seconds per million messages of the agent, or of the bare subscriber. */
  readonly cpu: number;
  /** Cores the broker kept busy; 1 is all it can have. */
  readonly brokerCores: number;
}

/** One way for messages to go; each call takes `messages` through it. */
interface Way {
  readonly name: string;
  run(): Promise<Run>;
  stop(): Promise<void>;
}

const uplinks = { cloud: { type: 'http', url: 'http://127.0.0.1:9/' } };
const buffer = { size: '2GiB', keep_free: '0%', when_full: 'drop_oldest' };

async function measured(
  options: { cpu: () => number; broker: BenchMosquitto | null },
  work: () => Promise<unknown>,
): Promise<Run> {
  const { cpu, broker } = options;
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
    run: () => {
      taken += messages;
      return measured({ cpu: () => cpuSeconds(agent.pid), broker }, () =>
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
    run: () =>
      measured({ cpu: () => cpuSeconds(agent.pid), broker: null }, () =>
        flood.run({ port: agent.port('sensors'), total: messages }),
      ),
    stop: async () => {
      await agent.stop();
      await receiver?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What any subscriber must do at least. Its CPU time is read just before it ends. */
function throughPeer(
  name: string,
  Peer: new (subscription: Subscription) => PeerSubscriber,
  { broker, flood }: { broker: BenchMosquitto; flood: BenchFlood },
): Way {
  return {
    name,
    run: async () => {
      const bare = new Peer({ port: broker.port, filter: 'bare/#', messages });
      await bare.ready();
      let cpu = 0;
      const watch = setInterval(() => {
        try {
          cpu = cpuSeconds(bare.pid);
        } catch {
          clearInterval(watch);
        }
      }, 20);
      const run = await measured({ cpu: () => cpu, broker }, () =>
        Promise.all([flood.run({ port: broker.port, total: messages, prefix: 'bare' }), bare.done()]),
      );
      clearInterval(watch);
      return run;
    },
    stop: () => Promise.resolve(),
  };
}

async function ingest(): Promise<readonly (BenchResult | BenchSkip)[]> {
  const missing = mosquittoMissing();
  const flood = new BenchFlood();
  const broker = missing === null ? await BenchMosquitto.start({ prompt: false }) : null;
  const ways: Way[] = [];
  if (broker !== null) {
    for (const program of programs()) ways.push(await throughMosquitto(program, broker, flood));
  }
  for (const program of programs()) ways.push(await throughEmbedded(program, flood, false));
  ways.push(await throughEmbedded(preferredProgram(), flood, true));
  const peers = broker === null ? null : { broker, flood };
  const reference = peers === null ? null : throughPeer('mosquitto_sub', BareSubscriber, peers);
  if (peers !== null) ways.push(throughPeer('MQTT.js that stores nothing', MqttJsSubscriber, peers));
  const referenceRuns: Run[] = [];
  const runs = new Map<Way, Run[]>(ways.map((way) => [way, []]));
  for (const way of ways) await way.run();
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      if (reference !== null) referenceRuns.push(await reference.run());
      runs.get(way)!.push(await way.run());
    }
  }
  for (const way of ways) await way.stop();
  await flood.stop();
  await broker?.stop();
  const results = [...runs].flatMap(([way, own]) => rows(way.name, own, referenceRuns));
  return missing === null ? results : [{ name: 'ingest, mosquitto', skipped: missing }, ...results];
}

function rows(name: string, own: readonly Run[], reference: readonly Run[]): BenchResult[] {
  const of = (field: keyof Run) => ({
    figure: median(own.map((run) => run[field])),
    ...(reference.length === 0
      ? {}
      : {
          reference: median(reference.map((run) => run[field])),
          referenceName: 'mosquitto_sub that stores nothing',
        }),
  });
  const brokerCores = median(own.map((run) => run.brokerCores));
  const note = Number.isNaN(brokerCores)
    ? {}
    : { note: `mosquitto keeps ${brokerCores.toFixed(2)} of its one core busy` };
  return [
    { name: `ingest, ${name}`, unit: 'msg/s', budget, ...of('perSecond'), ...note },
    { name: `ingest CPU, ${name}`, unit: 'CPU s/M msg', lowerIsBetter: true, ...of('cpu') },
  ];
}

export const benches: Bench[] = [{ name: 'ingest', run: ingest }];
