import type { Micros } from '../base/units.ts';
import type { Tags } from '../reading/batch.ts';
import type { DeliveryMark, JournalEntry } from '../reading/journal-entry.ts';
import type { Store } from '../ports/store.ts';
import type { Arrival, DeadLetters, Parting, Router, StreamPlan } from './arrival.ts';
import type { AnyInlet } from './inlet.ts';
import { decodeInto, decodeWeighed, emptyLane, finishLane, oversizeRule, type Lane } from './lane.ts';
import { entryOf, StageOutputs } from './stage-outputs.ts';

/** What one append stores, and the arrivals that settle by it. */
export interface Group {
  readonly entries: readonly JournalEntry[];
  /**
   * What stages derived for urgent streams, an alarm among others: stored before `entries`, in an append of its own, so that a buffer
   * that is full for those still takes it. Nothing is acknowledged before both are committed.
   */
  readonly apart: readonly JournalEntry[];
  /** In the order of the offers, per inlet. */
  readonly parcels: ReadonlyMap<AnyInlet, readonly Arrival[]>;
  readonly tally: Tally;
}

/** By which clock a group is made. */
export interface GroupMoment {
  readonly wallMicros: Micros;
  /** See `JournalEntry.clockBase`. */
  readonly clockBase: number | null;
}

/** Counts of one group, reported when it commits. */
export interface Tally {
  arrivals: number;
  bytes: number;
  readings: number;
  duplicates: number;
  unrouted: number;
  /** Messages, by source; marks alone are none. */
  readonly bySource: Map<string, number>;
  /** By reason. */
  readonly undecodable: Map<string, number>;
  /** Readings whose device's clock is far from ours, by stream. */
  readonly astray: Map<string, AstrayTimes>;
}

/** Far ahead of, and far behind, a clock that is trusted. */
export interface AstrayTimes {
  ahead: number;
  behind: number;
}

const noTags: Tags = {};
/** The account of messages no stream takes; it stands under the stream of the dead letters, as they have none of their own. */
export const unroutedRule = 'unrouted';
/** Messages no stream takes. */
export interface Unrouted {
  readonly messages: number;
  /** Of the last one. */
  readonly topic: string;
  readonly source: string;
}

/** Turns arrivals into journal entries: routes, decodes, preprocesses. Keeps each stream's stages, and no arrivals. */
export class GroupMaker {
  readonly #router: Router;
  readonly #deadLetters: DeadLetters;
  readonly #lanes: ReadonlyMap<string, Lane>;
  /** Entries that carry nothing but marks need some stream's name. */
  readonly #markStream: string | null;
  readonly #hasUrgent: boolean;
  readonly #urgentStreams: ReadonlySet<string>;
  readonly #hearing: readonly StreamPlan[];
  readonly #store: Pick<Store, 'appendBytesMax' | 'unstorable'>;
  #unrouted: Unrouted | null = null;

  constructor(options: {
    router: Router;
    deadLetters: DeadLetters;
    plans: readonly StreamPlan[];
    store: Pick<Store, 'appendBytesMax' | 'unstorable'>;
    /** Streams that are fed by stages only and stored apart. */
    urgentStreams?: ReadonlySet<string>;
  }) {
    this.#urgentStreams = options.urgentStreams ?? new Set();
    this.#store = options.store;
    this.#router = options.router;
    this.#deadLetters = options.deadLetters;
    this.#lanes = new Map(options.plans.map((plan) => [plan.name, emptyLane(plan)]));
    this.#markStream = options.plans[0]?.name ?? null;
    this.#hearing = options.plans.filter(({ preprocess }) => preprocess.hears === true);
    this.#hasUrgent = options.plans.some(({ urgent }) => urgent === true);
  }

  /** Whether any stream is stored apart from the others. */
  get hasUrgent(): boolean {
    return this.#hasUrgent;
  }

