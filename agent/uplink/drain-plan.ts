import { assert, unreachable } from '../base/assert.ts';
import type { Millis } from '../base/units.ts';
import type { StreamBacklog } from '../ports/store.ts';
import { uplinkLimits } from './limits.ts';
import { type OffsetRange, firstHole, withRange } from './ranges.ts';
import { progressOf, waitingOf, type StreamProgress } from './stream-progress.ts';

/** `live_first`: what came since the link is up, then the backlog oldest first. `oldest_first`: from the base upward. */
export type DrainOrder = 'live_first' | 'oldest_first';

/** One batch under way: offsets `first` … `until - 1` of a stream, nobody else's until it is taken. */
export interface PlannedRange {
  /** Unique within the plan. */
  readonly id: number;
  readonly stream: string;
  readonly first: number;
  readonly until: number;
  /** Sends that ended in “later”. */
  readonly attempts: number;
  /** The range was read before: a retry must cover exactly these offsets, so that its idempotency key is the same. */
  readonly pinned: boolean;
}

export type PlanEvent =
  /** Where the store stands. Accounts only grow, so an answer overtaken by settlements does no harm. */
  | { readonly kind: 'backlog'; readonly streams: readonly StreamBacklog[] }
  /** The link came up: what arrives from now on is live. */
  | { readonly kind: 'up' }
  /** `slots` batches may be sent now. The only event that has effects. */
  | { readonly kind: 'ask'; readonly slots: number }
  /** The store gave `first` … `until - 1` of the range; what lies before `first` is no longer stored. */
  | { readonly kind: 'narrowed'; readonly id: number; readonly first: number; readonly until: number }
  /** Nothing of the range is stored any more. */
  | { readonly kind: 'vanished'; readonly id: number }
  /** The range is settled in the store. */
  | { readonly kind: 'settled'; readonly id: number }
  /** Send the same range again, not before `notBefore`. `failed` when a send was tried and counts as an attempt. */
  | { readonly kind: 'later'; readonly id: number; readonly notBefore: Millis; readonly failed: boolean }
  /** The batch is too big for the receiver: its first `readings` are sent alone, the rest is planned anew in smaller batches. */
  | { readonly kind: 'split'; readonly id: number; readonly readings: number };

interface OpenRange extends PlannedRange {
  first: number;
  until: number;
  attempts: number;
  pinned: boolean;
  /** Null while it is in flight. */
  notBefore: Millis | null;
}

/** What a stream would send next of its live readings and of its backlog. */
interface Candidates {
  readonly live: OffsetRange | null;
  readonly backlog: OffsetRange | null;
}

interface StreamPlan {
  readonly stream: string;
  priority: number;
  base: number;
  head: number;
  /** Offsets at or above this arrived while the link was up. */
  liveFrom: number;
  /** Settled or no longer stored, at or above `base`. Invariant: `covered.length + detached(open) <= settledRangesMax`. */
  covered: readonly OffsetRange[];
  open: OpenRange[];
  /** Batch size is `batchReadings / 2^halvings`. */
  halvings: number;
  /** Batches settled since the last change of `halvings`. */
  takenInRow: number;
  /** Virtual time of the stride scheduler: readings sent / weight. */
  pass: number;
  /** Undefined when they must be computed anew. */
  candidates: Candidates | undefined;
  /** As the store said last, and of how many readings it said so. */
  bytes: number;
  bytesOf: number;
  oldestMicros: number | null;
}

/**
 * Decides which readings leave next. Shares between streams follow stride scheduling with weight 2^priority (Waldspurger and
 * Weihl, 1995), so a high priority goes first and a low one never starves. Ranges end at multiples of the batch size,
 * so that a restarted agent mostly repeats the ranges, and thereby the idempotency keys, of the run before.
 */
export class DrainPlan {
  readonly #order: DrainOrder;
  readonly #batchReadings: number;
  readonly #streams = new Map<string, StreamPlan>();
  readonly #open = new Map<number, OpenRange>();
  #nextId = 1;
  #livePicks = 0;
  #informed = false;
  /** Pass of the stream picked last: where a stream that had nothing to send joins in. */
  #pass = 0;

  constructor(options: { order: DrainOrder; batchReadings: number }) {
    assert(
      Number.isInteger(options.batchReadings) &&
        options.batchReadings > 0 &&
        options.batchReadings <= uplinkLimits.batchReadingsMax,
      'batch size within its limits',
    );
    this.#order = options.order;
    this.#batchReadings = options.batchReadings;
  }

