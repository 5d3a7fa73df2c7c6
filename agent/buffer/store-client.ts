import { assert } from '../base/assert.ts';
import { errorCatalogue, SedgeError, type ErrorCode } from '../base/errors.ts';
import { micros } from '../base/units.ts';
import type { AnswerJson } from '../query/answer.ts';
import type { WindowsJson } from '../query/windows-json.ts';
import type { WindowsRequest } from './rollup/windows.ts';
import type { Query } from '../query/query.ts';
import type {
  AppendOutcome,
  ReadRequest,
  Settlement,
  Store,
  StoredRun,
  StreamBacklog,
  Unstorable,
} from '../ports/store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Batch } from '../reading/batch.ts';
import type { JournalEntry } from '../reading/journal-entry.ts';
import type { EntryToStore } from './append.ts';
import { AppendProgress } from './append-progress.ts';
import { decodeJournalRow } from './codec/journal-row.ts';
import type {
  ClockNotice,
  ClockTerms,
  DiskAnswer,
  DiskCall,
  DiskCalls,
  DiskChannel,
  DiskReport,
  DiskRequest,
  OpenAnswer,
} from './disk-protocol.ts';
import { encodeEntry, unstorableIn } from './encode-entry.ts';
import { readingOversize } from './events.ts';
import type { FsckReport } from './fsck.ts';
import type { Ledger } from './ledger.ts';
import { requestsInFlightMax } from './limits.ts';
import type { StreamStates } from './pipeline-state.ts';
import type { PurgeRequest } from './purge.ts';
import type { StoreSettings } from './settings.ts';
import type { BlockRow, StoreStats } from './stats.ts';

interface PostOptions {
  readonly transfer?: readonly ArrayBuffer[];
  readonly place?: number;
  readonly urgent?: boolean;
  readonly again?: number | undefined;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The store as the main thread has it: encodes, posts, and settles the promises when the disk thread reports. */
export class StoreClient implements Store {
  readonly #channel: DiskChannel;
  readonly #telemetry: Telemetry;
  readonly #waiting = new Map<number, Waiting>();
  /** By the list that was appended. */
  readonly #refused = new WeakMap<readonly JournalEntry[], AppendProgress>();
  /** Place of the latest append. */
  #place = 0;
  /** Resolves when appends that go in several requests, and those behind them, are answered; null when there are none. */
  #cutting: Promise<unknown> | null = null;
  readonly #listeners = new Set<(streams: readonly string[]) => void>();
  #nextId = 1;
  #state: 'new' | 'open' | 'ended' = 'new';
  #death: string | null = null;
  #terms: OpenAnswer | null = null;
  readonly #died = Promise.withResolvers<SedgeError>();

  constructor(options: { channel: DiskChannel; telemetry: Telemetry }) {
    this.#channel = options.channel;
    this.#telemetry = options.telemetry;
  }

