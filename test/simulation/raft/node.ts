import { assert } from '#agent/base/assert.ts';
import { Prng } from '#agent/base/prng.ts';
import { isChangeKind, type Entry } from '#agent/mesh/raft/entry.ts';
import type { LogReader } from '#agent/mesh/raft/log/log-reader.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import type { MemberView } from '#agent/mesh/raft/member-view.ts';
import { decodeChange } from '#agent/mesh/raft/membership/change.ts';
import { sameRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage, Response, StorageApply } from '#agent/mesh/raft/message.ts';
import type { StepOutcome } from '#agent/mesh/raft/outcome.ts';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { Ready } from '#agent/mesh/raft/ready.ts';
import type { Snapshot } from '#agent/mesh/raft/snapshot.ts';
import type { Timeline } from '../timeline.ts';
import { ApplyQueue } from './apply-queue.ts';
import { decodeCommand, encodeCommand, type Command } from './command.ts';
import { SimDisk } from './disk.ts';
import { LogDisk } from './log-disk.ts';
import type { CrashOptions, MemberDisk } from './member-disk.ts';
import { Registers } from './registers.ts';
import type { SimSettings } from './settings.ts';
import { contextBytes, Waiting, type WaitingRead } from './waiting.ts';
import type { NodeWitness } from './witness.ts';

/** Where synchronous storage may lose its process. */
export type CrashPoint = 'before-write' | 'after-write' | 'after-answers' | 'after-apply';

const inboxMax = 1_000;
/** A suspended process that catches up ticks no more than this at once. */
const burstTicksMax = 100;

/** One process: a member, its disk, its state machine, and the loop the README of agent/mesh/raft asks of a host. */
export class SimNode {
  readonly id: PeerId;
  readonly disk: MemberDisk;
  readonly settings: SimSettings;
  /** The process runs; whether a member does is up to its disk. */
  isUp = false;
  member: RaftMember | null = null;
  /** The member's state, alive; null before the first start. */
  view: MemberView | null = null;
  registers = new Registers();
  /** Its disk cannot be believed; it must come back under another id. */
  quarantined = false;
  pausedUntil = 0;
  /** Not to be started again before this time. */
  downUntil = 0;
  crashAt: CrashPoint | null = null;
  /** Ticks of its own clock per tick of the group's. */
  rate = 1;
  /** Ticks an order to apply takes, at most. Asynchronous storage only. */
  applyMax: number;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #witness: NodeWitness;
  #life = 0;
  #inbox: PeerMessage[] = [];
  #missedTicks = 0;
  readonly #applying: ApplyQueue;
  readonly #waiting = new Waiting();
  #snapshotAt = 0;

