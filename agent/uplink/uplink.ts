import { messageOf } from '../base/errors.ts';
import { type Micros, type Millis, millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Store } from '../ports/store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { Budget, type BudgetLimits } from './budget.ts';
import type { Carriage } from './carriage.ts';
import { type Collected, collect } from './collect.ts';
import { DrainPlan, type DrainOrder, type PlannedRange } from './drain-plan.ts';
import { UplinkEvents } from './events.ts';
import { uplinkLimits } from './limits.ts';
import { type Backoff, LinkHealth, type LinkEvent } from './link-health.ts';
import { Settler } from './settler.ts';
import type { SendOutcome, Sink } from './sink.ts';
import type { UplinkStatus } from './uplink-status.ts';

export interface UplinkOptions {
  readonly name: string;
  /** Agent id, as it stands in every line and key. */
  readonly agent: string;
  readonly order: DrainOrder;
  /** Readings of one batch, 1 … 10,000. */
  readonly batchReadings: number;
  /** Encoded bytes of one batch, about. */
  readonly batchBytes?: number;
  /** Batches on the way at once, 1 … 16. */
  readonly inFlight?: number;
  readonly backoff?: Backoff;
  readonly budget?: BudgetLimits;
}

/** What the uplink needs of the house. */
export interface UplinkPorts {
  readonly store: Pick<Store, 'epoch' | 'read' | 'settle' | 'backlog' | 'onGrowth'>;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
}

/**
 * Drains the store into one sink. Nothing is settled before the receiver has taken or refused it; what fails is sent again,
 * without end, at the pace of {@link LinkHealth}. Memory is bounded by `inFlight` encoded batches.
 */
export class Uplink {
  readonly name: string;
  readonly #options: UplinkOptions;
  readonly #ports: UplinkPorts;
  readonly #plan: DrainPlan;
  readonly #health: LinkHealth;
  readonly #budget: Budget;
  readonly #events: UplinkEvents;
  readonly #settler: Settler;
  readonly #carriages = new Map<number, Carriage>();
  readonly #inFlight = new Set<Promise<void>>();
  #running = false;
  #stopGrowth: (() => void) | null = null;
  #alarm: Alarm | null = null;
  #pumping: Promise<void> | null = null;
  #pumpAgain = false;
  #grown = true;
  #refreshedAt: Millis | null = null;
  #storeTroubleUntil: Millis | null = null;
  /** Bytes on the link per encoded byte, of the last send: compression, for budget estimates. */
  #shrinkage = 1;
  #delivered = 0;
  #refused = 0;
  #sentBytes = 0;
  #lastTakenAt: Millis | null = null;
  #lastProgressAt: Millis | null = null;

