import { messageOf } from '../base/errors.ts';
import { receiverLimits } from './limits.ts';
import { KnownOffsets, type KnownRuns, type Undo } from './known-offsets.ts';
import { spanOf, type ReceivedLine } from './parse-lines.ts';

/** Where lines come to rest. The host implements it with files. */
export interface LineStore {
  /** Calls `index` with the last index written, if any, then `line` for every line appended after it, in order. `line` throws at what is no reading. */
  open(restore: { index: (index: InboxIndex) => void; line: (line: string) => void }): Promise<void>;
  /** Appends whole lines and syncs. On rejection nothing of them is kept. */
  append(bytes: Uint8Array): Promise<void>;
  /** Asked after each append: is it time to write the index? */
  wantsIndex(): boolean;
  /** Remembers the index for everything appended so far. After a rejection the one before is in force, and `wantsIndex` waits again. */
  saveIndex(index: InboxIndex): Promise<void>;
  close(): Promise<void>;
}

export interface InboxIndex {
  readonly streams: readonly (KnownRuns & {
    readonly agent: string;
    /** Absent in indexes of receivers before epochs: ''. */
    readonly epoch?: string;
    readonly stream: string;
    readonly received: number;
    readonly duplicates: number;
    /** Absent in indexes of receivers before summaries: 0. */
    readonly summaryLines?: number;
  })[];
}

export interface StreamSummary {
  readonly agent: string;
  /** Which life of the agent's buffer; '' when its lines say none. Offsets, duplicates and gaps are counted within one. */
  readonly epoch: string;
  readonly stream: string;
  /** Distinct readings and summaries kept. */
  readonly received: number;
  /** Of those, summaries. */
  readonly summaries: number;
  /** Readings that arrived again and were left out. */
  readonly duplicates: number;
  /** Highest offset kept, -1 when none. */
  readonly maxOffset: number;
  /** Offsets from 0 to the highest that never arrived: on the way, refused or dropped by the agent. */
  readonly missing: number;
  /** The first of those, as [first, one past the last]. */
  readonly gaps: readonly (readonly [number, number])[];
}

export interface Accepted {
  readonly received: number;
  readonly duplicates: number;
}

interface Known {
  readonly agent: string;
  readonly epoch: string;
  readonly stream: string;
  readonly offsets: KnownOffsets;
  received: number;
  summaries: number;
  duplicates: number;
}

type StreamKey = Pick<ReceivedLine, 'agent' | 'epoch' | 'stream'>;

/** What is read again of a stored line. It was checked when it came, and a file may hold what somebody else wrote. */
type StoredLine = Partial<Pick<ReceivedLine, keyof StreamKey | 'offset'>>;

interface Pending {
  readonly lines: readonly ReceivedLine[];
  readonly done: (outcome: AcceptOutcome) => void;
}

export type AcceptOutcome =
  | ({ readonly ok: true } & Accepted)
  | {
      readonly ok: false /** `full`: come again soon. `disk`: when there is room. `bounds`: not until somebody has cleared up. */;
      readonly reason: 'full' | 'disk' | 'bounds';
      readonly message: string;
    };

/** See `receiverLimits`. */
export interface InboxBounds {
  readonly streamsMax: number;
  readonly rangesMax: number;
}

/**
 * Takes readings once. What `accept` answers `ok` is appended and synced, each (agent, epoch, stream, offset) exactly once, however
 * often and in whatever order it arrives, over restarts too: the offsets known are rebuilt from the lines themselves. Requests
 * that arrive while a sync runs share the next one.
 */
export class Inbox {
  readonly #store: LineStore;
  readonly #trouble: (words: string) => void;
  readonly #bounds: InboxBounds;
  readonly #streams = new Map<string, Known>();
  readonly #pending: Pending[] = [];
  #committing: Promise<void> | null = null;
  #open = false;

  /** `trouble` is told what goes wrong without a sender to tell it to. */
  constructor(
    store: LineStore,
    trouble: (words: string) => void = () => {},
    bounds: InboxBounds = receiverLimits,
  ) {
    this.#store = store;
    this.#trouble = trouble;
    this.#bounds = bounds;
  }

