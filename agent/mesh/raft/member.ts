import { assert } from '../../base/assert.ts';
import { RaftCore } from './core.ts';
import type { LogIndex } from './entry.ts';
import { isSound } from './follow.ts';
import { encodeChange, leaveJoint, type MembershipChange } from './membership/change.ts';
import { recordOf, sameRecord, type Membership, type MembershipRecord } from './membership/membership.ts';
import { restoreTracker } from './membership/restore.ts';
import { isAnswer, isLocal, needsTerm, type Message, type Response } from './message.ts';
import type { RaftOptions } from './options.ts';
import { refused, type StepOutcome } from './outcome.ts';
import { isStorageThread, noPeer, type PeerId } from './peer-id.ts';
import { votersOf } from './quorum/joint.ts';
import { acceptReady, buildReady, hasReady, type Ready, type Told } from './ready.ts';
import { applyChange, switchMembership } from './reconfigure.ts';
import { becomeFollower } from './roles.ts';
import type { HardState, SoftState } from './state.ts';
import { sameHardState, emptyHardState } from './state.ts';
import { step } from './step.ts';
import { tick } from './tick.ts';
import type { Progress } from './tracker/progress.ts';

/** A member as it stands, for people and for tests. */
export interface MemberStatus {
  readonly id: PeerId;
  readonly hardState: HardState;
  readonly softState: SoftState;
  readonly applied: LogIndex;
  readonly transferee: PeerId;
  readonly membership: Membership;
  /** On leaders, ascending by id; empty elsewhere. Not to be kept: it changes with the next event. */
  readonly progress: ReadonlyMap<PeerId, Readonly<Progress>>;
}

/**
 * One member of a Raft group as a pure machine: events in (`tick`, `step`, `propose` …), effects out (`ready`). Starts from what
 * its log says is durable. README.md has the contract for hosts.
 */
export class RaftMember {
  readonly #core: RaftCore;
  #told: Told;
  /** Synchronous storage: what `advance` takes in. Not empty only between `ready` and `advance`. */
  #onAdvance: Response[] = [];

  constructor(options: RaftOptions) {
    const core = new RaftCore(options);
    this.#core = core;
    const { hardState, membership } = options.log.initialState();
    const last = core.lastId();
    const tracker = restoreTracker(membership, core.tracker.limits, last.index);
    core.tracker = tracker;
    const record = switchMembership(core, tracker.membership, tracker.progress);
    assert(sameRecord(record, membership), 'a restored membership is that of the log');
    if (!sameHardState(hardState, emptyHardState)) {
      core.log.restoreCommit(hardState.commit);
      core.term = hardState.term;
      core.vote = hardState.vote;
    }
    if (options.applied !== undefined && options.applied > 0) core.log.appliedTo(options.applied, 0);
    becomeFollower(core, core.term, noPeer);
    core.note({ kind: 'started', voters: votersOf(tracker.membership), last });
    this.#told = { softState: core.softState(), hardState: core.hardState() };
  }

  get id(): PeerId {
    return this.#core.id;
  }

