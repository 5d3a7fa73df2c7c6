import { assert } from '#agent/base/assert.ts';
import { type Micros, micros } from '#agent/base/units.ts';
import type { ReadRequest, Settlement, Store, StoredRun, StreamBacklog } from '#agent/ports/store.ts';
import { BatchBuilder } from '#agent/reading/batch-builder.ts';
import { sliceBatch } from '#agent/reading/batch.ts';

type Fate = 'waiting' | 'delivered' | 'refused' | 'dropped';

interface Row {
  readonly first: number;
  readonly run: StoredRun;
}

interface Stream {
  readonly stream: string;
  readonly priority: number;
  readonly rows: Row[];
  readonly fates: Fate[];
  readonly words: Map<number, string>;
}

/** The dumb twin of the buffer for one uplink: everything in arrays, every settlement checked against the contract of the port. */
export class MemoryStore implements Pick<Store, 'epoch' | 'read' | 'settle' | 'backlog' | 'onGrowth'> {
  readonly epoch = '5eed5eed5eed5eed';
  readonly #streams = new Map<string, Stream>();
  readonly #listeners = new Set<(streams: readonly string[]) => void>();
  readonly settlements: Settlement[] = [];
  /** Set to make the next calls of that method reject. */
  failing: { read: number; settle: number; backlog: number } = { read: 0, settle: 0, backlog: 0 };
  /** Rows one read gives at most, as blocks and journal rows end runs. */
  rowsPerRead = Number.POSITIVE_INFINITY;
  settledRangesSeen = 0;
  budgetBytes = 0;
  budgetDay = 0;

  /** Commits `count` readings of one stream as one journal row. */
  append(stream: string, count: number, options: { priority?: number } = {}): void {
    const known = this.#streams.get(stream) ?? {
      stream,
      priority: options.priority ?? 5,
      rows: [],
      fates: [],
      words: new Map<number, string>(),
    };
    this.#streams.set(stream, known);
    const first = known.fates.length;
    const builder = new BatchBuilder({ stream, clock: 'device', capacity: count });
    const tags = { machine: 'm1' };
    for (let i = 0; i < count; i++) {
      builder.begin({ tags, timeMicros: 1_700_000_000_000_000 + (first + i) * 1000 });
      builder.set('n', first + i);
      known.fates.push('waiting');
    }
    const run: StoredRun = {
      stream,
      first,
      until: first + count,
      batch: builder.finish(),
      fidelity: 'raw',
      committedMicros: micros(1),
    };
    known.rows.push({ first, run });
    for (const listener of this.#listeners) listener([stream]);
  }

  /** Retention took these. */
  drop(stream: string, first: number, until: number): void {
    const known = this.#stream(stream);
    for (let offset = first; offset < until; offset++) {
      if (known.fates[offset] === 'waiting') known.fates[offset] = 'dropped';
    }
  }

  read(request: ReadRequest): Promise<StoredRun | null> {
    if (this.failing.read > 0) {
      this.failing.read--;
      return Promise.reject(new Error('disk trouble'));
    }
    const known = this.#stream(request.stream);
    const until = Math.min(request.until ?? known.fates.length, known.fates.length);
    let from = request.from;
    while (from < until && known.fates[from] === 'dropped') from++;
    if (from >= until) return Promise.resolve(null);
    const row = known.rows.findLast((row) => row.first <= from)!;
    let end = from;
    const rowEnd = row.first + row.run.batch.length;
    const most = Math.min(until, rowEnd, from + Math.min(request.readings, this.rowsPerRead));
    while (end < most && known.fates[end] !== 'dropped') end++;
    const batch = sliceBatch(row.run.batch, from - row.first, end - row.first);
    return Promise.resolve({ ...row.run, first: from, until: end, batch });
  }

  settle(settlement: Settlement): Promise<void> {
    if (this.failing.settle > 0) {
      this.failing.settle--;
      return Promise.reject(new Error('disk trouble'));
    }
    const known = this.#stream(settlement.stream);
    for (let offset = settlement.first; offset < settlement.first + settlement.count; offset++) {
      const fate = known.fates[offset];
      assert(fate === 'waiting' || fate === 'dropped', `${settlement.stream} ${offset} is settled twice`);
      if (fate === 'dropped') continue;
      known.fates[offset] = settlement.outcome.kind;
      if (settlement.outcome.kind === 'refused') known.words.set(offset, settlement.outcome.words);
    }
    this.settlements.push(settlement);
    this.budgetBytes += settlement.bytes;
    this.budgetDay = settlement.day;
    this.settledRangesSeen = Math.max(this.settledRangesSeen, this.#settled(known).length);
    assert(this.#settled(known).length <= 64, 'at most 64 settled ranges above the base');
    return Promise.resolve();
  }

  backlog(): Promise<readonly StreamBacklog[]> {
    if (this.failing.backlog > 0) {
      this.failing.backlog--;
      return Promise.reject(new Error('disk trouble'));
    }
    return Promise.resolve(
      Array.from(this.#streams.values(), (known): StreamBacklog => {
        const waiting = known.fates.filter((fate) => fate === 'waiting').length;
        return {
          stream: known.stream,
          priority: known.priority,
          base: this.#base(known),
          head: known.fates.length,
          settled: this.#settled(known),
          bytes: waiting * 20,
          oldestMicros: waiting === 0 ? null : (micros(1_700_000_000_000_000) satisfies Micros),
          budgetBytes: this.budgetBytes,
          budgetDay: this.budgetDay,
        };
      }),
    );
  }

  onGrowth(listener: (streams: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** How many readings of a stream (or of all) met each fate. */
  tally(stream?: string): Record<Fate, number> {
    const tally = { waiting: 0, delivered: 0, refused: 0, dropped: 0 };
    for (const known of this.#streams.values()) {
      if (stream !== undefined && known.stream !== stream) continue;
      for (const fate of known.fates) tally[fate]++;
    }
    return tally;
  }

  words(stream: string): ReadonlyMap<number, string> {
    return this.#stream(stream).words;
  }

  #base(known: Stream): number {
    const base = known.fates.findIndex((fate) => fate === 'waiting');
    return base < 0 ? known.fates.length : base;
  }

  #settled(known: Stream): [number, number][] {
    const settled: [number, number][] = [];
    for (let offset = this.#base(known); offset < known.fates.length; offset++) {
      if (known.fates[offset] === 'waiting') continue;
      const last = settled.at(-1);
      if (last !== undefined && last[1] === offset) last[1]++;
      else settled.push([offset, offset + 1]);
    }
    return settled;
  }

  #stream(stream: string): Stream {
    const known = this.#streams.get(stream);
    assert(known !== undefined, `stream ${stream} is stored`);
    return known;
  }
}
