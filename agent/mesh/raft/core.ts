import { assert } from '../../base/assert.ts';
import type { Entropy } from '../../ports/entropy.ts';
import type { EntryId, LogIndex, Term } from './entry.ts';
import { RaftLog } from './log/raft-log.ts';
import type { MemberView } from './member-view.ts';
import { isPromise, type PeerMessage, type ReadIndexMessage } from './message.ts';
import type { Note } from './note.ts';
import { settingsOf, type RaftOptions, type Settings } from './options.ts';
import { noPeer, type PeerId } from './peer-id.ts';
import { ReadQueue, type ReadState } from './read-queue.ts';
import type { HardState, Role, SoftState } from './state.ts';
import { Tracker } from './tracker/tracker.ts';

/**
 * The state of one member. The rules that move it live by concern in the files beside this one; each takes the core and
 * changes what it owns. Effects gather in `outbox`, `promises` and `readStates` until a Ready takes them.
 */
export class RaftCore implements MemberView {
  readonly id: PeerId;
  readonly settings: Settings;
  readonly log: RaftLog;
  tracker: Tracker;

  /** Never falls. */
  term: Term = 0;
  /** Set once a term: from nobody to one member, until the term rises. */
  vote: PeerId = noPeer;
  role: Role = 'follower';
  /** The leader of `term` as far as known; itself on a leader, nobody on candidates. */
  lead: PeerId = noPeer;
  isLearner = false;

  /** Leaders only: who is to lead next; while set, nothing is proposed. Lasts one election timeout at most. */
  transferee: PeerId = noPeer;
  /** Leaders only: no change may be proposed while applied < this. May overestimate; an unapplied change is never above it. */
  pendingChangeIndex: LogIndex = 0;
  /** Leaders only: payload proposed in this term and not yet applied; an estimate ≤ uncommittedBytesMax + one entry. */
  uncommittedBytes = 0;

  /** Ticks since the leader was heard or the election began; on leaders since the last check of the quorum. */
  electionElapsed = 0;
  /** Leaders only: ticks since the last heartbeat, < heartbeatTicks after a tick. */
  heartbeatElapsed = 0;
  /** In electionTicks … 2 × electionTicks - 1, drawn anew with every change of role. */
  electionTimeout = 0;

  /**
   * Followers only: entries were passed over for want of room, and neither the disk nor the state machine has got on since. Until then
   * nothing that cannot be taken is answered.
   */
  isFull = false;
  /**
   * Followers only: ticks for which no more than one append a tick is refused, after entries were passed over. What was sent behind
   * those cannot be taken either, and a refusal of each would bring all of it again, ever more often.
   */
  rationTicks = 0;
  hasRefusedInTick = false;

  /** README.md, Lost ends. 0, or > the last index that is durable. */
  doubt: LogIndex;

  readonly reads: ReadQueue;
  /** Leaders only: reads that wait for the first commit of the term. */
  pendingReads: ReadIndexMessage[] = [];
  /** Reads that may be served once applied ≥ index; the next Ready takes them. */
  readStates: ReadState[] = [];

  /** May leave at any time. */
  outbox: PeerMessage[] = [];
  /** Rest on state that is not durable yet: they leave only after it is written (answers, also to itself). */
  promises: PeerMessage[] = [];

  readonly #entropy: Entropy;
  readonly #observe: (note: Note, member: MemberView) => void;

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.settings = settingsOf(options);
    const { limits, readMode } = this.settings;
    this.#entropy = options.entropy;
    this.#observe = options.observe ?? ((): void => undefined);
    this.log = new RaftLog(options.log, {
      applyingBytesMax: limits.applyingBytesMax,
      observe: (note) => this.note(note),
    });
    this.tracker = new Tracker({
      messagesMax: limits.inflightMessagesMax,
      bytesMax: limits.inflightBytesMax,
    });
    this.reads = new ReadQueue(readMode);
    this.doubt = options.doubt ?? 0;
    this.endDoubt();
  }

  note(note: Note): void {
    this.#observe(note, this);
  }

  softState(): SoftState {
    return { lead: this.lead, role: this.role };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /**
   * The one way out. What promises something durable waits for the write; the rest leaves at once. A full outbox loses messages, which
   * the protocol bears; promises are never lost, and there is one at most for each message taken in.
   */
  send(message: PeerMessage): void {
    if (isPromise(message.type)) {
      this.promises.push(message);
      return;
    }
    assert(message.to !== this.id, `a ${message.type} is not for its sender`);
    if (this.outbox.length >= this.settings.limits.outboxMessagesMax) {
      this.note({ kind: 'message-lost-in-full-outbox', type: message.type, to: message.to });
      return;
    }
    this.outbox.push(message);
  }

  /** A leader has brought the log back to where it may have been promised: whatever of that was committed is in it. */
  endDoubt(): void {
    const { unstable } = this.log;
    if (this.doubt === 0 || unstable.snapshot !== null || unstable.offset <= this.doubt) return;
    this.doubt = 0;
    this.note({ kind: 'doubt-ended' });
  }

  /** Puts a term and its vote in place together; see rule 1 of the README. */
  enterTerm(term: Term): void {
    assert(term >= this.term, `term ${term} after ${this.term}`);
    if (term === this.term) return;
    this.term = term;
    this.vote = noPeer;
  }

  /** What every change of role starts with. */
  reset(term: Term): void {
    this.enterTerm(term);
    this.lead = noPeer;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.drawElectionTimeout();
    this.transferee = noPeer;
    this.isFull = false;
    this.rationTicks = 0;
    this.tracker.resetVotes();
    this.tracker.resetProgress(this.id, this.log.lastIndex());
    this.pendingChangeIndex = 0;
    this.uncommittedBytes = 0;
    this.reads.reset();
    this.pendingReads = [];
  }

  drawElectionTimeout(): void {
    const { electionTicks } = this.settings;
    this.electionTimeout = electionTicks + Math.floor(this.#entropy.float() * electionTicks);
  }

  /** A voter whose log and membership are settled, and its log whole: nobody else may stand for election. */
  get promotable(): boolean {
    const own = this.tracker.get(this.id);
    const isVoter = own !== undefined && !own.isLearner;
    return isVoter && this.log.unstable.snapshot === null && this.doubt === 0;
  }

  /** Whether an entry of this term is committed; before that a leader does not know what is (Raft §8). */
  get committedInTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }

  /** Drops pending reads beyond their bound. False when there is no room. */
  get roomForRead(): boolean {
    return this.pendingReads.length + this.reads.waiting < this.settings.limits.readsPendingMax;
  }

  lastId(): EntryId {
    return this.log.lastId();
  }

  /** What votes tell of the commit index: nothing without `frankVotes`. */
  committedId(): EntryId {
    if (!this.settings.frankVotes) return { term: 0, index: 0 };
    const index = this.log.committed;
    const term = this.log.term(index);
    assert(term !== undefined, `the term of the committed entry ${index} is known`);
    return { term, index };
  }
}