  async start(): Promise<void> {
    if (this.#open) return;
    this.#streams.clear();
    await this.#store.open({
      index: (index) => {
        for (const row of index.streams) {
          const { agent, epoch = '', stream, received, duplicates, summaryLines: summaries = 0 } = row;
          const offsets = new KnownOffsets(row);
          const known = { agent, epoch, stream, received, duplicates, summaries, offsets };
          this.#streams.set(keyOf(known), known);
        }
      },
      line: (line) => this.#replay(line),
    });
    this.#open = true;
  }

  async stop(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#committing;
    await this.#saveIndex();
    await this.#store.close();
  }

  accept(lines: readonly ReceivedLine[]): Promise<AcceptOutcome> {
    if (!this.#open) return Promise.resolve({ ok: false, reason: 'full', message: 'the receiver stops' });
    if (this.#pending.length >= receiverLimits.pendingMax)
      return Promise.resolve({ ok: false, reason: 'full', message: 'too many requests wait for the disk' });
    return new Promise((resolve) => {
      this.#pending.push({ lines, done: resolve });
      this.#committing ??= this.#commit();
    });
  }

  summary(): readonly StreamSummary[] {
    return Array.from(this.#streams.values(), (known) => ({
      agent: known.agent,
      epoch: known.epoch,
      stream: known.stream,
      received: known.received,
      summaries: known.summaries,
      duplicates: known.duplicates,
      maxOffset: known.offsets.max,
      missing: known.offsets.missing(),
      gaps: known.offsets.holes(receiverLimits.gapsListedMax),
    }));
  }

  async #commit(): Promise<void> {
    try {
      // One turn, so that requests of the same tick share the sync.
      await Promise.resolve();
      while (this.#pending.length > 0) await this.#commitGroup(this.#pending.splice(0));
    } finally {
      // In the same turn as the last look at the queue: a request that comes after it starts a commit of its own.
      this.#committing = null;
    }
  }

  async #commitGroup(group: readonly Pending[]): Promise<void> {
    const added: Undo[] = [];
    const answers: AcceptOutcome[] = [];
    let text = '';
    for (const request of group) {
      const answer = this.#take(request.lines, added);
      text += answer.text;
      answers.push(answer.outcome);
    }
    let failure: AcceptOutcome | null = null;
    try {
      if (text !== '') await this.#store.append(encoder.encode(text));
    } catch (error) {
      forget(added);
      failure = { ok: false, reason: 'disk', message: messageOf(error) };
    }
    group.forEach((request, i) => request.done(failure ?? answers[i]!));
    if (failure === null && this.#store.wantsIndex()) await this.#saveIndex();
  }

  /** Only a shortcut: without it a restart reads more lines. */
  async #saveIndex(): Promise<void> {
    try {
      await this.#store.saveIndex(this.#index());
    } catch (error) {
      this.#trouble(`the index could not be written: ${messageOf(error)}`);
    }
  }

  /** Marks the new ones among `lines` as known and gives their text. A request that would break a bound changes nothing. */
  #take(lines: readonly ReceivedLine[], added: Undo[]): { text: string; outcome: AcceptOutcome } {
    let text = '';
    let received = 0;
    const before = added.length;
    const streamsBefore = this.#streams.size;
    const again: Known[] = [];
    for (const line of lines) {
      const known = this.#known(line);
      const undo = known === null ? null : takeLine(known, line);
      const isNew = undo !== null;
      if (undo !== null) added.push(undo);
      if (known === null || known.offsets.runCount > this.#bounds.rangesMax) {
        forget(added.splice(before));
        this.#forgetStreams(streamsBefore);
        return { text: '', outcome: { ok: false, reason: 'bounds', message: this.#boundWords(line, known) } };
      }
      if (!isNew) {
        again.push(known);
        continue;
      }
      text += `${line.line}\n`;
      received++;
    }
    for (const known of again) known.duplicates++;
    return { text, outcome: { ok: true, received, duplicates: lines.length - received } };
  }

  #boundWords({ agent, stream }: StreamKey, known: Known | null): string {
    const { streamsMax, rangesMax } = this.#bounds;
    const name = `${agent}/${stream}`.slice(0, 200);
    return known === null
      ? `this receiver tells ${streamsMax} streams apart, and ${name} would be one more`
      : `${name} has ${rangesMax} gaps already, and this receiver keeps no more of one stream`;
  }

  /** The streams made last go, down to `count` of them. */
  #forgetStreams(count: number): void {
    for (const key of [...this.#streams.keys()].slice(count)) this.#streams.delete(key);
  }

  #known(line: StreamKey): Known | null {
    const key = keyOf(line);
    let known = this.#streams.get(key);
    if (known !== undefined) return known;
    if (this.#streams.size >= this.#bounds.streamsMax) return null;
    known = {
      agent: line.agent,
      epoch: line.epoch,
      stream: line.stream,
      offsets: new KnownOffsets(),
      received: 0,
      summaries: 0,
      duplicates: 0,
    };
    this.#streams.set(key, known);
    return known;
  }

  #replay(line: string): void {
    const reading = JSON.parse(line) as StoredLine & Record<string, unknown>;
    const { agent, epoch = '', stream, offset } = reading;
    if (typeof agent !== 'string' || typeof stream !== 'string' || typeof offset !== 'number')
      throw new Error('it has no agent, stream or offset');
    const known = this.#known({ agent, epoch, stream });
    if (known === null) throw new Error(this.#boundWords({ agent, epoch, stream }, null));
    const span = spanOf(reading, offset);
    if (typeof span === 'string') throw new Error(span);
    takeLine(known, { offset, ...span });
  }

  #index(): InboxIndex {
    return {
      streams: Array.from(
        this.#streams.values(),
        ({ agent, epoch, stream, received, duplicates, summaries, offsets }) => ({
          agent,
          epoch,
          stream,
          received,
          duplicates,
          ...(summaries === 0 ? {} : { summaryLines: summaries }),
          ...offsets.runs(),
        }),
      ),
    };
  }
}

/** Null when the line tells nothing new. */
function takeLine(known: Known, line: Pick<ReceivedLine, 'offset' | 'until' | 'fidelity'>): Undo | null {
  const undo = known.offsets.add(line);
  if (undo === null) return null;
  const summaries = line.fidelity === 'raw' ? 0 : 1;
  known.received++;
  known.summaries += summaries;
  return () => {
    undo();
    known.received--;
    known.summaries -= summaries;
  };
}

/** Newest first, since one builds on another. */
function forget(added: readonly Undo[]): void {
  for (const undo of added.toReversed()) undo();
}

const encoder = new TextEncoder();

/** Lengths first, so that no two triples of names run into one key. */
const keyOf = ({ agent, epoch, stream }: StreamKey): string =>
  `${agent.length},${epoch.length},${agent}${epoch}${stream}`;
