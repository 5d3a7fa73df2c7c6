import { resolve } from 'node:path';
import { counted, formatCount } from '../base/words.ts';
import { line } from '../ports/world.ts';
import type { StreamSummary } from '../receiver/inbox.ts';
import { flagNumber, flagValue } from './parse-arguments.ts';
import { exit, type Verb } from './verb.ts';

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
      trouble: (words) => line(world.stderr, `sedge: ${words}`),
      faults: { fail: flagNumber(invocation, 'fail', 0), hang: flagNumber(invocation, 'hang', 0) },
      seed: flagNumber(invocation, 'seed', 1),
      ...(mqtt === undefined ? {} : { listenMqtt: mqtt }),
    });
    const interrupted = world.interrupted;
    const { url, mqttUrl } = await receiver.start();
    line(world.stderr, `receiving at ${url}${mqttUrl === null ? '' : ` and ${mqttUrl}`}`);
    world.tellParent({ type: 'ready', listen: { http: url } });
    let shown = '';
    const show = (): void => {
      const text = summaryText(receiver.summary(), { json: invocation.flags.has('json') });
      if (text !== shown) world.stdout.write(text);
      shown = text;
    };
    const timer = setInterval(show, summaryEveryMs);
    await interrupted;
    clearInterval(timer);
    await receiver.stop();
    shown = '';
    show();
    return receiver.summary().some((stream) => stream.missing > 0) ? exit.found : exit.ok;
  },
};

/** One line a stream, and one for each epoch where a stream has several: offsets, and so gaps, are counted within one. */
export function summaryText(summary: readonly StreamSummary[], { json }: { json: boolean }): string {
  if (json) return `${JSON.stringify(summary)}\n`;
  const nameOf = ({ agent, stream }: StreamSummary): string => `${agent}/${stream}`;
  const epochs = new Map<string, number>();
  for (const row of summary) epochs.set(nameOf(row), (epochs.get(nameOf(row)) ?? 0) + 1);
  return summary
    .map((row) => {
      const { epoch, received, duplicates } = row;
      const which = epochs.get(nameOf(row)) === 1 ? '' : ` (epoch ${epoch === '' ? 'not told' : epoch})`;
      return `${nameOf(row)}${which}: ${counted(received, 'reading')}, ${counted(duplicates, 'duplicate')} left out, ${gapWords(row)}\n`;
    })
    .join('');
}

function gapWords({ missing, gaps }: StreamSummary): string {
  const [first] = gaps;
  if (first === undefined) return 'no gaps';
  const last = first[1] - 1;
  return `${formatCount(missing)} missing, first ${first[0] === last ? last : `${first[0]} to ${last}`}`;
}
