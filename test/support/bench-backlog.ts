import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Prng } from '#agent/base/prng.ts';
import { encodeJournalRow } from '#agent/buffer/codec/journal-row.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import type { Batch, Tags } from '#agent/reading/batch.ts';
import { openStore } from '../bench/store-bench-rig.ts';
import { MiB } from '#agent/base/units.ts';
import { ended } from './bench-process.ts';

/** Readings of one block; the default of `buffer.seal.readings`. */
const blockReadings = 4_096;
/** 128 KiB a row: two make a block by bytes. */
const noiseReadings = 128;
const noiseWords = 256;
/** Rows made beforehand, taken in turns. */
const rowsMade = 16;
/** Rows in one commit. */
const rowsTogether = 8;

/** `SEDGE_BENCH_BACKLOG_MIB`: a smaller backlog than the 1 GiB of the design, for a machine with less room or time. */
const backlogMebibytes = Number(process.env['SEDGE_BENCH_BACKLOG_MIB'] ?? 1024);
export const backlogName = backlogMebibytes === 1024 ? '1 GiB backlog' : `${backlogMebibytes} MiB backlog`;
/** Filling takes half a minute on a quiet machine, and several on a busy one. */
export const backlogSecondsMax = 200;

/**
 * The folder of an agent `gw-bench` that was killed with such a backlog in `data/`. One for all benches of a run: it is filled at the first
 * need, and again by as much as a bench took out of it.
 */
export async function backlogFolder(mebibytes = backlogMebibytes): Promise<string> {
  const folder = join(tmpdir(), `backlog-${mebibytes}`);
  const program = fileURLToPath(new URL('bench-backlog-child.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, join(folder, 'data'), String(mebibytes * MiB)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [first] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as [unknown];
  if (!(first instanceof Uint8Array)) throw new Error('the backlog could not be made');
  await ended(child, 'SIGKILL');
  return folder;
}

export interface BacklogFill {
  /** Of the blocks' bytes, all together. */
  readonly bytes?: number;
  readonly readings?: number;
  readonly batch: (round: number) => Batch;
  /** Else the device gets the bytes when it likes: several times as fast, and it is not this that is measured. */
  readonly synced: boolean;
}

/** Appends through the store, which seals as it does in the agent, until it holds enough. The uplink `cloud` has taken none. */
export function fillBacklog(
  folder: string,
  fill: BacklogFill,
): { readings: number; append: (batches: readonly Batch[]) => void; close: () => void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { store, now } = openStore(folder, { synced: fill.synced });
  const rows = Array.from({ length: rowsMade }, (_, i) => rowOf(fill.batch(i)));
  const commit = (some: readonly ReturnType<typeof rowOf>[]): void => {
    const entries = some.map((row) => ({
      stream: 'vibration',
      received: row.count,
      filtered: [],
      marks: [],
      rows: [row],
    }));
    const [outcome] = store.commit([{ kind: 'append', entries }], now()).outcomes;
    if (outcome?.ok !== true) throw new Error(`the backlog could not be made: ${JSON.stringify(outcome)}`);
    while (store.maintain(now()));
  };
  let readings = 0;
  let bytes = store.stats().streams.reduce((sum, stream) => sum + stream.bytes, 0);
  for (let i = 0; bytes < (fill.bytes ?? Infinity) && readings < (fill.readings ?? Infinity); i++) {
    const first = (i * rowsTogether) % rowsMade;
    const some = rows.slice(first, first + rowsTogether);
    commit(some);
    for (const row of some) {
      readings += row.count;
      bytes += row.bytes.length;
    }
  }
  return { readings, append: (batches) => commit(batches.map(rowOf)), close: () => store.close() };
}

function rowOf(batch: Batch): { count: number; bytes: Uint8Array } {
  return { count: batch.length, bytes: encodeJournalRow(batch) };
}

/** Payloads of 1 KiB that no codec makes smaller, as undecoded messages are. Floats would take minutes to pack. */
export function noise(round: number): Batch {
  const random = new Prng(5 + round);
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
