import { assert } from '#agent/base/assert.ts';
import type { Prng } from '#agent/base/prng.ts';
import { isChangeKind, type LogIndex, type Term } from '#agent/mesh/raft/entry.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { memoryLogOf } from '#agent/mesh/raft-log/image.ts';
import { LogStore } from '#agent/mesh/raft-log/log-store.ts';
import type { LogDamage, LogOrder, LogReport } from '#agent/mesh/raft-log/port.ts';
import { restartFrom } from '#agent/mesh/raft-log/restart.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { HardState } from '#agent/mesh/raft/state.ts';
import { SimulatedLogDevice } from '../raft-log/simulated-log-device.ts';
import { SimulatedRaftLog } from '../raft-log/simulated-raft-log.ts';
import type { Timeline } from '../timeline.ts';
import {
  quickDisk,
  type CrashOptions,
  type DiskHabits,
  type DiskUser,
  type MemberDisk,
  type Write,
} from './member-disk.ts';
import { Registers } from './registers.ts';

/** A power of two, so that ticks and milliseconds turn into each other without loss. */
const tickMs = 128;
/** How often a host asks others for a snapshot while its log is to be healed. */
const askEveryTicks = 10;

/** An order without its number. */
type Unnumbered = LogOrder extends infer Order ? (Order extends LogOrder ? Omit<Order, 'id'> : never) : never;

interface Pending {
  readonly order: LogOrder;
  readonly done: () => void;
  readonly since: number;
}

/** The production log of a member (`agent/mesh/raft-log`) over a simulated device, with a state machine beside it in a file of its own. */
export class LogDisk implements MemberDisk {
  habits: DiskHabits = quickDisk;
  registers = new Registers();
  fullUntil = 0;
  failingUntil = 0;
  readonly device: SimulatedLogDevice;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #wrote: (write: Write) => void;
  #log: SimulatedRaftLog | null = null;
  #user: DiskUser | null = null;
  #mirror: LogReader = new MemoryLog();
  #reports: LogReport[] = [];
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #wakeAt = Infinity;
  #doubt: LogIndex = 0;
  /** The log was read and is open, or found damaged: orders are taken. */
  #isRead = false;
  /** What was found wrong and is not healed. */
  #damage: LogDamage | null = null;
  /** What is there may be less than what was promised; the next opening tells. */
  #isSuspect = false;
  /** A snapshot to heal by, while orders are under way that may end the doubt. */
  #offer: Snapshot | null = null;
  #isHealing = false;
  #snapshotAt: LogIndex = 0;
  mayHoldChange = false;
  /** All that was ever durable and not replaced, lost or not. */
  readonly #promised = new Map<LogIndex, Term>();

  constructor(options: {
    readonly timeline: Timeline;
    readonly random: Prng;
    readonly wrote: (write: Write) => void;
  }) {
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#wrote = options.wrote;
    this.device = new SimulatedLogDevice(options.random);
  }

  get log(): LogReader {
    return this.#mirror;
  }
  get snapshot(): Snapshot {
    const snapshot = this.#mirror.snapshot();
    assert(snapshot !== undefined, 'a mirror always has one');
    return snapshot;
  }
  get hardState(): HardState {
    return this.#mirror.initialState().hardState;
  }
  get doubt(): LogIndex {
    return this.#doubt;
  }
  get isImpaired(): boolean {
    return this.#isSuspect || this.#damage !== null || this.#doubt > 0;
  }

  get waiting(): number {
    return this.#pending.size;
  }

  get stalledFor(): number {
    for (const { since } of this.#pending.values()) return this.#timeline.now - since;
    return 0;
  }

  /** The least index of a snapshot to heal by; 0: there is nothing to heal. */
  get #healsFrom(): LogIndex {
    if (!this.#isRead || this.#offer !== null) return 0;
    if (this.#damage !== null) return Math.max(1, this.registers.applied);
    return this.registers.applied > this.#mirror.lastIndex() ? this.registers.applied : 0;
  }

  begin(user: DiskUser): void {
    this.#user = user;
    this.#log = new SimulatedRaftLog({
      device: this.device,
      chance: this.#random,
      now: () => this.#timeline.now * tickMs,
      latencyMs: () => this.#latencyTicks() * tickMs,
    });
    this.#log.start((report) => this.#hear(report));
    this.#wake();
    this.#askAround(this.#log);
  }