  constructor(options: UplinkOptions, ports: UplinkPorts) {
    this.name = options.name;
    this.#options = options;
    this.#ports = ports;
    this.#plan = new DrainPlan({ order: options.order, batchReadings: options.batchReadings });
    this.#health = new LinkHealth(
      options.backoff ?? { minMs: uplinkLimits.backoffMsMin, maxMs: uplinkLimits.backoffMsMax },
    );
    this.#budget = new Budget(options.budget ?? { bytesPerSecond: null, bytesPerDay: null });
    this.#events = new UplinkEvents(ports.telemetry, options.name);
    this.#settler = new Settler(options.name, {
      store: ports.store,
      clock: ports.clock,
      events: this.#events,
    });
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.#ports.sink.start();
    this.#events.up(null);
    this.#grown = true;
    this.#stopGrowth = this.#ports.store.onGrowth(() => {
      this.#grown = true;
      this.#wake();
    });
    this.#wake();
  }

  /** Lets sends under way end for a moment; what is not settled by then is sent again by the next run. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#stopGrowth?.();
    this.#stopGrowth = null;
    this.#alarm?.cancel();
    this.#alarm = null;
    await this.#pumping;
    const grace = Promise.withResolvers<void>();
    const alarm = this.#ports.clock.after(uplinkLimits.stopGraceMs, grace.resolve);
    await Promise.race([Promise.all(this.#inFlight), grace.promise]);
    alarm.cancel();
    await this.#ports.sink.stop();
    await Promise.all(this.#inFlight);
  }

  status(): UplinkStatus {
    const streams = this.#plan.inspect();
    const now = this.#now();
    const oldest = streams.flatMap((stream) => (stream.oldestMicros === null ? [] : [stream.oldestMicros]));
    return {
      name: this.name,
      kind: this.#ports.sink.kind,
      running: this.#running,
      link: this.#health.inspect(),
      now: now.monotonic,
      streams,
      waitingReadings: streams.reduce((sum, stream) => sum + stream.waiting, 0),
      waitingBytes: streams.reduce((sum, stream) => sum + stream.bytes, 0),
      oldestMicros: oldest.length === 0 ? null : Math.min(...oldest),
      wallMicros: now.wall,
      batchesInFlight: this.#inFlight.size,
      deliveredReadings: this.#delivered,
      refusedReadings: this.#refused,
      sentBytes: this.#sentBytes,
      lastTakenAt: this.#lastTakenAt,
      lastProgressAt: this.#lastProgressAt,
      budget: this.#budget.inspect(),
      budgetWaitMs: this.#budget.waitMs(now),
    };
  }

  #now(): { monotonic: Millis; wall: Micros } {
    return { monotonic: this.#ports.clock.monotonic(), wall: this.#ports.clock.wall() };
  }

  /** Something changed: look, soon, once. */
  #wake(): void {
    if (!this.#running) return;
    this.#pumpAgain = true;
    this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      // Callers of #wake are callbacks from outside: work starts in a turn of its own.
      await Promise.resolve();
      while (this.#pumpAgain && this.#running) {
        this.#pumpAgain = false;
        await this.#refresh();
        if (this.#running) this.#dispatch();
      }
      if (this.#running) this.#arm();
    } finally {
      // In the same turn as the last look at #pumpAgain, so that no wake is lost.
      this.#pumping = null;
    }
  }

  async #refresh(): Promise<void> {
    const { monotonic: now } = this.#now();
    if (now < this.#refreshDue()) return;
    this.#grown = false;
    this.#refreshedAt = now;
    try {
      const streams = await this.#ports.store.backlog(this.name);
      this.#storeTroubleUntil = null;
      for (const row of streams) this.#budget.restore({ day: row.budgetDay, bytes: row.budgetBytes });
      this.#plan.step({ kind: 'backlog', streams }, now);
      this.#reportBacklog();
    } catch (error) {
      this.#grown = true;
      this.#storeTroubleUntil = millis(now + uplinkLimits.storeRetryMs);
      this.#events.storeFailed('tell what waits', messageOf(error));
    }
  }

  #refreshDue(): number {
    if (this.#storeTroubleUntil !== null) return this.#storeTroubleUntil;
    if (this.#refreshedAt === null) return 0;
    return this.#refreshedAt + (this.#grown ? uplinkLimits.refreshMsMin : uplinkLimits.refreshMsMax);
  }

  #dispatch(): void {
    const now = this.#now();
    if (this.#storeTroubleUntil !== null && now.monotonic < this.#storeTroubleUntil) return;
    if (!this.#budget.allows(now)) return;
    const free = (this.#options.inFlight ?? uplinkLimits.inFlightDefault) - this.#inFlight.size;
    const slots = this.#health.allowance(free, now.monotonic);
    if (slots <= 0) return;
    for (const range of this.#plan.step({ kind: 'ask', slots }, now.monotonic)) {
      this.#health.step({ kind: 'sent' }, now.monotonic);
      const carried = this.#carry(range).finally(() => {
        this.#inFlight.delete(carried);
        this.#wake();
      });
      this.#inFlight.add(carried);
    }
  }

  /** Wakes at the next moment something may have become possible. */
  #arm(): void {
    const now = this.#now();
    let due: number = this.#refreshDue();
    const health = this.#health.nextDeadline();
    if (health !== null && health > now.monotonic) due = Math.min(due, health);
    else {
      const retry = this.#plan.nextDeadline();
      if (retry !== null) due = Math.min(due, retry);
      const budgetWaitMs = this.#budget.waitMs(now);
      if (budgetWaitMs > 0) due = Math.min(due, now.monotonic + budgetWaitMs);
    }
    this.#alarm?.cancel();
    this.#alarm = this.#ports.clock.after(millis(Math.max(1, due - now.monotonic)), () => this.#wake());
  }

  /** One range from the store to the receiver and back to the store. Never rejects for weather. */
  async #carry(range: PlannedRange): Promise<void> {
    let carriage = this.#carriages.get(range.id);
    if (carriage === undefined) {
      carriage = { refused: new Map(), fidelity: null, bytes: 0 };
      this.#carriages.set(range.id, carriage);
    }
    const collected = await this.#collect(range, carriage);
    if (collected === 'failed') return this.#withdraw(range, uplinkLimits.storeRetryMs);
    const now = this.#now();
    if (collected === null) {
      this.#health.step({ kind: 'withdrawn' }, now.monotonic);
      this.#plan.step({ kind: 'vanished', id: range.id }, now.monotonic);
      this.#carriages.delete(range.id);
      return;
    }
    const { first, until, batch } = collected;
    if (carriage.fidelity !== batch.fidelity) carriage.refused.clear();
    carriage.fidelity = batch.fidelity;
    this.#plan.step({ kind: 'narrowed', id: range.id, first, until }, now.monotonic);
    if (batch.count === 0) {
      this.#health.step({ kind: 'withdrawn' }, now.monotonic);
      return this.#settle(range, collected, carriage);
    }
    const estimate = Math.ceil(batch.body.length * this.#shrinkage);
    const waitMs = this.#budget.waitMs(now, estimate);
    if (waitMs > 0) return this.#withdraw(range, waitMs);
    this.#budget.spend(now, estimate);
    const outcome = await this.#ports.sink.send(batch);
    const after = this.#now();
    this.#budget.spend(after, outcome.bytes - estimate);
    this.#shrinkage = outcome.bytes > 0 ? outcome.bytes / batch.body.length : this.#shrinkage;
    this.#sentBytes += outcome.bytes;
    this.#lastProgressAt = after.monotonic;
    carriage.bytes += outcome.bytes;
    await this.#heed(outcome, { range, collected, carriage, attemptMs: after.monotonic - now.monotonic });
  }

  async #collect(range: PlannedRange, carriage: Carriage): Promise<Collected | null | 'failed'> {
    try {
      return await collect(this.#ports.store, range, {
        agent: this.#options.agent,
        batchBytes: this.#options.batchBytes ?? uplinkLimits.batchBytes,
        uplink: this.name,
        leaveOut: carriage,
      });
    } catch (error) {
      this.#events.storeFailed(`give ${range.stream} from ${range.first}`, messageOf(error));
      return 'failed';
    }
  }

  #withdraw(range: PlannedRange, waitMs: Millis): void {
    const now = this.#now().monotonic;
    this.#health.step({ kind: 'withdrawn' }, now);
    this.#plan.step({ kind: 'later', id: range.id, notBefore: millis(now + waitMs), failed: false }, now);
  }

  async #heed(
    outcome: SendOutcome,
    sent: { range: PlannedRange; collected: Collected; carriage: Carriage; attemptMs: number },
  ): Promise<void> {
    const { range, collected, carriage } = sent;
    const figures = { bytes: outcome.bytes, seconds: sent.attemptMs / 1000 };
    switch (outcome.kind) {
      case 'taken':
        this.#events.taken({ stream: range.stream, readings: collected.batch.count, ...figures });
        this.#lastTakenAt = this.#lastProgressAt;
        this.#judge({ kind: 'answered', taken: true });
        return this.#settle(range, collected, carriage);
      case 'partly': {
        this.#events.answered({ outcome: 'partly', ...figures });
        const before = carriage.refused.size;
        for (const { offset, reason } of outcome.refused) {
          if (offset >= collected.first && offset < collected.until) carriage.refused.set(offset, reason);
        }
        this.#judge({ kind: 'answered', taken: true });
        if (outcome.rest === 'taken') return this.#settle(range, collected, carriage);
        // An answer that names nobody new would be repeated for ever at full speed: it waits like a failure.
        return this.#later(range, { failed: carriage.refused.size === before });
      }
      case 'later':
        this.#events.later({ words: outcome.words, ...figures });
        if (outcome.denied === true) this.#events.denied(outcome.words);
        this.#judge({
          kind: 'failed',
          words: outcome.words,
          random: this.#ports.entropy.float(),
          ...(outcome.retryAfterMs === undefined ? {} : { retryAfterMs: outcome.retryAfterMs }),
          unreachable: outcome.unreachable === true || outcome.denied === true,
        });
        return this.#later(range, { failed: true });
      case 'too_big': {
        this.#events.answered({ outcome: 'too_big', ...figures });
        this.#judge({ kind: 'answered', taken: true });
        const readings = collected.until - collected.first;
        if (readings === 1) return this.#refuseAll(sent, `too big: ${outcome.words}`);
        this.#events.split({ stream: range.stream, readings, words: outcome.words });
        const half = Math.floor(readings / 2);
        this.#plan.step({ kind: 'split', id: range.id, readings: half }, this.#now().monotonic);
        return;
      }
      case 'refused':
        this.#events.answered({ outcome: 'refused', ...figures });
        this.#judge({ kind: 'answered', taken: false });
        return this.#refuseAll(sent, outcome.words);
    }
  }

  #judge(event: LinkEvent): void {
    const now = this.#now().monotonic;
    for (const effect of this.#health.step(event, now)) {
      if (effect.kind === 'down') this.#events.down(effect.words);
      else {
        this.#events.up(effect.downMs / 1000);
        this.#plan.step({ kind: 'up' }, now);
      }
    }
  }

  #later(range: PlannedRange, options: { failed: boolean }): void {
    const now = this.#now().monotonic;
    const notBefore = options.failed
      ? this.#health.retryOf(range.attempts, this.#ports.entropy.float(), now)
      : now;
    this.#plan.step({ kind: 'later', id: range.id, notBefore, failed: options.failed }, now);
  }

  async #refuseAll(
    sent: { range: PlannedRange; collected: Collected; carriage: Carriage },
    words: string,
  ): Promise<void> {
    for (let offset = sent.collected.first; offset < sent.collected.until; offset++) {
      if (!sent.carriage.refused.has(offset)) sent.carriage.refused.set(offset, words);
    }
    await this.#settle(sent.range, sent.collected, sent.carriage);
  }

  /** Ends without effect on the plan when the uplink stops before the store has it. */
  async #settle(range: PlannedRange, collected: Collected, carriage: Carriage): Promise<void> {
    const settled = await this.#settler.settle({
      stream: range.stream,
      range: [collected.first, collected.until],
      refused: carriage.refused,
      bytes: carriage.bytes,
      day: () => this.#budget.day(this.#now()),
      goesOn: () => this.#running,
    });
    this.#delivered += settled.delivered;
    this.#refused += settled.refused;
    if (!settled.whole) return;
    this.#carriages.delete(range.id);
    this.#lastProgressAt = this.#now().monotonic;
    this.#plan.step({ kind: 'settled', id: range.id }, this.#lastProgressAt);
  }

  #reportBacklog(): void {
    const status = this.status();
    this.#events.backlog({
      readings: status.waitingReadings,
      bytes: status.waitingBytes,
      oldestSeconds:
        status.oldestMicros === null ? 0 : Math.max(0, (status.wallMicros - status.oldestMicros) / 1e6),
      spentBytes: status.budget.spentBytes,
    });
  }
}