  step(event: PlanEvent, now: Millis): readonly PlannedRange[] {
    switch (event.kind) {
      case 'backlog':
        this.#backlog(event.streams);
        return [];
      case 'up':
        for (const plan of this.#streams.values()) {
          plan.liveFrom = plan.head;
          plan.candidates = undefined;
        }
        return [];
      case 'ask':
        return this.#ask(event.slots, now);
      case 'narrowed':
        this.#narrowed(event);
        return [];
      case 'vanished':
      case 'settled':
        this.#close(event.id, event.kind === 'settled');
        return [];
      case 'later': {
        const range = this.#openRange(event.id);
        if (event.failed) range.attempts++;
        range.notBefore = event.notBefore;
        return [];
      }
      case 'split':
        this.#split(event.id, event.readings, now);
        return [];
      default:
        return unreachable(event, 'DrainPlan.step');
    }
  }

  /** When a range waiting for its retry may go; null when none waits. */
  nextDeadline(): Millis | null {
    let earliest: Millis | null = null;
    for (const range of this.#open.values()) {
      if (range.notBefore !== null && (earliest === null || range.notBefore < earliest))
        earliest = range.notBefore;
    }
    return earliest;
  }

  inspect(): readonly StreamProgress[] {
    return Array.from(this.#streams.values(), (plan) => progressOf(plan));
  }

  /** Settled ranges per stream and ranges under way, for tests of the invariants. */
  ranges(stream: string): { covered: readonly OffsetRange[]; open: readonly PlannedRange[] } {
    const plan = this.#streams.get(stream);
    return { covered: plan?.covered ?? [], open: plan?.open ?? [] };
  }

  #backlog(streams: readonly StreamBacklog[]): void {
    const named = new Set<string>();
    for (const row of streams) {
      named.add(row.stream);
      const plan = this.#streams.get(row.stream) ?? this.#addStream(row);
      plan.priority = Math.min(Math.max(row.priority, 0), uplinkLimits.priorityMax);
      plan.bytes = row.bytes;
      plan.oldestMicros = row.oldestMicros;
      plan.head = Math.max(plan.head, row.head);
      let covered = plan.covered;
      for (const range of row.settled) covered = withRange(covered, range);
      plan.covered = covered;
      this.#advanceBase(plan, row.base);
      plan.bytesOf = waitingOf(plan);
      plan.candidates = undefined;
    }
    this.#informed = true;
    for (const plan of this.#streams.values()) {
      if (!named.has(plan.stream) && plan.open.length === 0) this.#streams.delete(plan.stream);
    }
  }