  #askAround(log: SimulatedRaftLog): void {
    this.#timeline.after(askEveryTicks, () => {
      if (this.#log !== log) return;
      if (this.#healsFrom > 0) this.#user!.wantsSnapshot(this.#healsFrom);
      this.#askAround(log);
    });
  }

  write(write: Write, done: () => void): boolean {
    const { hardState, entries, snapshot } = write;
    if (snapshot !== null) this.#snapshotAt = Math.max(this.#snapshotAt, snapshot.id.index);
    this.#submit({ kind: 'append', hardState, entries, snapshot }, done);
    return true;
  }

  /** Before the first life: what every member is given. */
  writeNow({ hardState, entries, snapshot }: Write): boolean {
    assert(this.#log === null && snapshot !== null, 'a log is written by its process');
    const store = new LogStore(this.device);
    store.open();
    store.write([{ kind: 'append', id: 1, hardState, entries, snapshot }]);
    const opening = store.open();
    assert(opening.kind === 'sound', 'what was written is sound');
    this.#mirror = memoryLogOf(opening.image);
    store.close();
    this.registers = Registers.fromBytes(snapshot.data);
    return true;
  }

  keepSnapshot(snapshot: Snapshot): void {
    if (snapshot.id.index <= this.#snapshotAt) return;
    this.#snapshotAt = snapshot.id.index;
    this.#submit({ kind: 'keep-snapshot', snapshot });
  }

  compact(index: LogIndex): void {
    // The state must be safe before the entries that lead to it go.
    this.#submit({ kind: 'compact', upTo: index });
  }

  heal(snapshot: Snapshot): void {
    if (this.#healsFrom === 0 || snapshot.id.index < this.#healsFrom) return;
    this.#offer = snapshot;
    this.#user!.lost();
    this.#takeOffer();
  }

  vouchesFor(index: LogIndex, term: Term): boolean {
    const { log } = this;
    return log.term(index) === term || log.firstIndex() > index || this.#promised.get(index) === term;
  }

  crash({ mayTear }: CrashOptions): void {
    this.#setFaults();
    const tears = mayTear && this.#random.chance(this.habits.torn);
    this.#isSuspect ||= tears;
    this.mayHoldChange = [...this.#pending.values()].some(
      ({ order }) => order.kind === 'append' && order.entries.some(({ kind }) => isChangeKind(kind)),
    );
    this.#log?.crash({ powerCut: true, tears });
    this.#log = null;
    this.#user = null;
    this.#offer = null;
    this.#isHealing = false;
    this.#isRead = false;
    this.#reports = [];
    this.#pending.clear();
    this.#wakeAt = Infinity;
  }

  loseEnd(count: number): void {
    this.#isSuspect = true;
    const last = this.#mirror.lastIndex();
    for (let index = last; index > last - count; index--) this.device.loseEntry(index);
  }

  spoil(): string {
    this.#isSuspect = true;
    const { device } = this;
    const target = this.#random.pick([
      'entry',
      'entry',
      'lost',
      'lost',
      'head',
      'ballot',
      'snapshot',
      'both',
    ]);
    if (target === 'both') return `${device.flip('head')} and ${device.flip('ballot')}`;
    if (target === 'head' || target === 'ballot' || target === 'snapshot')
      return device.flip(target) ?? 'nothing';
    // Mostly near the end, where entries are that nobody has committed yet.
    const index = this.#mirror.lastIndex() - this.#random.below(this.#random.pick([1, 3, 20]));
    const isStruck = target === 'lost' ? device.loseEntry(index) : device.flipEntry(index);
    return isStruck ? `entry ${index} ${target === 'lost' ? 'lost' : 'flipped'}` : 'nothing';
  }

  #submit(order: Unnumbered, done: () => void = () => undefined): void {
    const log = this.#log;
    assert(log !== null, 'orders come from a process');
    const numbered = { ...order, id: this.#nextId++ } as LogOrder;
    this.#pending.set(numbered.id, { order: numbered, done, since: this.#timeline.now });
    log.submit(numbered);
    this.#wake();
  }

  #latencyTicks(): number {
    const { writeMin, writeMax, stalls, stallMax } = this.habits;
    const ticks = writeMin + this.#random.float() * (writeMax - writeMin);
    return stalls > 0 && this.#random.chance(stalls) ? ticks + this.#random.float() * stallMax : ticks;
  }

  #setFaults(): void {
    const { faults } = this.device;
    faults.full = this.#timeline.now < this.fullUntil;
    faults.failing = this.#timeline.now < this.failingUntil;
  }

  #wake(): void {
    const log = this.#log!;
    const at = log.nextDueMs / tickMs;
    if (at === Infinity || this.#wakeAt <= at) return;
    this.#wakeAt = at;
    this.#timeline.at(at, () => {
      if (this.#log !== log || this.#wakeAt !== at) return;
      this.#wakeAt = Infinity;
      this.#setFaults();
      log.advance();
      while (this.#log === log && this.#reports.length > 0) this.#take(this.#reports.shift()!);
      if (this.#log !== log) return;
      this.#takeOffer();
      this.#wake();
    });
  }

  /** Inside the log: what is durable is looked at, and nothing is done about it yet. */
  #hear(report: LogReport): void {
    this.#reports.push(report);
    if (report.kind === 'done') {
      const { order } = this.#pending.get(report.id)!;
      if (order.kind === 'append') this.#becameDurable({ ...order, mustSync: true });
      this.#doubt = this.#log!.mayVote ? 0 : this.#doubt;
    }
    if (report.kind !== 'ready') return;
    this.#mirror = this.#log!.reader;
    this.#doubt = report.doubt;
    this.#isSuspect = false;
    this.#damage = null;
    this.mayHoldChange = false;
    const { log } = this;
    const entries = log.entries(log.firstIndex(), log.lastIndex() + 1, Infinity) ?? [];
    this.#becameDurable({ hardState: this.hardState, entries, snapshot: null, mustSync: true });
  }

  #becameDurable(write: Write): void {
    if (write.snapshot !== null && this.#doubt === 0) this.#promised.clear();
    for (const { index, term } of write.entries) {
      const known = this.#promised.get(index);
      if (known !== undefined && known !== term) for (let at = index; this.#promised.delete(at); at++);
      this.#promised.set(index, term);
    }
    this.#wrote(write);
  }

  #take(report: LogReport): void {
    switch (report.kind) {
      case 'ready':
        if (this.#isHealing) this.#user!.befell('heals');
        if (report.doubt > 0) this.#user!.befell('doubts');
        this.#isHealing = false;
        this.#isRead = true;
        this.#pending.clear();
        this.#offer = null;
        this.#snapshotAt = this.snapshot.id.index;
        return this.#open();
      case 'done': {
        const { order, done } = this.#pending.get(report.id)!;
        this.#pending.delete(report.id);
        if (order.kind === 'append' && order.snapshot !== null)
          this.registers = Registers.fromBytes(order.snapshot.data);
        return done();
      }
      case 'lost':
        this.#pending.clear();
        this.#offer = null;
        this.#isRead = false;
        this.#isHealing = false;
        this.#user!.befell('diskLosses');
        return this.#user!.lost();
      case 'damaged':
        this.#pending.clear();
        this.#damage = report.damage;
        this.#isRead = true;
        this.#user!.befell(report.damage.ballot === null ? 'ruins' : 'damages');
        return report.damage.ballot === null ? this.#user!.ruined() : undefined;
      case 'refused':
        throw new Error(`the log refuses: ${report.reason}`);
      case 'failed':
        throw report.error;
    }
  }

  #open(): void {
    const restart = restartFrom(this.#mirror, this.registers);
    if (restart.kind === 'restore') this.registers = Registers.fromBytes(restart.snapshot.data);
    else if (restart.kind === 'heal') {
      assert(this.#doubt > 0, `${this.registers.applied} is applied of ${this.#mirror.lastIndex()}`);
      return;
    }
    const again = restartFrom(this.#mirror, this.registers);
    assert(again.kind === 'start', 'a restored state is that of the log');
    this.#user!.opened({ log: again.log, doubt: this.#doubt });
  }

  /** The state machine first: a crash in between leaves it ahead of a log that still asks for a snapshot. */
  #takeOffer(): void {
    const offer = this.#offer;
    if (offer === null || this.#pending.size > 0) return;
    this.#offer = null;
    this.registers = Registers.fromBytes(offer.data);
    this.#isHealing = true;
    this.#submit({ kind: 'heal', snapshot: offer });
  }
}
