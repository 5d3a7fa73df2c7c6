import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { createDecoder, type Message } from '#agent/reading/decode/decoder.ts';
import type { DecodeOptions } from '#agent/reading/decode/options.ts';
import { encodeNdjsonBytes } from '#agent/reading/encode-ndjson.ts';
import { TopicRouter } from '#agent/reading/topic-match.ts';
import type { Bench, BenchResult } from './bench.ts';

const batchReadings = 512;
const payloads = Array.from({ length: 64 }, (_, i) =>
  // 16 devices, values that differ, as a broker would hand them over.
  Buffer.from(
    JSON.stringify({
      dev: `m-${i % 16}`,
      seq: 100_000 + i,
      ts: 1_795_248_000_123 + i * 7,
      temp: Math.round(2000 + 300 * Math.sin(i)) / 100,
      rms: Math.abs(Math.sin(i)) / 70,
      hum: 45.2,
      ok: i % 10 !== 0,
      mode: 'auto',
      rpm: 1480 + (i % 7),
    }),
  ),
);

/** Operations a second: the best of five runs of about 150 ms, after a warm-up. */
function rate(operation: (i: number) => void): number {
  let best = 0;
  let count = 20_000;
  for (let round = 0; round < 6; round++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) operation(i);
    const seconds = (performance.now() - start) / 1e3;
    if (round > 0) best = Math.max(best, count / seconds);
    count = Math.max(1000, Math.floor((count / seconds) * 0.15));
  }
  return best;
}

function decodeRate(options: DecodeOptions, of: readonly Uint8Array[]): number {
  const router = new TopicRouter([{ stream: 's', match: 'plant/{machine}/t' }]);
  const decoder = createDecoder(options);
  let into = new BatchBuilder({ stream: 's', clock: decoder.clock, capacity: batchReadings });
  return rate((i) => {
    const topic = topics[i % topics.length]!;
    for (const route of router.route(topic)) {
      const message: Message = { topic, payload: of[i % of.length]!, tags: route.tags, arrivalMicros: i };
      if (!decoder.decode(message, into).ok) throw new Error('the payload is good');
    }
    if (into.length < batchReadings) return;
    into.finish();
    into = new BatchBuilder({ stream: 's', clock: decoder.clock, capacity: batchReadings });
  });
}

const topics = Array.from({ length: 16 }, (_, i) => `plant/m-${i}/t`);
const utf8 = new TextDecoder('utf-8', { fatal: true });
const bareJson = (): number => rate((i) => void JSON.parse(utf8.decode(payloads[i % payloads.length])));
const bareText = (of: readonly Uint8Array[]): number => rate((i) => void utf8.decode(of[i % of.length]));

function decodeBench(
  name: string,
  options: DecodeOptions,
  of: readonly Uint8Array[],
  budget?: number,
): Bench {
  return {
    name: `decode ${name}`,
    run: () => {
      const json = options.format === 'json';
      return [
        {
          name: `decode ${name}`,
          figure: decodeRate(options, of),
          unit: 'msg/s',
          ...(budget === undefined ? {} : { budget }),
          reference: json ? bareJson() : bareText(of),
          referenceName: json ? 'bare TextDecoder and JSON.parse' : 'bare TextDecoder',
        },
      ];
    },
  };
}

const influx = Array.from({ length: 64 }, (_, i) =>
  Buffer.from(
    `machine,dev=m-${i % 16},site=p3 temp=${20 + i / 7},rms=0.0${i},ok=t,rpm=${1480 + i}i 17952480001234567${10 + i}`,
  ),
);

function ndjsonBench(): BenchResult {
  const decoder = createDecoder({ format: 'json', time: 'ts', time_unit: 'ms', tags: ['dev'] });
  const into = new BatchBuilder({ stream: 's', clock: 'device', capacity: batchReadings });
  for (let i = 0; i < batchReadings; i++) {
    decoder.decode({ topic: 't', payload: payloads[i % 64]!, tags: {}, arrivalMicros: 0 }, into);
  }
  const batch = into.finish();
  const objects = payloads.map((payload) => JSON.parse(String(payload)) as unknown);
  const run = { agent: 'gw-7', epoch: '5eed5eed5eed5eed', batch, first: 1000, fidelity: 'raw' };
  return {
    name: 'encode ndjson',
    figure: rate(() => void encodeNdjsonBytes(run)) * batchReadings,
    unit: 'readings/s',
    budget: 400_000,
    reference: rate((i) => void JSON.stringify(objects[i % 64])),
    referenceName: 'JSON.stringify of the payload as an object',
  };
}

const times = { time: 'ts', time_unit: 'ms' } as const;
export const benches: readonly Bench[] = [
  decodeBench('json', { format: 'json', ...times }, payloads, 400_000),
  decodeBench('json with a tag field', { format: 'json', ...times, tags: ['dev'] }, payloads, 400_000),
  decodeBench('json, two fields of nine', { format: 'json', ...times, fields: ['temp', 'rms'] }, payloads),
  decodeBench('influx', { format: 'influx' }, influx),
  { name: 'encode ndjson', run: () => [ndjsonBench()] },
];
