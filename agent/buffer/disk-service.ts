import { messageOf, SedgeError } from '../base/errors.ts';
import { assert, unreachable } from '../base/assert.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { DiskError } from '../ports/database.ts';
import { bytesOf } from './append.ts';
import { encodeJournalRow } from './codec/journal-row.ts';
import type {
  ClockNotice,
  DiskAnswer,
  DiskReport,
  DiskRequest,
  Observation,
  OpenAnswer,
  ReadAnswer,
  WriteCall,
} from './disk-protocol.ts';
import type { BufferEvents } from './events.ts';
import { AppendOrder } from './append-order.ts';
import { Doubts, type WriteItem } from './doubts.ts';
import type { JournalStore, WriteOutcome } from './journal-store.ts';
import type { WriteRequest } from './pages-touched.ts';
import { groupReadsMax, groupRequestsMax, settleRetriesMax } from './limits.ts';
import { Retries } from './retries.ts';
import type { QueryOutcome } from './rollup/queries.ts';
import type { Moment } from './store-core.ts';

/** Collects what the store reports until the turn's report takes it along. */
export class ObservationLog implements Telemetry {
  #observations: Observation[] = [];

  log(...[level, event, message, fields]: Parameters<Telemetry['log']>): void {
    this.#observations.push({ kind: 'log', level, event, message, fields: fields ?? {} });
  }

  count(...[name, labels, by]: Parameters<Telemetry['count']>): void {
    this.#observations.push({ kind: 'count', name, value: by ?? 1, labels: labels ?? {} });
  }

  gauge(...[name, value, labels]: Parameters<Telemetry['gauge']>): void {
    this.#observations.push({ kind: 'gauge', name, value, labels: labels ?? {} });
  }

  observe(...[name, value, labels]: Parameters<Telemetry['observe']>): void {
    this.#observations.push({ kind: 'observe', name, value, labels: labels ?? {} });
  }

  take(): Observation[] {
    const taken = this.#observations;
    this.#observations = [];
    return taken;
  }
}

type OtherCall = Exclude<DiskRequest, WriteCall>;

export interface Turn {
  readonly report: DiskReport;
  readonly transfer: readonly ArrayBuffer[];
  /** Call again at once: requests wait. */
  readonly again: boolean;
  /** Settlements that met a failing disk wait: call again after this many milliseconds at the latest. */
  readonly retryMillis: number | null;
}

/**
 * What the disk thread does in a turn: everything that wants to write goes into one transaction, then reads are
 * answered. A slice of the queries and one of upkeep follow. Requests that come meanwhile form the next group.
 */
export class DiskService {
  readonly #store: JournalStore;
  readonly #events: BufferEvents;
  readonly #log: ObservationLog;
  readonly #clocks: () => Moment;
  #clockBase: number | null | undefined;
  readonly #doubts: Doubts;
  readonly #order = new AppendOrder();
  readonly #retries = new Retries();
  #writes: WriteItem[] = [];
  #others: OtherCall[] = [];

  constructor(options: {
    store: JournalStore;
    events: BufferEvents;
    log: ObservationLog;
    now: () => Moment;
  }) {
    this.#store = options.store;
    this.#events = options.events;
    this.#log = options.log;
    this.#clocks = options.now;
    this.#doubts = new Doubts((doubt) => this.#store.verdict(doubt));
  }

  /** Requests taken in and not answered. */
  get waiting(): number {
    return this.#writes.length + this.#retries.size + this.#others.length;
  }

  take(request: DiskRequest): void {
    if (request.call === 'append' || request.call === 'settle') this.#writes.push({ request, tries: 0 });
    else this.#others.push(request);
  }

