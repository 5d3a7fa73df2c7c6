import { assert, Bug } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { millis, type Micros } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { AppendOutcome, Store } from '../ports/store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { Arrival, DeadLetters, InletPeer, Parting, StreamSet } from './arrival.ts';
import { BodyCredit } from './body-credit.ts';
import { appendRecovered, appendRefused, groupCommitted, intakeThrottled } from './events.ts';
import { emptyGroup, GroupMaker, type Group, type GroupMoment, type Unrouted } from './group.ts';
import { GroupPace } from './group-pace.ts';
import { Inlet, type AnyInlet, type InletOptions } from './inlet.ts';
import { limits } from './limits.ts';
import { ReadyInlets } from './ready-inlets.ts';
import { Waits } from './waits.ts';

/** The clock arrivals were stamped by. */
export interface ArrivalClock extends Clock {
  /** What it counts from while nobody has set the host's clock; null or absent: it is trusted. */
  readonly baseMicros?: number | null;
}

export interface IntakeDependencies extends StreamSet {
  readonly store: Pick<Store, 'append' | 'appendBytesMax' | 'unstorable'>;
  readonly deadLetters: DeadLetters;
  readonly clock: ArrivalClock;
  readonly telemetry: Telemetry;
  /** Runs `turn` soon, after pending I/O had its turn (`setImmediate`). */
  readonly defer: (turn: () => void) => void;
}

/** Where the intake stands, for status, health and the watchdog. */
export interface IntakeState {
  /** Unsettled bytes over all inlets, with overhead. */
  readonly bytes: number;
  readonly waiting: number;
  readonly appendsInFlight: number;
  /** Groups committed since the start: grows while there is work, or the intake is stuck. */
  readonly committed: number;
  /** Since the streams were configured last. */
  readonly unrouted: Unrouted | null;
  /** What the store last answered, while it refuses. */
  readonly trouble: { readonly trouble: 'full' | 'io'; readonly message: string } | null;
}

interface Append {
  readonly group: Group;
  /** Of urgent streams only: settles as soon as it is committed, as far as each inlet's order allows. */
  readonly urgent: boolean;
  readonly startedMs: number;
  state: 'running' | 'refused' | 'committed';
}

/**
 * The engine between sources and store. Arrivals are enqueued by their inlets, gathered in turns into groups, decoded,
 * preprocessed and appended; what one append holds settles together, in order, after its commit. While the disk syncs, arrivals gather
 * ({@link GroupPace}), so groups grow with the load; up to `limits.appendsInFlight` appends run at once.
 *
 * A refused append keeps its group, is tried again in order, and holds everything behind it: nothing is dropped or
 * acknowledged meanwhile, and the bytes in flight pause the sources. Only what is urgent goes on, in appends of its own, as far as a
 * source's credit brings it: the store keeps room for it when it is full for the others. Invariant: the sum of the inlets' bytes
 * is `bytes`.
 */
export class Intake {
  /** Held by request bodies before they are offered. */
  readonly bodies: BodyCredit;
  readonly #store: IntakeDependencies['store'];
  readonly #clock: ArrivalClock;
  readonly #telemetry: Telemetry;
  readonly #defer: (turn: () => void) => void;
  readonly #deadLetters: DeadLetters;
  #maker: GroupMaker;
  /** Open inlets, and closed ones with credit still out. */
  readonly #inlets = new Set<AnyInlet>();
  readonly #paused = new Set<AnyInlet>();
  readonly #ready = new ReadyInlets();
  readonly #pace: GroupPace;
  /** In the order of the appends; the head settles first. */
  #appends: Append[] = [];
  #bytes = 0;
  #scheduled = false;
  #settling = false;
  #throttled = false;
  #committed = 0;
  #trouble: Extract<AppendOutcome, { ok: false }> | null = null;
  #retryDelayMs: number = limits.appendRetryMsMin;
  #retryAlarm: Alarm | null = null;
  readonly #drained = new Waits();

