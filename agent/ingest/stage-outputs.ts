import { assert } from '../base/assert.ts';
import type { Micros } from '../base/units.ts';
import type { Batch } from '../reading/batch.ts';
import type { FilteredCount, JournalEntry } from '../reading/journal-entry.ts';
import type { Processed, StreamPlan } from './arrival.ts';
import { limits } from './limits.ts';

export const nothingProcessed: Processed = { outputs: [], filtered: [] };

/** What stands in a stream's account before its stages are asked. */
interface Account {
  readonly received: number;
  readonly filtered: readonly FilteredCount[];
}

export interface StageOutputsOptions {
  /** Configured streams; undefined: a stream that only stages feed. */
  readonly planOf: (stream: string) => StreamPlan | undefined;
  /** Whether what is derived for this stream is stored apart. */
  readonly isApart: (stream: string) => boolean;
  readonly nowMicros: Micros;
}

/**
 * Makes journal entries of what stages gave out. Readings that they derived for a configured stream go through that stream's stages
 * at once, and so on; the configuration allows no circles and no chain longer than `limits.derivedDepth`.
 */
export class StageOutputs {
  readonly entries: JournalEntry[] = [];
  /** See `Group.apart`. */
  readonly apart: JournalEntry[] = [];
  readonly #options: StageOutputsOptions;
  #processed = new Set<StreamPlan>();

  constructor(options: StageOutputsOptions) {
    this.#options = options;
  }

  /** Of the stream's stages, for readings that arrived or a timer that was due. */
  push(plan: StreamPlan, processed: Processed, account: Account): void {
    this.#processed.add(plan);
    this.#push(plan.name, processed, account, 0);
  }

  /** What stages gave out that are gone, for a stream that may be gone as well. */
  pushParting(stream: string, processed: Processed): void {
    const plan = this.#options.planOf(stream);
    if (plan !== undefined) this.#processed.add(plan);
    this.#push(stream, processed, { received: 0, filtered: [] }, 0);
  }

  /** Streams whose stages ran since the last call. */
  takeProcessed(): Iterable<StreamPlan> {
    const processed = this.#processed;
    this.#processed = new Set();
    return processed;
  }

  /**
   * The entry of the stream itself, with what stands in its account already; then those of the streams its stages feed. Timers of
   * several stages may each release a batch of the stream: the first entry holds the account, the others nothing but their batch.
   */
  #push(name: string, processed: Processed, account: Account, depth: number): void {
    assert(depth <= limits.derivedDepth, `${name}: streams that feed each other end`);
    const into = depth > 0 && this.#options.isApart(name) ? this.apart : this.entries;
    const own = processed.outputs.filter(({ stream, batch }) => stream === name && batch.length > 0);
    const rest = own.slice(1);
    let received = account.received + (processed.derived ?? 0);
    for (const { batch } of rest) received -= batch.length;
    if (received > 0) {
      const filtered = [...account.filtered, ...processed.filtered];
      into.push(entryOf(name, own[0]?.batch ?? null, received, filtered));
    }
    for (const { batch } of rest) into.push(derivedEntry(name, batch));
    for (const { stream, batch } of processed.outputs)
      if (stream !== name && batch.length > 0) this.#derive(stream, batch, depth + 1);
  }

  #derive(stream: string, batch: Batch, depth: number): void {
    const { planOf, isApart, nowMicros } = this.#options;
    const plan = planOf(stream);
    if (plan === undefined) {
      (isApart(stream) ? this.apart : this.entries).push(derivedEntry(stream, batch));
      return;
    }
    this.#processed.add(plan);
    const processed = plan.preprocess.process(batch, nowMicros);
    this.#push(stream, processed, { received: batch.length, filtered: [] }, depth);
  }
}

function derivedEntry(stream: string, batch: Batch): JournalEntry {
  return entryOf(stream, batch, batch.length, []);
}

export function entryOf(
  stream: string,
  batch: Batch | null,
  received: number,
  filtered: readonly FilteredCount[],
): JournalEntry {
  let accounted = batch?.length ?? 0;
  for (const { count } of filtered) accounted += count;
  assert(
    accounted === received,
    `${stream}: ${received} readings received, ${accounted} stored and filtered`,
  );
  return { stream, batch, received, filtered, marks: [] };
}