  #addStream(row: StreamBacklog): StreamPlan {
    const plan: StreamPlan = {
      stream: row.stream,
      priority: row.priority,
      base: row.base,
      head: row.head,
      // A stream born while we watch is live from its first reading.
      liveFrom: this.#informed ? row.base : row.head,
      covered: [],
      open: [],
      halvings: 0,
      takenInRow: 0,
      pass: this.#pass,
      candidates: undefined,
      bytes: row.bytes,
      bytesOf: 0,
      oldestMicros: row.oldestMicros,
    };
    this.#streams.set(row.stream, plan);
    return plan;
  }

  #ask(slots: number, now: Millis): readonly PlannedRange[] {
    const picked: PlannedRange[] = [];
    while (picked.length < slots) {
      const range = this.#dueRetry(now) ?? this.#fresh();
      if (range === null) break;
      picked.push({ ...range });
    }
    return picked;
  }

  /** Retries go before fresh ranges: they hold a settled range apart and are the oldest promise to the receiver. */
  #dueRetry(now: Millis): OpenRange | null {
    let due: OpenRange | null = null;
    for (const range of this.#open.values()) {
      if (range.notBefore === null || range.notBefore > now) continue;
      if (due === null || this.#goesBefore(range, due)) due = range;
    }
    if (due !== null) due.notBefore = null;
    return due;
  }

  #goesBefore(range: OpenRange, other: OpenRange): boolean {
    const difference = this.#plan(range.stream).priority - this.#plan(other.stream).priority;
    return difference > 0 || (difference === 0 && range.first < other.first);
  }

  #fresh(): OpenRange | null {
    let live: StreamPlan | null = null;
    let backlog: StreamPlan | null = null;
    for (const plan of this.#streams.values()) {
      plan.candidates ??= this.#candidates(plan);
      if (plan.candidates.live !== null && (live === null || comesBefore(plan, live))) live = plan;
      if (plan.candidates.backlog !== null && (backlog === null || comesBefore(plan, backlog)))
        backlog = plan;
    }
    const liveTurn = backlog === null || this.#livePicks < uplinkLimits.livePicksInRow;
    if (live !== null && liveTurn) {
      this.#livePicks++;
      return this.#openFresh(live, live.candidates?.live);
    }
    this.#livePicks = 0;
    return backlog === null ? null : this.#openFresh(backlog, backlog.candidates?.backlog);
  }

  #openFresh(plan: StreamPlan, candidate: OffsetRange | null | undefined): OpenRange {
    assert(candidate !== null && candidate !== undefined, 'a picked stream has a candidate');
    const [first, until] = candidate;
    const range: OpenRange = {
      id: this.#nextId++,
      stream: plan.stream,
      first,
      until,
      attempts: 0,
      pinned: false,
      notBefore: null,
    };
    this.#open.set(range.id, range);
    plan.open.push(range);
    plan.candidates = undefined;
    // A stream that was idle does not catch up on the share it did not use.
    plan.pass = Math.max(plan.pass, this.#pass);
    this.#pass = plan.pass;
    plan.pass += (until - first) / 2 ** plan.priority;
    return range;
  }

  #candidates(plan: StreamPlan): Candidates {
    let busy = plan.covered;
    for (const range of plan.open) busy = withRange(busy, [range.first, range.until]);
    // Oldest first is a backlog without live readings.
    const liveFrom = this.#order === 'live_first' ? Math.min(plan.liveFrom, plan.head) : plan.head;
    const live = firstHole(busy, { from: Math.max(plan.base, liveFrom), until: plan.head });
    const backlog = firstHole(busy, { from: plan.base, until: liveFrom });
    return { live: this.#fit(plan, live), backlog: this.#fit(plan, backlog) };
  }

  /** Cuts a hole to one batch; null when it must wait. */
  #fit(plan: StreamPlan, hole: OffsetRange | null): OffsetRange | null {
    if (hole === null) return null;
    const [first, end] = hole;
    const size = this.#batchSize(plan);
    const until = Math.min(end, (Math.floor(first / size) + 1) * size);
    const inFlight = plan.open.some((range) => range.notBefore === null);
    // A short batch at the head waits for the one in flight, and so grows meanwhile: one reading a request would waste the link.
    if (until === plan.head && until - first < size && inFlight) return null;
    if (attached(plan, first)) return [first, until];
    // Without room for one more settled range only what joins its left neighbour may go: at least the lowest hole does.
    const detached = plan.open.filter((range) => !attached(plan, range.first)).length;
    if (plan.covered.length + detached >= uplinkLimits.settledRangesMax) return null;
    return [first, until];
  }

  #narrowed(event: { id: number; first: number; until: number }): void {
    const range = this.#openRange(event.id);
    assert(
      event.first >= range.first && event.first < event.until && event.until <= range.until,
      'a narrowed range lies within the planned one',
    );
    const plan = this.#plan(range.stream);
    if (event.first > range.first) plan.covered = withRange(plan.covered, [range.first, event.first]);
    range.first = event.first;
    range.until = event.until;
    range.pinned = true;
    this.#advanceBase(plan, plan.base);
    plan.candidates = undefined;
  }

  #close(id: number, taken: boolean): void {
    const range = this.#openRange(id);
    const plan = this.#plan(range.stream);
    this.#open.delete(id);
    plan.open = plan.open.filter((other) => other !== range);
    plan.covered = withRange(plan.covered, [range.first, range.until]);
    this.#advanceBase(plan, plan.base);
    plan.candidates = undefined;
    if (!taken || plan.halvings === 0) return;
    plan.takenInRow++;
    if (plan.takenInRow < uplinkLimits.takenBeforeDoubling) return;
    plan.takenInRow = 0;
    plan.halvings--;
  }

  #split(id: number, readings: number, now: Millis): void {
    const range = this.#openRange(id);
    assert(readings > 0 && readings < range.until - range.first, 'a split leaves readings on both sides');
    const plan = this.#plan(range.stream);
    range.until = range.first + readings;
    range.pinned = true;
    range.notBefore = now;
    while (this.#batchSize(plan) > readings && plan.halvings < uplinkLimits.halvingsMax) plan.halvings++;
    plan.takenInRow = 0;
    plan.candidates = undefined;
  }

  #batchSize(plan: StreamPlan): number {
    return Math.max(1, Math.floor(this.#batchReadings / 2 ** plan.halvings));
  }

  #advanceBase(plan: StreamPlan, base: number): void {
    let reached = Math.max(plan.base, base);
    let covered = plan.covered.filter((range) => range[1] > reached);
    const lowest = covered[0];
    if (lowest !== undefined && lowest[0] <= reached) {
      reached = lowest[1];
      covered = covered.slice(1);
    }
    plan.base = reached;
    plan.head = Math.max(plan.head, reached);
    plan.covered = covered;
  }

  #openRange(id: number): OpenRange {
    const range = this.#open.get(id);
    assert(range !== undefined, `range ${id} is open`);
    return range;
  }

  #plan(stream: string): StreamPlan {
    const plan = this.#streams.get(stream);
    assert(plan !== undefined, `stream ${stream} is planned`);
    return plan;
  }
}

/** Settling a range that starts where settled ones end adds no settled range of its own. */
function attached(plan: StreamPlan, first: number): boolean {
  return first <= plan.base || plan.covered.some((range) => range[1] === first);
}

function comesBefore(plan: StreamPlan, other: StreamPlan): boolean {
  return plan.pass < other.pass || (plan.pass === other.pass && plan.priority > other.priority);
}
