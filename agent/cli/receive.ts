import { resolve } from 'node:path';
import { formatCount } from '../operate/words.ts';
import { line, type World } from '../ports/world.ts';
import type { StreamSummary } from '../receiver/inbox.ts';
import { flagNumber, flagValue } from './parse-arguments.ts';
import { exit, type Invocation, type Verb } from './verb.ts';

const summaryEveryMs = 5_000;

export const receiveVerb: Verb = {
  name: 'receive',
  summary: 'the reference receiver: readings by HTTP (and MQTT) into NDJSON files, each once; tells gaps',
  operands: '',
  flags: [
    {
      name: 'listen',
      value: 'HOST:PORT',
      kind: { kind: 'address' },
      summary: 'HTTP (default 127.0.0.1:8080)',
    },
    {
      name: 'mqtt',
      value: 'HOST:PORT',
      kind: { kind: 'address' },
      summary: 'also MQTT, as a broker of its own',
    },
    { name: 'output', value: 'DIR', summary: 'where the files go (default ./received)' },
    {
      name: 'fail',
      value: 'RATE',
      kind: { kind: 'share' },
      summary: 'answer this share of requests with 503, to try senders out (0 to 1)',
    },
    {
      name: 'hang',
      value: 'RATE',
      kind: { kind: 'share' },
      summary: 'never answer this share of requests (0 to 1)',
    },
    {
      name: 'seed',
      value: 'N',
      kind: { kind: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
      summary: 'of the faults',
    },
  ],
  run: async (invocation, world) => {
    const mqtt = flagValue(invocation, 'mqtt');
    const { Receiver } = await import('../host/receiver.ts');
    const receiver = new Receiver({
      folder: resolve(world.workingFolder, flagValue(invocation, 'output') ?? 'received'),
      listen: flagValue(invocation, 'listen') ?? '127.0.0.1:8080',
      faults: { fail: flagNumber(invocation, 'fail', 0), hang: flagNumber(invocation, 'hang', 0) },
      seed: flagNumber(invocation, 'seed', 1),
      ...(mqtt === undefined ? {} : { listenMqtt: mqtt }),
    });
    const interrupted = world.interrupted;
    const { url } = await receiver.start();
    line(world.stderr, `receiving at ${url}`);
    world.tellParent({ type: 'ready', listen: { http: url } });
    const timer = setInterval(() => print(receiver.summary(), invocation, world), summaryEveryMs);
    await interrupted;
    clearInterval(timer);
    await receiver.stop();
    print(receiver.summary(), invocation, world);
    return receiver.summary().some((stream) => stream.missing > 0) ? exit.found : exit.ok;
  },
};

function print(summary: readonly StreamSummary[], invocation: Invocation, world: World): void {
  if (invocation.flags.has('json')) {
    line(world.stdout, JSON.stringify(summary));
    return;
  }
  for (const { agent, stream, received, duplicates, missing, gaps } of summary) {
    const first = gaps[0];
    const gap =
      first === undefined
        ? 'no gaps'
        : `${formatCount(missing)} missing, first ${first[0]} to ${first[1] - 1}`;
    line(
      world.stdout,
      `${agent}/${stream}: ${formatCount(received)} readings, ${formatCount(duplicates)} duplicates left out, ${gap}`,
    );
  }
}