  turn(): Turn {
    const answers: DiskAnswer[] = [];
    const transfer: ArrayBuffer[] = [];
    let grown: readonly string[] = [];
    if (this.#others[0]?.call !== 'open') {
      const group = this.#nextGroup();
      if (group.length > 0) grown = this.#commit(group, answers);
    }
    for (let i = 0; i < groupReadsMax; i++) {
      const request = this.#others.shift();
      if (request === undefined) break;
      if (request.call === 'close' && !this.#mayClose(answers)) {
        this.#others.unshift(request);
        break;
      }
      this.#answer(request, answers, transfer);
    }
    return {
      report: { answers, grown, observations: this.#log.take() },
      transfer,
      again: this.#writes.length > 0 || this.#others.length > 0,
      retryMillis: this.#retries.pauseMillis(this.#clocks().monotonicMillis),
    };
  }

  /**
   * A slice of the work that can wait, for when the answers of the turn are on their way: of the queries, and of upkeep; under a flood as
   * many of upkeep as bring the journal back to its share. `again`: there may be more.
   */
  upkeep(): { readonly report: DiskReport; readonly again: boolean } {
    const { queries } = this.#store;
    const answers = queries.slice(() => this.#now()).map(toQueryAnswer);
    let again = false;
    if (this.#store.isOpen) {
      again = this.#store.maintain(this.#now());
      for (let slices = 0; again && this.#store.pressing && slices < pressingSlicesMax; slices++) {
        again = this.#store.maintain(this.#now());
      }
    }
    return { report: { answers, grown: [], observations: this.#log.take() }, again: again || queries.active };
  }

  /** Bounded by requests and by what the log has room for. What is tried again goes without appends: it may have the reserve then. */
  #nextGroup(): WriteItem[] {
    const closing = this.#others[0]?.call === 'close';
    this.#writes.unshift(
      ...(closing ? this.#retries.all() : this.#retries.due(this.#clocks().monotonicMillis)),
    );
    const again = (this.#writes[0]?.tries ?? 0) > 0;
    const limit = this.#store.groupBytesMax;
    let bytes = 0;
    let length = 0;
    for (const { request, tries } of this.#writes) {
      if (tries > 0 !== again) break;
      const more = this.#store.weightOf(toWrite(request));
      if (length === groupRequestsMax || (length > 0 && bytes + more > limit)) break;
      bytes += more;
      length++;
    }
    return this.#writes.splice(0, length);
  }

  /** Answers the streams that grew. */
  #commit(asked: WriteItem[], answers: DiskAnswer[]): readonly string[] {
    if (!this.#store.isOpen) {
      for (const { request } of asked) {
        answers.push({ id: request.id, ok: false, code: null, message: 'the store is not open' });
      }
      return [];
    }
    // What was committed before, as it turns out, is not committed again.
    const settled = this.#doubts.settle(asked);
    const waiting = this.#conclude(settled.decided, answers);
    const rest = this.#order.admit(settled.rest, answers);
    const { grown, again } =
      rest.length > 0 ? this.#commitGroup([...rest], answers) : { grown: [], again: [] };
    // Settlements wait for a disk that works again; appends are told, so that pressure goes upstream.
    this.#retries.hold([...waiting, ...again], this.#clocks().monotonicMillis);
    return [...settled.grown, ...grown];
  }

  #commitGroup(group: WriteItem[], answers: DiskAnswer[]): { grown: readonly string[]; again: WriteItem[] } {
    const started = this.#now();
    const { outcomes, grown, doubtful } = this.#store.commit(
      group.map(({ request }) => toWrite(request)),
      started,
    );
    if (doubtful !== null) this.#doubts.remember(group, outcomes, doubtful);
    this.#events.committed({
      requests: group.length,
      readings: readingsOf(group),
      bytes: group.reduce(
        (sum, { request }) => sum + (request.call === 'append' ? bytesOf(request.ask) : 0),
        0,
      ),
      seconds: (this.#now().monotonicMillis - started.monotonicMillis) / 1000,
    });
    const decided = group.map((item, i) => {
      const outcome = outcomes[i];
      assert(outcome !== undefined, 'an outcome for each request');
      return { item, outcome };
    });
    return { grown, again: this.#conclude(decided, answers) };
  }

  /** Answers what has its outcome; returns what is to be tried again. */
  #conclude(
    decided: readonly { readonly item: WriteItem; readonly outcome: WriteOutcome }[],
    answers: DiskAnswer[],
  ): WriteItem[] {
    const again: WriteItem[] = [];
    for (const { item, outcome } of decided) {
      this.#order.decided(item.request, outcome);
      const answer = toAnswer(item.request, outcome);
      if (answer !== null) answers.push(answer);
      else if (item.tries < settleRetriesMax) again.push({ ...item, tries: item.tries + 1 });
      else answers.push({ id: item.request.id, ok: false, code: null, message: 'the disk keeps failing' });
    }
    return again;
  }

  #answer(request: OtherCall, answers: DiskAnswer[], transfer: ArrayBuffer[]): void {
    try {
      if (request.call === 'query') {
        this.#store.queries.begin(request.id, request.ask, this.#now());
        return;
      }
      if (request.call === 'close') answers.push(...this.#store.queries.abandon().map(toQueryAnswer));
      const answer = this.#carryOut(request, transfer);
      answers.push({ id: request.id, ok: true, answer });
    } catch (error) {
      const known = error instanceof SedgeError || error instanceof DiskError;
      if (!known) throw error;
      answers.push(toFailure(request.id, error));
    }
  }

