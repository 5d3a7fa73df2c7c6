import type { LogIndex } from '../entry.ts';
import { emptyMembership, type Membership } from '../membership/membership.ts';
import type { PeerId } from '../peer-id.ts';
import { committedByJoint, voteByJoint } from '../quorum/joint.ts';
import type { VoteResult } from '../quorum/majority.ts';
import { Inflights } from './inflights.ts';
import { Progress } from './progress.ts';

export interface InflightLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** The members and what is known of each: the leader's progress, the candidate's votes. */
export class Tracker {
  readonly limits: InflightLimits;
  #membership: Membership = emptyMembership;
  #progress: ReadonlyMap<PeerId, Progress> = new Map();
  /** Keys of `#progress`, ascending: every walk takes this order, so that a run repeats. */
  #ids: readonly PeerId[] = [];
  /** Votes of the running election; the first vote of a member counts. votes ⊆ members. */
  readonly #votes = new Map<PeerId, boolean>();
  readonly #matchOf = (id: PeerId): LogIndex | undefined => this.#progress.get(id)?.match;

  constructor(limits: InflightLimits) {
    this.limits = limits;
  }

  get membership(): Membership {
    return this.#membership;
  }

  get progress(): ReadonlyMap<PeerId, Progress> {
    return this.#progress;
  }

  get ids(): readonly PeerId[] {
    return this.#ids;
  }

  get(id: PeerId): Progress | undefined {
    return this.#progress.get(id);
  }

  switchTo(membership: Membership, progress: ReadonlyMap<PeerId, Progress>): void {
    this.#membership = membership;
    this.#progress = progress;
    this.#ids = [...progress.keys()].sort((a, b) => a - b);
  }

  /** Forgets what was known of every member; a new leader starts with guesses (Raft §5.3: next = last + 1). */
  resetProgress(self: PeerId, lastIndex: LogIndex): void {
    const fresh = new Map<PeerId, Progress>();
    for (const id of this.#ids) {
      const isLearner = this.#progress.get(id)!.isLearner;
      const match = id === self ? lastIndex : 0;
      fresh.set(id, new Progress({ match, next: lastIndex + 1 }, this.newInflights(), isLearner));
    }
    this.#progress = fresh;
  }

  newInflights(): Inflights {
    return new Inflights(this.limits.messagesMax, this.limits.bytesMax);
  }

  /** It is the only voter, outside any change, and decides alone. A leader that was removed and stays on is not. */
  isAlone(id: PeerId): boolean {
    const { incoming, outgoing } = this.#membership;
    return incoming.size === 1 && incoming.has(id) && outgoing.size === 0;
  }

  /** The largest index a quorum holds durably. */
  committed(): LogIndex {
    return committedByJoint(this.#membership, this.#matchOf);
  }

  /** Whether a quorum has spoken since the last check. */
  quorumActive(): boolean {
    const active = new Map<PeerId, boolean>();
    for (const [id, progress] of this.#progress)
      if (!progress.isLearner) active.set(id, progress.recentActive);
    return voteByJoint(this.#membership, active) === 'won';
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  recordVote(id: PeerId, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  hasVoted(id: PeerId): boolean {
    return this.#votes.has(id);
  }

  tally(): { readonly granted: number; readonly rejected: number; readonly result: VoteResult } {
    let granted = 0;
    let rejected = 0;
    for (const [id, progress] of this.#progress) {
      const vote = this.#votes.get(id);
      if (progress.isLearner || vote === undefined) continue;
      if (vote) granted++;
      else rejected++;
    }
    return { granted, rejected, result: voteByJoint(this.#membership, this.#votes) };
  }
}