  /** One tick of the group's clock; elections, heartbeats and checks of the quorum are counted in ticks. */
  tick(): void {
    tick(this.#core);
  }

  /** Ticks until this member acts by itself, if nothing else happens; 1 at least. */
  ticksUntilDue(): number {
    const { role, settings, heartbeatElapsed, electionElapsed, electionTimeout } = this.#core;
    if (role !== 'leader') return Math.max(1, electionTimeout - electionElapsed);
    const heartbeat = settings.heartbeatTicks - heartbeatElapsed;
    return Math.max(1, Math.min(heartbeat, settings.electionTicks - electionElapsed));
  }

  /**
   * Takes in a message from the network, or a response of the storage. `from` must be whom the connection proved to be. Local
   * events and answers from strangers are refused.
   */
  step(message: Message): StepOutcome {
    const isFromStorage = isStorageThread(message.from);
    if (isLocal(message.type) && !isFromStorage) return refused('local-message');
    if (isAnswer(message.type) && !isFromStorage && this.#core.tracker.get(message.from) === undefined)
      return refused('unknown-peer');
    if (message.term === 0 && this.#core.term > 0 && needsTerm(message.type)) return refused('malformed');
    if (message.type === 'append' && !isSound(message)) return refused('malformed');
    return step(this.#core, message);
  }

  /** Stands for election now. */
  campaign(): StepOutcome {
    return this.#local({ type: 'campaign' });
  }

  /** Proposes data for the log. Taken is not committed: wait for it in `committed`, and dedupe retries above. */
  propose(data: Uint8Array): StepOutcome {
    return this.proposeAll([data]);
  }

  /** Proposes several at once, all or none; they travel together, which is several times cheaper. Not empty. */
  proposeAll(batch: readonly Uint8Array[]): StepOutcome {
    const entries = batch.map((data) => ({ kind: 'normal', data }) as const);
    return step(this.#core, { type: 'propose', to: noPeer, from: this.#core.id, term: 0, entries });
  }

  /** Proposes a change of membership. If it must not be made now, an empty entry comes in its place. */
  proposeChange(change: MembershipChange = leaveJoint): StepOutcome {
    const entries = [encodeChange(change)];
    return step(this.#core, { type: 'propose', to: noPeer, from: noPeer, term: 0, entries });
  }

  /** Puts a committed change into effect: once for each change entry, in log order, when it is applied. */
  applyChange(change: MembershipChange): MembershipRecord {
    return applyChange(this.#core, change);
  }

  /** Asks for a point from which a read is linearizable; comes back in `readStates`, or not at all: then ask again. */
  readIndex(context: Uint8Array): StepOutcome {
    return step(this.#core, { type: 'read-index', to: noPeer, from: noPeer, term: 0, context });
  }

  /** Asks the leader to hand over to `to`. */
  transferLeader(to: PeerId): StepOutcome {
    return step(this.#core, { type: 'transfer-leader', to: noPeer, from: to, term: 0 });
  }

  /** The host knows the leader is gone (its connection was reset and it takes no new one). */
  forgetLeader(): StepOutcome {
    return this.#local({ type: 'forget-leader' });
  }

  /** Messages to `id` did not get through. */
  reportUnreachable(id: PeerId): StepOutcome {
    return step(this.#core, { type: 'unreachable', to: noPeer, from: id, term: 0 });
  }

  /** Whether the snapshot to `id` arrived. Must be called for every snapshot message, or the member gets nothing more. */
  reportSnapshot(id: PeerId, failed: boolean): StepOutcome {
    return step(this.#core, { type: 'snapshot-report', to: noPeer, from: id, term: 0, failed });
  }

  get hasReady(): boolean {
    return hasReady(this.#core, this.#told);
  }

  /** Takes the effects. With synchronous storage, `advance` follows before the next. */
  ready(): Ready {
    assert(this.#onAdvance.length === 0, 'a Ready is advanced before the next');
    const ready = buildReady(this.#core, this.#told);
    this.#told = {
      softState: ready.softState ?? this.#told.softState,
      hardState: ready.hardState ?? this.#told.hardState,
    };
    this.#onAdvance = acceptReady(this.#core, ready);
    return ready;
  }

  /** Synchronous storage only: the last Ready is durable and applied. */
  advance(): void {
    assert(!this.#core.settings.asyncStorage, 'asynchronous storage answers by messages');
    const steps = this.#onAdvance;
    this.#onAdvance = [];
    for (const message of steps) step(this.#core, message);
  }

  status(): MemberStatus {
    const core = this.#core;
    const progress = core.role === 'leader' ? core.tracker.ids : [];
    return {
      id: core.id,
      hardState: core.hardState(),
      softState: core.softState(),
      applied: core.log.applied,
      transferee: core.transferee,
      membership: core.tracker.membership,
      progress: new Map(progress.map((id) => [id, core.tracker.get(id)!])),
    };
  }

  membership(): MembershipRecord {
    return recordOf(this.#core.tracker.membership);
  }

  /** Replaces the timeout that chance gave, until the next change of role draws anew. For scripts, and for slow hosts. */
  setElectionTimeout(ticks: number): void {
    assert(ticks >= 1, 'an election timeout takes one tick at least');
    this.#core.electionTimeout = ticks;
  }

  #local(event: { readonly type: 'campaign' | 'forget-leader' }): StepOutcome {
    return step(this.#core, { ...event, to: noPeer, from: noPeer, term: 0 });
  }
}