  #carryOut(request: Exclude<OtherCall, { call: 'query' }>, transfer: ArrayBuffer[]): unknown {
    const store = this.#store;
    switch (request.call) {
      case 'open':
        store.open(request.ask);
        return this.#terms();
      case 'configure':
        store.configure(request.ask);
        return this.#terms();
      case 'read': {
        const run = store.read(request.ask);
        if (run === null) return null;
        const row = encodeJournalRow(run.batch);
        transfer.push(row.buffer);
        const { stream: _, batch: __, ...told } = run;
        return { ...told, row } satisfies ReadAnswer;
      }
      case 'backlog':
        return store.backlog(request.ask);
      case 'marks':
        return store.marks(request.ask);
      case 'states':
        return store.pipelineStates();
      case 'ledger':
        return store.ledger();
      case 'stats':
        return store.stats();
      case 'blocks':
        return store.blocks(request.ask.stream, request.ask);
      case 'windows':
        return store.windows(request.ask);
      case 'purge':
        return store.purge(request.ask);
      case 'fsck':
        return store.fsck(request.ask);
      case 'clock':
        return this.#setClock(request.ask);
      case 'close':
        store.close();
        return null;
      default:
        return unreachable(request, 'disk request');
    }
  }

  #terms(): OpenAnswer {
    const { epoch, appendBytesMax, clockTerms } = this.#store;
    return { epoch, appendBytesMax, clock: clockTerms };
  }

  #setClock({ base, trueBase }: ClockNotice): number {
    this.#clockBase = base;
    return trueBase === null ? 0 : this.#store.setClock({ trueBase, trusted: base === null });
  }

  /** While nobody has set the wall clock, it is counted from the monotonic one, as the agent does. */
  #now(): Moment {
    const { wallMicros, monotonicMillis } = this.#clocks();
    const base = this.#clockBase;
    if (base === undefined) return { wallMicros, monotonicMillis };
    if (base === null) return { wallMicros, monotonicMillis, clockBase: null };
    return { wallMicros: base + Math.round(monotonicMillis * 1_000), monotonicMillis, clockBase: base };
  }

  /** What was asked before is answered first; a settlement that met a failing disk is tried once more, and not waited for. */
  #mayClose(answers: DiskAnswer[]): boolean {
    if (this.#writes.length > 0 && this.#retries.size === 0) return false;
    for (const { request } of [...this.#retries.all(), ...this.#writes.splice(0)]) {
      answers.push({ id: request.id, ok: false, code: null, message: 'the store is closed' });
    }
    return true;
  }
}

/** Sealing slices between two commits while the journal is too big. */
const pressingSlicesMax = 4;

function toWrite(request: WriteCall): WriteRequest {
  return request.call === 'append'
    ? { kind: 'append', entries: request.ask, urgent: request.urgent === true }
    : { kind: 'settle', settlement: request.ask };
}

function readingsOf(group: readonly { request: WriteCall }[]): number {
  let readings = 0;
  for (const { request } of group) {
    if (request.call !== 'append') continue;
    for (const entry of request.ask) for (const row of entry.rows) readings += row.count;
  }
  return readings;
}

/** Null when the request should be tried again. */
function toAnswer(request: WriteCall, outcome: WriteOutcome): DiskAnswer | null {
  const { id, call } = request;
  if (outcome.ok) return { id, ok: true, answer: call === 'append' ? outcome : null };
  if (outcome.trouble === 'misuse') {
    return { id, ok: false, code: 'SEDGE_DATA_INVALID', message: outcome.message };
  }
  return call === 'append' ? { id, ok: true, answer: outcome } : null;
}

function toQueryAnswer(outcome: QueryOutcome): DiskAnswer {
  if ('error' in outcome) return toFailure(outcome.id, outcome.error);
  return { id: outcome.id, ok: true, answer: outcome.answer };
}

function toFailure(id: number, error: SedgeError | DiskError): DiskAnswer {
  const code = error instanceof SedgeError ? error.code : codeOf(error);
  const hint = error instanceof SedgeError ? { hint: error.hint } : {};
  return { id, ok: false, code, message: messageOf(error), ...hint };
}

function codeOf(error: DiskError): string | null {
  if (error.trouble === 'corrupt') return 'SEDGE_DATA_CORRUPT';
  return error.trouble === 'busy' ? 'SEDGE_DATA_LOCKED' : null;
}
