import { assert } from '#agent/base/assert.ts';
import { Prng } from '#agent/base/prng.ts';
import { isChangeKind, type Entry } from '#agent/mesh/raft/entry.ts';
import { RaftMember } from '#agent/mesh/raft/member.ts';
import type { MemberView } from '#agent/mesh/raft/member-view.ts';
import { decodeChange } from '#agent/mesh/raft/membership/change.ts';
import { sameRecord } from '#agent/mesh/raft/membership/membership.ts';
import type { PeerMessage, Response, StorageApply } from '#agent/mesh/raft/message.ts';
import type { Note } from '#agent/mesh/raft/note.ts';
import type { StepOutcome } from '#agent/mesh/raft/outcome.ts';
import { peerId, type PeerId } from '#agent/mesh/raft/peer-id.ts';
import type { ReadState } from '#agent/mesh/raft/read-queue.ts';
import type { Ready } from '#agent/mesh/raft/ready.ts';
import type { Timeline } from '../timeline.ts';
import { commandName, decodeCommand, encodeCommand, type Command } from './command.ts';
import { SimDisk, type Write } from './disk.ts';
import { Registers } from './registers.ts';
import type { SimSettings } from './settings.ts';

/** Who watches a node, and carries what it sends. */
export interface NodeWitness {
  /** After everything that was asked of the member. */
  moved(node: SimNode): void;
  noted(node: SimNode, note: Note): void;
  wrote(node: SimNode, write: Write): void;
  sent(node: SimNode, message: PeerMessage): void;
  applied(node: SimNode, entry: Entry): void;
  restored(node: SimNode): void;
}

/** Where synchronous storage may lose its process. */
export type CrashPoint = 'before-write' | 'after-write' | 'after-answers' | 'after-apply';

const inboxMax = 1_000;
/** A suspended process that catches up ticks no more than this at once. */
const burstTicksMax = 100;

interface WaitingRead {
  readonly key: number;
  readonly done: (value: number) => void;
}