  /** Whether all streams that take this message are stored apart from the others. One that is delivered again holds its successors up as the first did. */
  isUrgent(arrival: Arrival, source: string): boolean {
    if (!this.#hasUrgent || arrival.kind === 'mark') return false;
    if (arrival.stream !== null) return this.#lanes.get(arrival.stream)?.plan.urgent === true;
    const routes = this.#router.routes(source, arrival.topic);
    return routes.length > 0 && routes.every(({ stream }) => this.#lanes.get(stream)?.plan.urgent === true);
  }

  make(parcels: ReadonlyMap<AnyInlet, readonly Arrival[]>, now: GroupMoment): Group {
    const tally = emptyTally();
    const marks: DeliveryMark[] = [];
    for (const [inlet, arrivals] of parcels) {
      const before = tally.arrivals;
      for (const arrival of arrivals) {
        this.#take(arrival, inlet.source, tally);
        if (arrival.mark !== null && keepsMark(arrival, arrival.mark)) marks.push(arrival.mark);
      }
      const messages = (tally.bySource.get(inlet.source) ?? 0) + tally.arrivals - before;
      if (messages > 0) tally.bySource.set(inlet.source, messages);
    }
    const outputs = this.#outputs(now);
    for (const lane of this.#lanes.values()) {
      const decoded = finishLane(lane, { now, outputs, tally });
      if (decoded === null) continue;
      tally.readings += decoded;
      this.#pushStates(outputs);
    }
    const { entries, apart } = outputs;
    const letters = this.#deadLetters.take();
    const { unrouted } = tally;
    if (letters !== null || unrouted > 0) {
      const filtered = unrouted > 0 ? [{ rule: unroutedRule, count: unrouted }] : [];
      const received = (letters?.length ?? 0) + unrouted;
      entries.push(entryOf(this.#deadLetters.stream, letters, received, filtered));
    }
    return {
      entries: this.#withMarks(counted(entries, now), marks),
      apart: counted(apart, now),
      parcels,
      tally,
    };
  }

  /** Since this maker began: with these streams. */
  get unrouted(): Unrouted | null {
    return this.#unrouted;
  }

  /** What is due by now although nothing arrived. */
  tick(now: GroupMoment): Pick<Group, 'entries' | 'apart'> {
    const outputs = this.#outputs(now);
    for (const { plan } of this.#lanes.values()) {
      const processed = plan.preprocess.tick?.(now.wallMicros);
      if (processed === undefined) continue;
      outputs.push(plan, processed, { received: 0, filtered: [] });
      this.#pushStates(outputs);
    }
    return { entries: counted(outputs.entries, now), apart: counted(outputs.apart, now) };
  }

  /** Of stages that are gone: what they gave out and, in the same append, the state of those that are there now. */
  part(partings: readonly Parting[], now: GroupMoment): Pick<Group, 'entries' | 'apart'> {
    const outputs = this.#outputs(now);
    for (const { stream, processed, state } of partings) {
      outputs.pushParting(stream, processed);
      this.#pushStates(outputs);
      if (state !== null) outputs.entries.push({ ...entryOf(stream, null, 0, []), state });
    }
    return { entries: counted(outputs.entries, now), apart: counted(outputs.apart, now) };
  }

  #outputs({ wallMicros }: GroupMoment): StageOutputs {
    return new StageOutputs({
      planOf: (stream) => this.#lanes.get(stream)?.plan,
      isApart: (stream) => this.#lanes.get(stream)?.plan.urgent ?? this.#urgentStreams.has(stream),
      nowMicros: wallMicros,
    });
  }

  /** What the state of one stream may take in an append. */
  get #stateBytesMax(): number {
    return Math.floor(this.#store.appendBytesMax / 4);
  }

  /** All that stages remember, for a clean stop. */
  states(): readonly JournalEntry[] {
    return [...this.#lanes.values()].flatMap(({ plan }) => {
      const state = plan.preprocess.whole?.(this.#stateBytesMax) ?? null;
      return state === null ? [] : [{ ...entryOf(plan.name, null, 0, []), state }];
    });
  }

  /** Entries of their own: behind all that the stages gave out, and stored with it; of stages too that heard of it. */
  #pushStates(outputs: StageOutputs): void {
    for (const { name, preprocess } of [...outputs.takeProcessed(), ...this.#hearing]) {
      const state = preprocess.changes?.(this.#stateBytesMax) ?? null;
      if (state !== null) outputs.entries.push({ ...entryOf(name, null, 0, []), state });
    }
  }

  #take(arrival: Arrival, source: string, tally: Tally): void {
    if (arrival.kind === 'mark') return;
    tally.arrivals++;
    tally.bytes += arrival.payload.length;
    if (arrival.kind === 'duplicate') {
      tally.duplicates++;
      arrival.verdict = 'duplicate';
      return;
    }
    let taken = false;
    arrival.verdict = 'stored';
    arrival.ownTime = true;
    if (arrival.stream !== null) taken = this.#decode(arrival, source, arrival.stream, noTags, tally);
    else {
      for (const route of this.#router.routes(source, arrival.topic)) {
        taken = this.#decode(arrival, source, route.stream, route.tags, tally) || taken;
      }
    }
    if (!taken) this.#unroute(arrival, source, tally);
  }

  #unroute(arrival: Arrival, source: string, tally: Tally): void {
    arrival.ownTime = false;
    arrival.verdict = 'unrouted';
    tally.unrouted++;
    const { topic, payload, arrivalMicros } = arrival;
    this.#unrouted = { messages: (this.#unrouted?.messages ?? 0) + 1, topic, source };
    const detail = `no stream of source ${source} takes this topic`;
    this.#deadLetters.offer({
      topic,
      payload,
      reason: unroutedRule,
      detail,
      source,
      stream: '',
      arrivalMicros,
    });
  }

