import { mkdirSync } from 'node:fs';
import { Prng } from '#agent/base/prng.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Batch, Tags } from '#agent/reading/batch.ts';
import { openStore } from '../bench/store-bench-rig.ts';

/** Readings of one block; the default of `buffer.seal.readings`. */
const blockReadings = 4_096;
/** 128 KiB a row: two make a block by bytes. */
const backlogLimits = { noiseReadings: 512, noiseWords: 64 };

/**
 * Fills the data folder of an agent `gw-bench` with sealed blocks until their bytes, or their readings, are enough. The uplink
 * `cloud` has taken none. Answers the readings.
 */
export function fillBacklog(folder: string, until: { bytes: number } | { readings: number }): number {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { store, now } = openStore(folder);
  const random = new Prng(5);
  const rows = Array.from({ length: 16 }, (_, i) => ('bytes' in until ? noise(random) : telemetry(i))).map(
    (batch) => ({ count: batch.length, bytes: encodeJournalRow(batch) }),
  );
  let readings = 0;
  let bytes = 0;
  for (let i = 0; 'bytes' in until ? bytes < until.bytes : readings < until.readings; i++) {
    const row = rows[i % rows.length]!;
    const entries = [{ stream: 'vibration', received: row.count, filtered: [], marks: [], rows: [row] }];
    const [outcome] = store.commit([{ kind: 'append', entries }], now()).outcomes;
    if (outcome?.ok !== true) throw new Error(`the backlog could not be made: ${JSON.stringify(outcome)}`);
    while (store.maintain(now()));
    readings += row.count;
    bytes += row.bytes.length;
  }
  store.close();
  return readings;
}

/** Payloads that no codec makes smaller, as undecoded messages are. Floats would take a minute to pack. */
function noise(random: Prng): Batch {
  const { noiseReadings, noiseWords } = backlogLimits;
  return batchOf(noiseReadings, (builder) => {
    const words = new Uint32Array(noiseWords);
    for (let i = 0; i < noiseWords; i++) words[i] = random.uint32();
    builder.set('payload', new Uint8Array(words.buffer));
  });
}

/** Two figures of few decimals and a counter, of 50 machines. */
export function telemetry(round: number): Batch {
  return batchOf(blockReadings, (builder, row) => {
    const at = round * blockReadings + row;
    builder.set('temp', Math.round(200 + 50 * Math.sin(at / 500) + (at % 7)) / 10);
    builder.set('rms', Math.round(1000 * Math.abs(Math.sin(at / 37))) / 1e4);
    builder.set('count', at);
  });
}

const machines: readonly Tags[] = Array.from({ length: 50 }, (_, i) => ({ plant: 'p1', machine: `m${i}` }));

function batchOf(readings: number, fill: (builder: BatchBuilder, row: number) => void): Batch {
  const builder = new BatchBuilder({ stream: 'vibration', clock: 'device', capacity: readings });
  for (let row = 0; row < readings; row++) {
    builder.begin({ tags: machines[row % machines.length]!, timeMicros: 1_700_000_000_000_000 + row * 1000 });
    fill(builder, row);
  }
  return builder.finish();
}
