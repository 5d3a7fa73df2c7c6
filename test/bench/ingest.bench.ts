import { preferredProgram } from '#test/support/bench-agent.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import {
  BareSubscriber,
  BenchMosquitto,
  MqttJsSubscriber,
  type PeerSubscriber,
  type Subscription,
  mosquittoMissing,
} from '#test/support/bench-mosquitto.ts';
import { cpuSeconds } from '#test/support/bench-process.ts';
import {
  type Run,
  type Way,
  inTurns,
  measured,
  medians,
  throughEmbedded,
  throughMosquitto,
} from '#test/support/bench-ways.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

const roundsMax = 3;
const roundsSecondsMax = 90;
const secondsMax = 200;
const budgetPerSecond = 60_000;

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
  const runs = await inTurns(ways, { roundsMax, secondsMax: roundsSecondsMax });
  for (const way of ways) await way.stop();
  await flood.stop();
  await broker?.stop();
  yield* rows(runs);
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
          note: 'beside other agents: `npm run bench -- peers`',
        }))),
  ];
}

export const benches: Bench[] = [{ name: 'ingest', secondsMax, run: ingest }];