  constructor(options: {
    readonly id: number;
    readonly settings: SimSettings;
    readonly timeline: Timeline;
    readonly seed: number;
    readonly witness: NodeWitness;
  }) {
    this.id = peerId(options.id);
    this.settings = options.settings;
    this.#timeline = options.timeline;
    this.#random = new Prng(options.seed);
    this.#witness = options.witness;
    const Disk = options.settings.storage === 'log' ? LogDisk : SimDisk;
    this.disk = new Disk({
      timeline: options.timeline,
      random: this.#random,
      wrote: (write) => this.#witness.wrote(this, write),
    });
    this.#applying = new ApplyQueue({
      carryOut: (order, isVoid) => this.#carryOutApply(order, isVoid),
      later: (act) => {
        const life = this.#life;
        this.#timeline.after(this.#random.float() * this.applyMax, () => this.#whenAwake(life, act));
      },
    });
    this.disk.habits = options.settings.disk;
    this.applyMax = options.settings.applyMax;
    this.rate = 1 + (this.#random.float() * 2 - 1) * options.settings.drift;
  }

  get isLeader(): boolean {
    return this.member !== null && this.view!.role === 'leader';
  }
  get isPaused(): boolean {
    return this.#timeline.now < this.pausedUntil;
  }

  /** The group must do without it, now or when it dies. */
  get isImpaired(): boolean {
    return this.quarantined || this.disk.isImpaired;
  }

  /** A process, and a member as soon as its disk gives it a log. False when the disk cannot be believed. */
  start(): boolean {
    if (this.isUp || this.quarantined) return this.isUp;
    this.isUp = true;
    this.#life++;
    this.disk.begin({
      opened: (start) => this.#live(start),
      lost: () => this.#drop(),
      ruined: () => {
        this.quarantined = true;
        this.isUp = false;
      },
      wantsSnapshot: (from) => this.#witness.wantsSnapshot(this, from),
      befell: (event) => this.#witness.befell(this, event),
    });
    return this.isUp;
  }

  #live(start: { readonly log: LogReader; readonly doubt: number }): void {
    this.#drop();
    this.registers = this.disk.registers.clone();
    this.#snapshotAt = this.disk.snapshot.id.index;
    const { guarded, limits, electionTicks, heartbeatTicks } = this.settings;
    const { asyncStorage, forwardProposals, stepDownOnRemoval } = this.settings;
    this.#witness.started(this);
    this.member = new RaftMember({
      id: this.id,
      log: { ...start.log, snapshot: () => this.#freshSnapshot() },
      entropy: this.#random,
      electionTicks,
      heartbeatTicks,
      applied: this.registers.applied,
      doubt: start.doubt,
      limits,
      asyncStorage,
      checkQuorum: guarded,
      preVote: guarded,
      forwardProposals,
      stepDownOnRemoval,
      observe: (note, view) => {
        this.view = view;
        this.#witness.noted(this, note);
      },
    });
    this.#scheduleTick(++this.#life, this.#random.float() / this.rate);
    this.#witness.moved(this);
    this.#drain();
  }

  /** The member ends; the process may go on. */
  #drop(): void {
    this.member = null;
    this.#life++;
    this.#inbox = [];
    this.#missedTicks = 0;
    this.#applying.clear();
    this.#waiting.clear();
  }

  /** The process ends at once; what it had not synced may be gone. */
  crash(options: CrashOptions = { mayTear: false }): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.#drop();
    this.disk.crash(options);
    this.crashAt = null;
    this.pausedUntil = 0;
  }

  /** A snapshot that the disk wanted. */
  heal(snapshot: Snapshot): void {
    if (this.isUp && !this.isPaused) this.disk.heal(snapshot);
  }

  /** The process is suspended; messages wait. @param catchUp its clock makes good for it in one go. */
  pause(ticks: number, catchUp: boolean): void {
    if (this.member === null || this.isPaused) return;
    this.pausedUntil = this.#timeline.now + ticks;
    this.#missedTicks = catchUp ? Math.min(burstTicksMax, Math.floor(ticks * this.rate)) : 0;
    const life = this.#life;
    this.#timeline.after(ticks, () => {
      if (life !== this.#life) return;
      const messages = this.#inbox;
      this.#inbox = [];
      this.stepClock(this.#missedTicks);
      this.#missedTicks = 0;
      for (const message of messages) this.receive(message);
    });
  }

  /** The own clock leaps forward. */
  stepClock(ticks: number): void {
    for (let at = 0; at < ticks; at++) this.ask((member) => member.tick());
  }

  receive(message: PeerMessage): void {
    if (this.member === null) return;
    if (this.isPaused) {
      if (this.#inbox.length < inboxMax) this.#inbox.push(message);
      return;
    }
    this.ask((member) => member.step(message));
  }

  /** Something is asked of the member, and everything that follows from it is carried out. Nothing when it is not running. */
  ask<Answer>(what: (member: RaftMember) => Answer): Answer | undefined {
    const { member } = this;
    if (member === null || this.isPaused) return undefined;
    const answer = what(member);
    this.#witness.moved(this);
    this.#drain();
    return answer;
  }

  /** `done` is called when the command is applied here; never, if the process ends before. */
  propose(command: Command, done: (took: boolean) => void): StepOutcome | undefined {
    if (this.member !== null) this.#waiting.expectCommand(command, done);
    const data = encodeCommand(command, this.#random.below(this.settings.paddingMax + 1));
    const outcome = this.ask((member) => member.propose(data));
    if (outcome?.taken !== true) this.#waiting.forgetCommand(command);
    return outcome;
  }

  /** @param context never used before in the whole group, in any life: a late answer to an old read must find nobody */
  read(context: number, read: WaitingRead): StepOutcome | undefined {
    if (this.member !== null) this.#waiting.expectRead(context, read);
    const outcome = this.ask((member) => member.readIndex(contextBytes(context)));
    if (outcome?.taken !== true) this.#waiting.forgetRead(context);
    return outcome;
  }

  #scheduleTick(life: number, after: number): void {
    const tick = (): void => {
      if (life !== this.#life) return;
      this.#timeline.after(1 / this.rate, tick);
      if (this.isPaused) return;
      if (this.isLeader && this.disk.stalledFor > this.settings.electionTicks) return this.fail(1);
      this.ask((member) => member.tick());
    };
    this.#timeline.after(after, tick);
  }

  /** The disk has refused a write, or keeps a leader waiting: the member is dropped, and comes back from what was written. */
  fail(ticks: number): void {
    this.crash();
    this.downUntil = Math.max(this.#timeline.now + ticks, this.disk.fullUntil);
  }

  #drain(): void {
    const life = this.#life;
    while (life === this.#life && this.member?.hasReady === true) {
      const ready = this.member.ready();
      if (ready.snapshot !== null) this.#applying.voidAll();
      this.#waiting.mayRead(ready.readStates);
      this.#waiting.serveReads(this.registers);
      if (this.settings.asyncStorage) this.#carryOutLater(ready);
      else this.#carryOut(ready);
    }
  }

  #send(messages: readonly PeerMessage[]): void {
    for (const message of messages) this.#witness.sent(this, message);
  }

  #carryOut(ready: Ready): void {
    const { sendsFirst } = this.settings;
    if (sendsFirst) this.#send(ready.messages);
    if (this.#crashesAt('before-write')) return;
    if (!this.disk.writeNow(ready)) return this.fail(1);
    if (ready.snapshot !== null) this.#adoptSnapshot();
    if (this.#crashesAt('after-write')) return;
    this.#send(ready.answers);
    if (!sendsFirst) this.#send(ready.messages);
    if (this.#crashesAt('after-answers')) return;
    for (const entry of ready.committed) this.#apply(entry);
    this.#afterApplying();
    if (this.#crashesAt('after-apply')) return;
    this.member!.advance();
    this.#witness.moved(this);
  }

  #crashesAt(point: CrashPoint): boolean {
    if (this.crashAt !== point) return false;
    this.crash();
    return true;
  }

  #carryOutLater(ready: Ready): void {
    const life = this.#life;
    this.#send(ready.messages);
    const { append, apply, mustSync } = ready;
    if (append !== null) {
      const isWritten = this.disk.write({ ...append, mustSync }, () =>
        this.#whenAwake(life, () => {
          if (append.snapshot !== null) this.#adoptSnapshot();
          this.#respond(append.responses);
        }),
      );
      if (!isWritten) return this.fail(1);
    }
    if (apply !== null) this.#applying.push(apply);
  }

  #carryOutApply(order: StorageApply, isVoid: boolean): void {
    if (!isVoid) {
      for (const entry of order.entries) this.#apply(entry);
      this.#afterApplying();
    }
    this.#respond(order.responses);
  }

  /** A suspended process hears of its disk when it goes on; one that has ended never does. */
  #whenAwake(life: number, act: () => void): void {
    if (life !== this.#life) return;
    if (this.isPaused) this.#timeline.at(this.pausedUntil, () => this.#whenAwake(life, act));
    else act();
  }

  /** What rests on finished work leaves, or is told to the own member. */
  #respond(responses: readonly Response[]): void {
    const life = this.#life;
    for (const response of responses) {
      if (response.to !== this.id) {
        this.#send([response as PeerMessage]);
        continue;
      }
      if (life !== this.#life || this.member === null) return;
      this.member.step(response);
      this.#witness.moved(this);
    }
    this.#drain();
  }

  #adoptSnapshot(): void {
    if (this.disk.registers.applied <= this.registers.applied) return;
    this.registers = this.disk.registers.clone();
    this.#snapshotAt = this.registers.applied;
    this.#witness.restored(this);
    this.#waiting.serveReads(this.registers);
  }

  #apply(entry: Entry): void {
    const { registers } = this;
    assert(entry.index === registers.applied + 1, `${entry.index} is applied after ${registers.applied}`);
    // A change may ask for a snapshot: the state is as before until both have moved.
    const change = isChangeKind(entry.kind) ? decodeChange(entry.kind, entry.data)! : null;
    if (change !== null) registers.membership = this.member!.applyChange(change);
    registers.applied = entry.index;
    if (change !== null) this.#witness.moved(this);
    this.#witness.applied(this, entry);
    const command = decodeCommand(entry);
    if (command === undefined) return;
    this.#waiting.applied(command, registers.apply(command));
  }

  #afterApplying(): void {
    this.#waiting.serveReads(this.registers);
    const { registers, disk } = this;
    const { snapshotEvery, keepBehind, checkpoints } = this.settings;
    if (this.#random.chance(checkpoints)) disk.registers = registers.clone();
    if (registers.applied - this.#snapshotAt < snapshotEvery) return;
    this.takeSnapshot();
    this.compact(registers.applied - keepBehind);
  }

  /** Of the state machine as it is. */
  snapshotNow(): Snapshot {
    const { registers, disk } = this;
    const index = registers.applied;
    const term = disk.log.term(index);
    assert(term !== undefined, `the term of ${index}, which is applied, is known`);
    return { id: { index, term }, membership: registers.membership, data: registers.toBytes() };
  }

  /** Keeps one. Nothing when it is there. */
  takeSnapshot(): void {
    const index = this.registers.applied;
    if (index <= this.#snapshotAt || index <= this.disk.snapshot.id.index) return;
    this.disk.keepSnapshot(this.snapshotNow());
    this.#snapshotAt = index;
  }

  /** One that names whoever is a member now; undefined while it is being made. */
  #freshSnapshot(): Snapshot | undefined {
    const isFresh = (): boolean => sameRecord(this.disk.snapshot.membership, this.registers.membership);
    if (!isFresh()) this.takeSnapshot();
    return isFresh() ? this.disk.snapshot : undefined;
  }

  compact(index: number): void {
    if (index < this.disk.log.firstIndex() || index > this.#snapshotAt) return;
    // The state must be safe before the entries that lead to it go.
    if (this.disk.registers.applied < index) this.disk.registers = this.registers.clone();
    this.disk.compact(index);
  }
}
