import { assert } from '#agent/base/assert.ts';
import type { Prng } from '#agent/base/prng.ts';
import type { LogIndex, Term } from '#agent/mesh/raft/entry.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import { MemoryLog } from '#agent/mesh/raft/log/memory-log.ts';
import { restartFrom } from '#agent/mesh/raft-log/restart.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import { emptyHardState, type HardState } from '#agent/mesh/raft/state.ts';
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

interface Pending extends Write {
  readonly done: () => void;
  readonly since: number;
}

/**
 * A member's disk: a log, its term and vote, a state machine, written in atomic transactions in order. A crash keeps what was
 * synced, any first part of what was not, and of the transaction it met perhaps the term and some first entries.
 */
export class SimDisk implements MemberDisk {
  log = new MemoryLog();
  /** The state machine as of its last sync. applied ≤ the log's last index. */
  registers = new Registers();
  habits: DiskHabits = quickDisk;
  /** Writes fail until then. */
  fullUntil = 0;
  /** Full is the only way in which it fails. */
  failingUntil = 0;
  /** Its log shows what a crash has left. */
  readonly mayHoldChange = false;
  /** A bit has flipped: the log cannot be believed any more, and this shows at the next opening. */
  damaged = false;
  /** Entries that were durable and are gone, by index with their terms, until a leader has brought the log back that far. */
  readonly lost = new Map<LogIndex, Term>();
  #hardState: HardState = emptyHardState;
  #synced: HardState = emptyHardState;
  readonly #pending: Pending[] = [];
  #busy = false;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  /** Tells of every entry that becomes durable, before anybody can rely on it. */
  readonly #wrote: (write: Write) => void;

