import { preferredProgram } from '#test/support/bench-agent.ts';
import { BenchFlood } from '#test/support/bench-flood.ts';
import { BenchMosquitto, mosquittoMissing } from '#test/support/bench-mosquitto.ts';
import { throughPeerAgent } from '#test/support/bench-peer-way.ts';
import { type Peer, peersFound } from '#test/support/bench-peers.ts';
import {
  type Run,
  type Way,
  inTurns,
  medians,
  throughEmbedded,
  throughMosquitto,
} from '#test/support/bench-ways.ts';
import { messageOf } from '#agent/base/errors.ts';
import type { Bench, BenchResult, BenchRow } from './bench.ts';

const name = 'ingest per CPU second beside other agents';
const roundsMax = 2;
/** Of one peer. */
const roundsSecondsMax = 20;
const secondsMax = 420;
/** The design asks for so many times the best of them. */
const timesBest = 3;

/** The same messages through the agent and through others, each told to do the same three stages and to keep what is left. */
async function* peers(): AsyncGenerator<BenchRow> {
  const found = peersFound();
  const missing = typeof found === 'string' ? found : mosquittoMissing();
  if (missing !== null || typeof found === 'string') {
    yield { name, skipped: missing ?? '' };
    return;
  }
  const flood = new BenchFlood();
  const broker = await BenchMosquitto.start({ prompt: false });
  const program = preferredProgram();
  const behind = await throughMosquitto(program, broker, flood);
  const embedded = await throughEmbedded(program, flood, false);
  const runs = new Map<Way, Run[]>([
    [behind, []],
    [embedded, []],
  ]);
  const peerOf = new Map<Way, Peer>();
  for (const peer of found) {
    // One that does not keep up, or dies, costs its own row.
    try {
      const other = await throughPeerAgent(peer, broker, flood);
      peerOf.set(other, peer);
      const beside = await besides([behind, embedded, other]);
      for (const [way, some] of beside) runs.set(way, [...(runs.get(way) ?? []), ...some]);
    } catch (thrown) {
      yield { name: `ingest CPU, ${peer.name}`, skipped: messageOf(thrown) };
    }
  }
  for (const way of [behind, embedded]) await way.stop();
  await flood.stop();
  await broker.stop();
  yield* rows({ runs, peerOf, behind, embedded });
}

/** The last of the ways goes away with its turns. */
async function besides(ways: readonly Way[]): ReturnType<typeof inTurns> {
  try {
    return await inTurns(ways, { roundsMax, secondsMax: roundsSecondsMax });
  } finally {
    await ways.at(-1)?.stop();
  }
}

const keptWords = {
  memory: 'acknowledges what it has in memory',
  file: 'acknowledges what it wrote to a file, not synced',
  synced: 'acknowledges what it synced',
};

interface Measured extends Run {
  readonly name: string;
  readonly rounds: number;
  readonly peer: Peer | null;
}

function rows(all: {
  runs: ReadonlyMap<Way, readonly Run[]>;
  peerOf: ReadonlyMap<Way, Peer>;
  behind: Way;
  embedded: Way;
}): BenchResult[] {
  const found = [...all.runs]
    .filter(([, own]) => own.length > 0)
    .map(([way, own]): Measured & { way: Way } => ({
      way,
      name: way.name,
      rounds: own.length,
      peer: all.peerOf.get(way) ?? null,
      ...medians(own),
    }));
  const others = found.filter(({ peer }) => peer !== null);
  const behind = found.find(({ way }) => way === all.behind);
  const embedded = found.find(({ way }) => way === all.embedded);
  const perCpu = (options: {
    agent: Measured | undefined;
    beside: readonly Measured[];
    field: 'cpu' | 'cpuWithBroker';
    words: string;
  }): BenchResult[] => {
    const { agent, beside, field, words } = options;
    const best = beside.toSorted((a, b) => a[field] - b[field])[0];
    if (agent === undefined || best === undefined) return [];
    const reference = 1e6 / best[field];
    return [
      {
        name: `ingest per CPU second${words}, ${agent.name}`,
        figure: 1e6 / agent[field],
        unit: 'msg/CPU s',
        budget: timesBest * reference,
        headline: true,
        reference,
        referenceName: `${best.name}, which ${keptWords[best.peer!.kept]}: the best of ${beside.length}`,
        note: `median of ${best.rounds}`,
      },
    ];
  };
  const clients = others.filter(({ peer }) => peer!.listens !== true);
  const synced = clients.filter(({ peer }) => peer!.kept === 'synced');
  return [
    ...perCpu({ agent: behind, beside: clients, field: 'cpu', words: '' }),
    ...perCpu({ agent: behind, beside: synced, field: 'cpu', words: ' as durable' }),
    ...perCpu({ agent: embedded, beside: others, field: 'cpuWithBroker', words: ' with the broker' }),
    ...others.map(({ name: own, peer, cpu, cpuWithBroker, perSecond }) => ({
      name: `ingest CPU, ${own}`,
      figure: cpu,
      unit: 'CPU s/M msg',
      lowerIsBetter: true,
      ...(peer!.listens === true
        ? { reference: embedded!.cpu, referenceName: `sedge, ${embedded!.name}` }
        : { reference: behind!.cpu, referenceName: `sedge, ${behind!.name}` }),
      note: `${keptWords[peer!.kept]}; ${cpuWithBroker.toFixed(1)} CPU s/M with its broker; ${Math.round(perSecond)} msg/s`,
    })),
  ];
}

export const benches: Bench[] = [{ name, secondsMax, run: peers }];