/** One process: a member, its disk, its state machine, and the loop the README of agent/mesh/raft asks of a host. */
export class SimNode {
  readonly id: PeerId;
  readonly disk: SimDisk;
  readonly settings: SimSettings;
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
  #orders: { readonly order: StorageApply; void: boolean }[] = [];
  #applying = false;
  #commands = new Map<string, (done: boolean) => void>();
  #reads = new Map<number, WaitingRead>();
  #readStates: ReadState[] = [];
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
    this.disk = new SimDisk({
      timeline: options.timeline,
      random: this.#random,
      wrote: (write) => this.#witness.wrote(this, write),
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

  /** From what the disk holds. False when that cannot be believed. */
  start(): boolean {
    if (this.member !== null) return true;
    if (this.disk.damaged) this.quarantined = true;
    if (this.quarantined) return false;
    const log = this.disk.open(() => this.#freshenSnapshot());
    this.registers = this.disk.registers.clone();
    this.#snapshotAt = this.disk.log.snapshot().id.index;
    const { guarded, limits, electionTicks, heartbeatTicks } = this.settings;
    const { asyncStorage, forwardProposals, stepDownOnRemoval } = this.settings;
    this.member = new RaftMember({
      id: this.id,
      log,
      entropy: this.#random,
      electionTicks,
      heartbeatTicks,
      applied: this.registers.applied,
      doubt: this.disk.doubt,
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
    return true;
  }

  /** The process ends at once; what it had not synced may be gone. */
  crash(): void {
    if (this.member === null) return;
    this.member = null;
    this.#life++;
    this.disk.crash();
    this.#inbox = [];
    this.#missedTicks = 0;
    this.#orders = [];
    this.#applying = false;
    this.#commands.clear();
    this.#reads.clear();
    this.#readStates = [];
    this.crashAt = null;
    this.pausedUntil = 0;
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
    const name = commandName(command);
    if (this.member !== null) this.#commands.set(name, done);
    const data = encodeCommand(command, this.#random.below(this.settings.paddingMax + 1));
    const outcome = this.ask((member) => member.propose(data));
    if (outcome?.taken !== true) this.#commands.delete(name);
    return outcome;
  }

  /** @param context never used before in the whole group, in any life: a late answer to an old read must find nobody */
  read(context: number, read: WaitingRead): StepOutcome | undefined {
    if (this.member !== null) this.#reads.set(context, read);
    const outcome = this.ask((member) => member.readIndex(contextBytes(context)));
    if (outcome?.taken !== true) this.#reads.delete(context);
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
      if (ready.snapshot !== null) for (const each of this.#orders) each.void = true;
      this.#readStates.push(...ready.readStates);
      this.#serveReads();
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
    if (apply === null) return;
    this.#orders.push({ order: apply, void: false });
    this.#applyNext(life);
  }

  #applyNext(life: number): void {
    if (this.#applying || this.#orders.length === 0) return;
    this.#applying = true;
    const ticks = this.#random.float() * this.applyMax;
    this.#timeline.after(ticks, () =>
      this.#whenAwake(life, () => {
        this.#applying = false;
        const { order, void: isVoid } = this.#orders.shift()!;
        if (!isVoid) {
          for (const entry of order.entries) this.#apply(entry);
          this.#afterApplying();
        }
        this.#respond(order.responses);
        this.#applyNext(life);
      }),
    );
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
    this.#serveReads();
  }

  #apply(entry: Entry): void {
    const { registers } = this;
    assert(entry.index === registers.applied + 1, `${entry.index} is applied after ${registers.applied}`);
    registers.applied = entry.index;
    if (isChangeKind(entry.kind)) {
      registers.membership = this.member!.applyChange(decodeChange(entry.kind, entry.data)!);
      this.#witness.moved(this);
    }
    this.#witness.applied(this, entry);
    const command = decodeCommand(entry);
    if (command === undefined) return;
    const took = registers.apply(command);
    const name = commandName(command);
    const done = this.#commands.get(name);
    this.#commands.delete(name);
    if (took !== undefined) done?.(took);
  }

  #afterApplying(): void {
    this.#serveReads();
    const { registers, disk } = this;
    const { snapshotEvery, keepBehind, checkpoints } = this.settings;
    if (this.#random.chance(checkpoints)) disk.registers = registers.clone();
    if (registers.applied - this.#snapshotAt < snapshotEvery) return;
    this.takeSnapshot();
    this.compact(registers.applied - keepBehind);
  }

  /** Of the state machine as it is. Nothing when one of it is there. */
  takeSnapshot(): void {
    const { registers, disk } = this;
    const index = registers.applied;
    if (index <= disk.log.snapshot().id.index) return;
    const id = { index, term: disk.log.term(index)! };
    disk.log.keepSnapshot({ id, membership: registers.membership, data: registers.toBytes() });
    this.#snapshotAt = index;
  }

  #freshenSnapshot(): void {
    if (!sameRecord(this.disk.log.snapshot().membership, this.registers.membership)) this.takeSnapshot();
  }

  compact(index: number): void {
    if (index < this.disk.log.firstIndex() || index > this.disk.log.snapshot().id.index) return;
    this.disk.log.compact(index);
    if (this.disk.registers.applied < index)
      this.disk.registers = Registers.fromBytes(this.disk.log.snapshot().data);
  }

  #serveReads(): void {
    const waiting: ReadState[] = [];
    for (const state of this.#readStates) {
      if (state.index > this.registers.applied) {
        waiting.push(state);
        continue;
      }
      const context = contextOf(state.context);
      const read = this.#reads.get(context);
      this.#reads.delete(context);
      read?.done(this.registers.read(read.key));
    }
    this.#readStates = waiting;
  }
}

function contextBytes(context: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, context);
  return bytes;
}

const contextOf = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