  constructor(options: {
    readonly timeline: Timeline;
    readonly random: Prng;
    readonly wrote: (write: Write) => void;
  }) {
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#wrote = options.wrote;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  /** Writes asked for and not done. */
  get waiting(): number {
    return this.#pending.length;
  }

  /** How long the oldest write has been under way, in ticks. */
  get stalledFor(): number {
    const first = this.#pending[0];
    return first === undefined ? 0 : this.#timeline.now - first.since;
  }

  /** Queued behind all before it; `done` is called when it is durable. False: there is no room. */
  write(write: Write, done: () => void): boolean {
    if (this.#timeline.now < this.fullUntil) return false;
    this.#pending.push({ ...write, done, since: this.#timeline.now });
    this.#next();
    return true;
  }

  /** In one go, for a host that waits. */
  writeNow(write: Write): boolean {
    if (this.#timeline.now < this.fullUntil) return false;
    this.#carryOut(write);
    return true;
  }

  #next(): void {
    if (this.#busy || this.#pending.length === 0) return;
    this.#busy = true;
    const { writeMin, writeMax, stalls, stallMax } = this.habits;
    let ticks = writeMin + this.#random.float() * (writeMax - writeMin);
    if (stalls > 0 && this.#random.chance(stalls)) ticks += this.#random.float() * stallMax;
    const write = this.#pending[0]!;
    // An order that writes nothing only waits for those before it.
    if (write.hardState === null && write.entries.length === 0 && write.snapshot === null) ticks = 0;
    this.#timeline.after(ticks, () => {
      // A crash has taken it.
      if (this.#pending[0] !== write) return;
      this.#pending.shift();
      this.#busy = false;
      this.#carryOut(write);
      write.done();
      this.#next();
    });
  }

  #carryOut(write: Write): void {
    if (write.snapshot !== null && this.log.applySnapshot(write.snapshot))
      this.registers = Registers.fromBytes(write.snapshot.data);
    if (write.entries.length > 0) this.log.append(write.entries);
    if (write.hardState !== null) this.#hardState = write.hardState;
    if (write.mustSync || write.snapshot !== null) this.#synced = this.#hardState;
    if (this.doubt <= this.log.lastIndex()) this.lost.clear();
    this.#wrote(write);
  }

  /** How far it may have promised what it lost; 0: it has lost nothing. */
  get doubt(): LogIndex {
    return Math.max(0, ...this.lost.keys());
  }

  /** As far as they are not known to be committed. */
  loseEnd(count: number): void {
    const { log } = this;
    const snapshot = log.snapshot();
    const known = Math.max(this.#hardState.commit, this.registers.applied, snapshot.id.index);
    const end = Math.max(known, log.lastIndex() - count);
    for (let index = end + 1; index <= log.lastIndex(); index++) this.lost.set(index, log.term(index)!);
    const first = log.firstIndex();
    const kept = log.entries(first, end + 1, Infinity)!;
    this.log = new MemoryLog();
    this.log.applySnapshot({ ...snapshot, id: { index: first - 1, term: log.term(first - 1)! } });
    this.log.append(kept);
    this.log.keepSnapshot(snapshot);
  }

  /** Term and vote stand, and some first entries; the commit index does not, as it may rest on those that are missing. */
  #tear(write: Write): void {
    const { commit } = this.#hardState;
    const hardState = write.hardState === null ? null : { ...write.hardState, commit };
    const entries = write.entries.slice(0, this.#random.below(write.entries.length + 1));
    this.#carryOut({ ...write, hardState, entries });
  }

  /** Power is cut, or the process dies with its writes on the way. */
  crash(_options: CrashOptions): void {
    const kept = this.#pending.length === 0 ? 0 : this.#random.below(this.#pending.length + 1);
    for (const write of this.#pending.slice(0, kept)) this.#carryOut(write);
    const met = this.#pending[kept];
    if (met !== undefined && met.snapshot === null && this.#random.chance(this.habits.torn)) this.#tear(met);
    this.#pending.length = 0;
    this.#busy = false;
    // What was not synced may be gone: a commit index is not, for its own sake.
    if (this.#random.chance(0.5)) this.#hardState = this.#synced;
  }

  /** Everything as it is now; called later, it puts that back: an old copy of the file. */
  copy(): () => void {
    const { log, registers } = this;
    const hardState = this.#hardState;
    const first = log.firstIndex();
    const snapshot = log.snapshot();
    const before = { index: first - 1, term: log.term(first - 1)! };
    const entries = log.entries(first, log.lastIndex() + 1, Infinity) ?? [];
    return () => {
      this.log = new MemoryLog();
      this.log.applySnapshot({ ...snapshot, id: before });
      this.log.append(entries);
      this.log.keepSnapshot(snapshot);
      this.registers = registers;
      this.#hardState = hardState;
      this.#synced = hardState;
    };
  }

  begin(user: DiskUser): void {
    if (this.damaged) {
      user.befell('ruins');
      user.ruined();
      return;
    }
    if (this.doubt > 0) user.befell('doubts');
    user.opened({ log: this.#start(), doubt: this.doubt });
  }

  get snapshot(): Snapshot {
    return this.log.snapshot();
  }
  get isImpaired(): boolean {
    return this.damaged || this.doubt > 0;
  }

  keepSnapshot(snapshot: Snapshot): void {
    this.log.keepSnapshot(snapshot);
  }

  compact(index: LogIndex): void {
    this.log.compact(index);
  }

  heal(): void {
    throw new Error('this disk asks for nothing');
  }

  spoil(): string {
    this.damaged = true;
    return 'all of it';
  }

  /** What it has promised and lost counts: the member keeps quiet until it has it back. */
  vouchesFor(index: LogIndex, term: Term): boolean {
    const { log, lost } = this;
    return log.term(index) === term || log.firstIndex() > index || lost.get(index) === term;
  }

  #start(): LogReader {
    this.log.setHardState(this.#hardState);
    const restart = restartFrom(this.log, this.registers);
    assert(restart.kind === 'start', `${this.registers.applied} is applied of ${this.log.lastIndex()}`);
    // What is known to be committed is not forgotten again.
    const { hardState } = restart.log.initialState();
    if (hardState.commit > 0) this.#hardState = hardState;
    return restart.log;
  }
}