  constructor(dependencies: IntakeDependencies) {
    this.#store = dependencies.store;
    this.#clock = dependencies.clock;
    this.#telemetry = dependencies.telemetry;
    this.bodies = new BodyCredit(dependencies.clock);
    this.#defer = dependencies.defer;
    this.#deadLetters = dependencies.deadLetters;
    this.#pace = new GroupPace(dependencies.clock, () => this.#schedule());
    this.#maker = this.#makerOf(dependencies);
  }

  /** A door for one source or one connection of it. Close it when that ends. */
  open<A extends Arrival>(options: InletOptions, peer: InletPeer<A>): Inlet<A> {
    const inlet = new Inlet<A>(options, peer, {
      offered: (one, first) => {
        if (first) this.#ready.add(one);
        this.#schedule();
      },
      charged: (bytes) => this.#charge(bytes),
      paused: (one) => this.#paused.add(one),
      closed: (one) => this.#forget(one),
    });
    inlet.follow(this.#inlets);
    this.#inlets.add(inlet);
    if (this.#throttled) inlet.pause();
    return inlet;
  }

  /** After a reload: arrivals gathered from now on take these streams and routes. Groups under way keep theirs. */
  configure(options: StreamSet): void {
    this.#maker = this.#makerOf(options);
  }

  /** Lets stages give out what is due although nothing arrived. */
  tick(nowMicros: Micros): void {
    if (this.#trouble !== null || this.#appends.length >= limits.appendsInFlight) return;
    this.#appendEntries(this.#maker.tick({ ...this.#now(), wallMicros: nowMicros }));
  }

  /** Stores what stages gave out that were changed or taken out. After `configure`, and whatever the store says now. */
  part(partings: readonly Parting[]): void {
    if (partings.length > 0) this.#appendEntries(this.#maker.part(partings, this.#now()));
  }

  /** The clock was set: arrivals that wait get the times it would have given them. Those under way carry what theirs were counted from. */
  restamp(shiftMicros: number): void {
    if (shiftMicros !== 0) for (const inlet of this.#inlets) inlet.restamp(shiftMicros);
  }

  /** There is room again: a refused append is tried now instead of later. */
  retryNow(): void {
    if (this.#retryAlarm === null) return;
    this.#retryAlarm.cancel();
    this.#retryRefused();
  }

  /**
   * Resolves when everything offered (by one source) is settled, or when the store refuses: then what waits stays unacknowledged.
   * A source that is not held, or others where one is named, may go on offering.
   */
  drain(source?: string): Promise<void> {
    return this.#drained.until(() => this.#isDrained(source));
  }

  /** Stores all that stages remember, once everything is drained. Nothing that counts is lost when the store refuses. */
  async saveStates(): Promise<void> {
    const entries = this.#maker.states();
    // A store that ended has told so itself.
    if (entries.length > 0 && this.#trouble === null) await Promise.allSettled([this.#store.append(entries)]);
  }

  /** Ends retries. What is not settled will not be. Safe to call twice. */
  stop(): void {
    this.#retryAlarm?.cancel();
    this.#pace.stop();
    for (const inlet of this.#inlets) inlet.close();
    this.#inlets.clear();
  }

  inspect(): IntakeState {
    return {
      bytes: this.#bytes,
      waiting: this.#ready.waiting,
      appendsInFlight: this.#appends.length,
      committed: this.#committed,
      trouble: this.#trouble,
      unrouted: this.#maker.unrouted,
    };
  }

  #now(): GroupMoment {
    return { wallMicros: this.#clock.wall(), clockBase: this.#clock.baseMicros ?? null };
  }

  #makerOf(options: StreamSet): GroupMaker {
    return new GroupMaker({ ...options, deadLetters: this.#deadLetters, store: this.#store });
  }

  #isDrained(source: string | undefined): boolean {
    if (this.#trouble !== null) return true;
    if (source === undefined) return this.#ready.isEmpty && this.#appends.length === 0;
    for (const inlet of this.#inlets) if (inlet.source === source && inlet.bytes > 0) return false;
    return true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    this.#ready.acknowledgeReceived();
    if (this.#ready.isEmpty) return;
    if (this.#trouble !== null) {
      if (this.#trouble.trouble === 'full') this.#storeUrgent();
      return;
    }
    if (this.#appends.length >= limits.appendsInFlight) return;
    if (!this.#pace.isDue(this.#ready.waitingBytes, { underWay: this.#appends.length > 0 })) return;
    // Encoded, a payload may grow; what is more than one transaction can hold would go in several.
    const parcels = this.#ready.gather(Math.min(limits.groupBytes, this.#store.appendBytesMax / 2));
    const urgent = this.#setUrgentApart(parcels);
    if (urgent.size > 0) this.#appendUrgent(urgent);
    const group = this.#maker.make(parcels, this.#now());
    if (group.apart.length > 0) this.#append(emptyGroup(group.apart), { urgent: true });
    this.#append(group);
    this.#pace.made(group.tally.arrivals);
    if (!this.#ready.isEmpty) this.#schedule();
  }

  /** While the others are refused: what is urgent among all that waits, one append at a time. */
  #storeUrgent(): void {
    if (!this.#maker.hasUrgent || this.#appends.some(({ urgent }) => urgent)) return;
    const parcels = this.#ready.takeUrgent((arrival, inlet) => this.#mayOvertake(arrival, inlet));
    if (parcels.size > 0) this.#appendUrgent(parcels);
  }

  #appendUrgent(parcels: ReadonlyMap<AnyInlet, readonly Arrival[]>): void {
    const group = this.#maker.make(parcels, this.#now());
    this.#append({ ...group, entries: [...group.entries, ...group.apart] }, { urgent: true });
  }

  /** Packet ids given back are urgent: a sender runs out of them. Acknowledged on receipt, their messages may be waiting still. */
  #mayOvertake(arrival: Arrival, { ack, source }: AnyInlet): boolean {
    return (arrival.gaveBack === true && ack === 'fsynced') || this.#maker.isUrgent(arrival, source);
  }

  /** Moves what is urgent out of `parcels`. */
  #setUrgentApart(parcels: Map<AnyInlet, Arrival[]>): Map<AnyInlet, readonly Arrival[]> {
    const apart = new Map<AnyInlet, readonly Arrival[]>();
    if (!this.#maker.hasUrgent) return apart;
    for (const [inlet, arrivals] of parcels) {
      const urgent = arrivals.filter((arrival) => this.#mayOvertake(arrival, inlet));
      if (urgent.length === 0) continue;
      inlet.setEarly(urgent);
      apart.set(inlet, urgent);
      parcels.set(
        inlet,
        arrivals.filter(({ progress }) => progress !== 'early'),
      );
    }
    return apart;
  }

  #append(group: Group, { urgent } = { urgent: false }): void {
    const append: Append = { group, urgent, startedMs: this.#clock.monotonic(), state: 'running' };
    this.#appends.push(append);
    if (group.entries.length === 0) {
      append.state = 'committed';
      this.#settleCommitted();
    } else this.#run(append);
  }

  #appendEntries({ entries, apart }: Pick<Group, 'entries' | 'apart'>): void {
    if (apart.length > 0) this.#append(emptyGroup(apart), { urgent: true });
    if (entries.length > 0) this.#append(emptyGroup(entries));
  }

  #run(append: Append): void {
    append.state = 'running';
    this.#store.append(append.group.entries, { urgent: append.urgent }).then(
      (outcome) => this.#answered(append, outcome),
      (thrown: unknown) => {
        // Our own mistake would be made again for ever: the process ends, and its supervisor restarts it.
        if (thrown instanceof Bug)
          this.#defer(() => {
            throw thrown;
          });
        else this.#answered(append, { ok: false, trouble: 'io', message: messageOf(thrown) });
      },
    );
  }

  #answered(append: Append, outcome: AppendOutcome): void {
    if (outcome.ok) {
      append.state = 'committed';
      this.#settleCommitted();
      return;
    }
    append.state = 'refused';
    if (this.#trouble === null) appendRefused(this.#telemetry, outcome);
    this.#trouble = outcome;
    this.#scheduleRetry();
    if (outcome.trouble === 'full') this.#schedule();
    this.#drained.announce();
  }

  /** Once nothing runs any more. */
  #scheduleRetry(): void {
    if (this.#retryAlarm !== null || this.#appends.some((one) => one.state === 'running')) return;
    this.#retryAlarm = this.#clock.after(millis(this.#retryDelayMs), () => this.#retryRefused());
    this.#retryDelayMs = Math.min(this.#retryDelayMs * 2, limits.appendRetryMsMax);
  }

  /** The refused ones again, in their order, before anything new. */
  #retryRefused(): void {
    this.#retryAlarm = null;
    for (const append of this.#appends) if (append.state === 'refused') this.#run(append);
  }

  /** Settles from the head as far as everything is committed, so that acknowledgements leave in order. */
  #settleCommitted(): void {
    // A settled peer may offer at once, and so come back here.
    if (this.#settling) return;
    this.#settling = true;
    while (this.#appends[0]?.state === 'committed') this.#settle(this.#appends.shift()!);
    for (const append of this.#appends.filter(({ urgent }) => urgent)) {
      // What stores nothing may be a message that an append before it holds.
      if (append.state !== 'committed') break;
      this.#appends.splice(this.#appends.indexOf(append), 1);
      this.#settle(append);
    }
    this.#settling = false;
    assert(this.#bytes >= 0, 'credit given back was taken before');
    this.#relieve();
    if (this.#trouble !== null) {
      if (this.#appends.length === 0) this.#recover();
      else this.#scheduleRetry();
    }
    if (!this.#ready.isEmpty) this.#schedule();
    this.#drained.announce();
  }

  #settle({ group, startedMs }: Append): void {
    this.#committed++;
    groupCommitted(this.#telemetry, group, this.#clock.monotonic() - startedMs);
    for (const [inlet, arrivals] of group.parcels) {
      this.#bytes -= inlet.settle(arrivals);
      this.#forget(inlet);
    }
  }

  /** Nothing is refused any more. */
  #recover(): void {
    this.#trouble = null;
    this.#retryDelayMs = limits.appendRetryMsMin;
    appendRecovered(this.#telemetry);
  }

  #charge(bytes: number): void {
    this.#bytes += bytes;
    const waited = this.#ready.waitingBytes;
    this.#ready.charge(bytes);
    if (waited < limits.groupBytesMin && waited + bytes >= limits.groupBytesMin) this.#schedule();
    // A turn that finds only refused appends looks for what is urgent.
    if (this.#trouble?.trouble === 'full') this.#schedule();
    if (this.#throttled || this.#bytes < limits.intakeBytes) return;
    this.#throttled = true;
    intakeThrottled(this.#telemetry, this.#bytes);
    for (const inlet of this.#inlets) inlet.pause();
  }

  /** Resumes paused inlets once half of the credit is back. */
  #relieve(): void {
    if (this.#throttled && this.#bytes * 2 > limits.intakeBytes) return;
    this.#throttled = false;
    for (const inlet of this.#paused) if (inlet.relieve()) this.#paused.delete(inlet);
  }

  #forget(inlet: AnyInlet): void {
    if (!inlet.closed) return;
    this.#paused.delete(inlet);
    if (inlet.bytes > 0) return;
    this.#inlets.delete(inlet);
    for (const one of inlet.followers.splice(0)) {
      this.#bytes -= one.settle([]);
      this.#forget(one);
    }
  }
}
