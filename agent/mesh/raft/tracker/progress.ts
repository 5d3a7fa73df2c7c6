import { assert } from '../../../base/assert.ts';
import type { LogIndex } from '../entry.ts';
import type { Inflights } from './inflights.ts';

/**
 * How the leader sends to a member. `probe`: one append at a time, to find where the logs agree. `replicate`: pipelined,
 * `next` runs ahead of `match`. `snapshot`: the member needs entries the log no longer holds; nothing is sent until it has
 * the snapshot.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What the leader knows of one member. Meaningful on leaders only. */
export class Progress {
  /** Known to be durable at the member. match < next. Falls only with `fallBack`. */
  match: LogIndex;
  /** The next entry to send. In `probe`: the guess under test. In `snapshot`: pendingSnapshot + 1. */
  next: LogIndex;
  /**
   * The highest commit index in flight to the member. Never believed beyond next - 1 when deciding to send, as a member
   * commits no further than its log reaches.
   */
  sentCommit: LogIndex = 0;
  state: ProgressState = 'probe';
  /** The snapshot under way, or 0. Not 0 only in `snapshot`. */
  pendingSnapshot: LogIndex = 0;
  /** Told of a loss since the last heartbeat to it. Further reports until the next may be older ones, and each costs a probe. */
  hasFallenBack = false;
  /** The member has spoken since the last check of the quorum. */
  recentActive = false;
  /** No append may be sent: the probe is out, or the window is full. */
  appendPaused = false;
  readonly inflights: Inflights;
  isLearner: boolean;

  constructor(
    at: { readonly match: LogIndex; readonly next: LogIndex },
    inflights: Inflights,
    isLearner: boolean,
  ) {
    this.match = at.match;
    this.next = at.next;
    this.inflights = inflights;
    this.isLearner = isLearner;
  }

  /** A copy that shares the window, for a membership that is being built. */
  fork(): Progress {
    const copy = new Progress(this, this.inflights, this.isLearner);
    copy.sentCommit = this.sentCommit;
    copy.state = this.state;
    copy.pendingSnapshot = this.pendingSnapshot;
    copy.hasFallenBack = this.hasFallenBack;
    copy.recentActive = this.recentActive;
    copy.appendPaused = this.appendPaused;
    return copy;
  }

  get paused(): boolean {
    return this.state === 'snapshot' || this.appendPaused;
  }

  #enter(state: ProgressState): void {
    this.appendPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.reset();
  }

  becomeProbe(): void {
    // Coming from a snapshot that arrived, the member's log reaches at least to it.
    const reached = this.state === 'snapshot' ? Math.max(this.match, this.pendingSnapshot) : this.match;
    this.#enter('probe');
    this.next = reached + 1;
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: LogIndex, next = index + 1): void {
    this.#enter('snapshot');
    this.pendingSnapshot = index;
    this.next = next;
    this.sentCommit = index;
  }

  /** Accounts for an append that leaves now. */
  sentEntries(count: number, bytes: number): void {
    assert(this.state !== 'snapshot', 'no append is sent to a member that waits for a snapshot');
    if (this.state === 'probe') {
      if (count > 0) this.appendPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    this.appendPaused = this.inflights.full;
  }

  /** Whether an empty append would tell the member a commit index it can use and has not been told. */
  canRaiseCommit(commit: LogIndex): boolean {
    return commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  /** The member has acknowledged `index`. False when that was known. */
  acknowledge(index: LogIndex): boolean {
    this.next = Math.max(this.next, index + 1);
    if (index <= this.match) return false;
    this.match = index;
    this.appendPaused = false;
    return true;
  }

  /** The member holds less than it had acknowledged: no more than up to `index`. The only way back for `match`. */
  fallBack(index: LogIndex): void {
    assert(index < this.match, `falling back from ${this.match} to ${index}`);
    this.match = index;
    this.hasFallenBack = true;
    // A snapshot on its way reaches further than what was lost, or finds another probe.
    if (this.state !== 'snapshot') this.becomeProbe();
  }

  /**
   * The member has refused the append after `rejected`; `hint` is where it may agree. False for an answer to an older
   * append, which says nothing new.
   * @param least `next` does not fall below it
   */
  retreat(rejected: LogIndex, hint: LogIndex, least = this.match + 1): boolean {
    if (this.state === 'replicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), least);
      this.appendPaused = false;
    }
    this.sentCommit = Math.min(this.sentCommit, this.next - 1);
    return true;
  }
}