  /** Opens the database. @throws {SedgeError} SEDGE_DATA_NEWER, _CORRUPT, _LOCKED, _INVALID, SEDGE_SQLITE_TOO_OLD. */
  async start(settings: StoreSettings): Promise<void> {
    if (this.#state !== 'new') return;
    this.#state = 'open';
    this.#channel.onReport((report) => this.#settle(report));
    this.#channel.onDeath((reason) => this.#fail(reason));
    this.#terms = await this.#call('open', settings);
  }

  get epoch(): string {
    assert(this.#terms !== null, 'the store is started');
    return this.#terms.epoch;
  }

  get appendBytesMax(): number {
    assert(this.#terms !== null, 'the store is started');
    return this.#terms.appendBytesMax;
  }

  unstorable(batch: Batch): Unstorable | null {
    return unstorableIn(batch, this.appendBytesMax);
  }

  /** Resolves when the disk thread ended by itself: nothing can be stored any more, and only a restart mends that. */
  get died(): Promise<SedgeError> {
    return this.#died.promise;
  }

  /** Everything asked before is answered first. */
  async stop(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    try {
      if (this.#death === null) await this.#call('close', null);
    } finally {
      await this.#channel.end();
    }
  }

  async configure(settings: StoreSettings): Promise<void> {
    this.#terms = await this.#call('configure', settings);
  }

  /**
   * One request and one transaction, so that readings, accounts and marks are stored together or not at all. Only what no transaction
   * can hold (a message of many thousand readings, a tiny buffer) goes in several, one after the other, the marks with the last:
   * a crash between two of them stores the first ones twice, and never takes a message for stored that is not. The same list,
   * appended again after a refusal, keeps its place before all that came later, and stores only what is not stored.
   */
  async append(
    entries: readonly JournalEntry[],
    { urgent }: { readonly urgent: boolean } = { urgent: false },
  ): Promise<AppendOutcome> {
    const again = this.#refused.get(entries);
    const progress = again ?? new AppendProgress({ place: ++this.#place, urgent });
    const bytesMax = progress.cutFor(this.appendBytesMax);
    const encoded = entries.map((entry) => encodeEntry(entry, bytesMax));
    if (again === undefined)
      for (const { oversize } of encoded) if (oversize !== null) readingOversize(this.#telemetry, oversize);
    const parts = progress.partsLeft(encoded.map(({ entry }) => entry));
    const outcome = await this.#inOrder(parts, progress);
    if (outcome.ok) this.#refused.delete(entries);
    else this.#refused.set(entries, progress);
    return outcome;
  }

  /** Posts at once what is one part; nothing overtakes what is several. */
  #inOrder(parts: readonly (readonly EntryToStore[])[], progress: AppendProgress): Promise<AppendOutcome> {
    const before = this.#cutting;
    if (before === null && parts.length === 1) return this.#appendParts(parts, progress);
    const done = (before ?? Promise.resolve()).then(() => this.#appendParts(parts, progress));
    const settled = Promise.allSettled([done]);
    this.#cutting = settled;
    void settled.finally(() => {
      if (this.#cutting === settled) this.#cutting = null;
    });
    return done;
  }

  async #appendParts(
    parts: readonly (readonly EntryToStore[])[],
    progress: AppendProgress,
  ): Promise<AppendOutcome> {
    const { place, urgent } = progress;
    for (const part of parts) {
      const id = this.#nextId;
      const transfer = part.flatMap((entry) => entry.rows.map((row) => row.bytes.buffer as ArrayBuffer));
      const outcome = await this.#call('append', part, { transfer, place, urgent, again: progress.again });
      if (!outcome.ok) {
        progress.refused(id, outcome.trouble);
        return outcome;
      }
      progress.stored();
    }
    return { ok: true };
  }

  async read(request: ReadRequest): Promise<StoredRun | null> {
    const answer = await this.#call('read', request);
    if (answer === null) return null;
    const batch = decodeJournalRow(answer.row, { stream: request.stream });
    assert(batch.ok, 'what the disk thread encoded can be decoded');
    const { row: _, committedMicros, ...told } = answer;
    return {
      ...told,
      stream: request.stream,
      batch: batch.value,
      committedMicros: micros(committedMicros),
    };
  }

  async settle(settlement: Settlement): Promise<void> {
    await this.#call('settle', settlement);
  }

  backlog(uplink: string): Promise<readonly StreamBacklog[]> {
    return this.#call('backlog', uplink);
  }

  marks(source: string): Promise<Uint8Array> {
    return this.#call('marks', source);
  }

  /** What the stages of every stream remember. */
  pipelineStates(): Promise<readonly StreamStates[]> {
    return this.#call('states', null);
  }

  ledger(): Promise<Ledger> {
    return this.#call('ledger', null);
  }

  stats(): Promise<StoreStats> {
    return this.#call('stats', null);
  }

  blocks(page: { stream: string; from: number; limit: number }): Promise<readonly BlockRow[]> {
    return this.#call('blocks', page);
  }

  windows(request: WindowsRequest): Promise<WindowsJson> {
    return this.#call('windows', request);
  }

  /** @throws {SedgeError} what is wrong with the query, or SEDGE_API_BUSY. */
  query(query: Query): Promise<AnswerJson> {
    return this.#call('query', query);
  }

  /** What the store remembers of earlier clocks. @throws before the end of the start. */
  get clockTerms(): ClockTerms {
    assert(this.#terms !== null, 'the store is started');
    return this.#terms.clock;
  }

  /** How the agent's clock stands now; answers the readings whose times were corrected. */
  setClock(notice: ClockNotice): Promise<number> {
    return this.#call('clock', notice);
  }

  purge(request: PurgeRequest): Promise<number> {
    return this.#call('purge', request);
  }

  fsck(options: { repair: boolean }): Promise<FsckReport> {
    return this.#call('fsck', options);
  }

  onGrowth(listener: (streams: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #call<Call extends DiskCall>(
    call: Call,
    ask: DiskCalls[Call]['ask'],
    { transfer = [], place, urgent = false, again }: PostOptions = {},
  ): Promise<DiskCalls[Call]['answer']> {
    assert(this.#state === 'open' || call === 'close', 'the store is started');
    if (this.#death !== null) return Promise.reject(new Error(`the disk thread ended: ${this.#death}`));
    assert(this.#waiting.size < requestsInFlightMax, 'callers bound what they have in flight');
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const request = {
        id,
        call,
        ask,
        ...(place === undefined ? {} : { place, urgent }),
        ...(again === undefined ? {} : { again }),
      };
      this.#channel.post(request as DiskRequest, transfer);
    });
  }

  #settle(report: DiskReport): void {
    for (const observation of report.observations) this.#emit(observation);
    for (const answer of report.answers) {
      const waiting = this.#waiting.get(answer.id);
      if (waiting === undefined) continue;
      this.#waiting.delete(answer.id);
      if (answer.ok) waiting.resolve(answer.answer);
      else waiting.reject(toError(answer));
    }
    if (report.grown.length > 0) for (const listener of this.#listeners) listener(report.grown);
  }

  #emit(observation: DiskReport['observations'][number]): void {
    const telemetry = this.#telemetry;
    if (observation.kind === 'log') {
      telemetry.log(observation.level, observation.event, observation.message, observation.fields);
    } else if (observation.kind === 'count') {
      telemetry.count(observation.name, observation.labels, observation.value);
    } else if (observation.kind === 'gauge') {
      telemetry.gauge(observation.name, observation.value, observation.labels);
    } else {
      telemetry.observe(observation.name, observation.value, observation.labels);
    }
  }

  #fail(reason: string): void {
    this.#death = reason;
    const error = new SedgeError('SEDGE_DATA_INVALID', `the disk thread ended: ${reason}`, {
      hint: 'look at the data folder: does it exist, and may this user write to it?',
    });
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    this.#died.resolve(error);
  }
}

function toError(answer: Extract<DiskAnswer, { ok: false }>): Error {
  const { code, message, hint } = answer;
  const options = hint === undefined ? {} : { hint };
  if (code !== null && Object.hasOwn(errorCatalogue, code)) {
    return new SedgeError(code as ErrorCode, message, options);
  }
  return new SedgeError('SEDGE_DATA_INVALID', `the buffer: ${message}`, {
    hint: hint ?? 'look at the data folder: does it exist, and may this user write to it?',
  });
}