  /** False when there is no such stream. */
  #decode(arrival: Arrival, source: string, stream: string, tags: Tags, tally: Tally): boolean {
    const lane = this.#lanes.get(stream);
    if (lane === undefined) return false;
    const { format } = arrival;
    const { decoder: own, decoderOf } = lane.plan;
    const decoder = format === null ? own : (decoderOf?.(format) ?? own);
    const input = {
      topic: arrival.topic,
      payload: arrival.payload,
      tags,
      arrivalMicros: arrival.arrivalMicros,
    };
    const outcome =
      arrival.refusable === true
        ? decodeWeighed(lane, decoder, input, this.#store)
        : decodeInto(lane, decoder, input);
    if (outcome.ok) {
      arrival.ownTime &&= outcome.ownTime;
      return true;
    }
    arrival.ownTime = false;
    if (outcome.reason === oversizeRule) {
      lane.oversize++;
      arrival.verdict = 'oversize';
    } else {
      lane.undecodable++;
      arrival.verdict = 'undecodable';
    }
    arrival.detail = outcome.detail;
    tally.undecodable.set(outcome.reason, (tally.undecodable.get(outcome.reason) ?? 0) + 1);
    this.#deadLetters.offer({
      topic: arrival.topic,
      payload: arrival.payload,
      reason: outcome.reason,
      detail: outcome.detail,
      source,
      stream: lane.plan.name,
      arrivalMicros: arrival.arrivalMicros,
    });
    return true;
  }

  #withMarks(entries: JournalEntry[], marks: readonly DeliveryMark[]): readonly JournalEntry[] {
    if (marks.length === 0) return entries;
    const first = entries[0];
    if (first !== undefined) entries[0] = { ...first, marks };
    else if (this.#markStream !== null)
      entries.push({ stream: this.#markStream, batch: null, received: 0, filtered: [], marks });
    return entries;
  }
}

function keepsMark(arrival: Arrival, mark: DeliveryMark): boolean {
  return arrival.kind !== 'message' || mark.state === 'seen' || arrival.ownTime;
}

/** Says of times the agent gave what they were counted from. */
function counted(entries: JournalEntry[], { clockBase }: GroupMoment): JournalEntry[] {
  if (clockBase === null) return entries;
  return entries.map((entry) => (entry.batch?.clock === 'agent' ? { ...entry, clockBase } : entry));
}

/** For what nobody waits for. */
export function emptyGroup(entries: Group['entries']): Group {
  return { entries, apart: [], parcels: new Map(), tally: emptyTally() };
}

const emptyTally = (): Tally => ({
  arrivals: 0,
  bytes: 0,
  readings: 0,
  duplicates: 0,
  unrouted: 0,
  bySource: new Map(),
  undecodable: new Map(),
  astray: new Map(),
});
