import type { LogIndex } from './entry.ts';
import type { ReadIndexMessage } from './message.ts';
import type { ReadMode } from './options.ts';
import type { PeerId } from './peer-id.ts';
import { committedByJoint, type JointQuorum } from './quorum/joint.ts';

/** A read may be served from the state machine once it has applied `index`. */
export interface ReadState {
  readonly index: LogIndex;
  readonly context: Uint8Array;
}

export interface WaitingRead {
  readonly request: ReadIndexMessage;
  /** The commit index when the read arrived. */
  readonly index: LogIndex;
}

/**
 * Reads of a leader that wait until a quorum has confirmed, after the read arrived, that it still leads (thesis §6.4). Reads are
 * numbered 1, 2, 3 … in order of arrival; a heartbeat carries the last number, its answer confirms every read up to it.
 */
export class ReadQueue {
  readonly mode: ReadMode;
  /** The last number each member has confirmed. */
  #confirmedBy = new Map<PeerId, number>();
  #waiting: WaitingRead[] = [];
  /** Numbers up to this one are served; #waiting[0] has the next. */
  #served = 0;

  constructor(mode: ReadMode) {
    this.mode = mode;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Number of the last read that waits; 0: none does. */
  get mark(): number {
    return this.#waiting.length === 0 ? 0 : this.#served + this.#waiting.length;
  }

  add(request: ReadIndexMessage, index: LogIndex): void {
    this.#waiting.push({ request, index });
  }

  confirm(member: PeerId, mark: number): void {
    if (mark > (this.#confirmedBy.get(member) ?? 0)) this.#confirmedBy.set(member, mark);
  }

  /** The reads that a quorum has confirmed, in order; each is given once. */
  takeConfirmed(quorum: JointQuorum): readonly WaitingRead[] {
    const confirmed = committedByJoint(quorum, (member) => this.#confirmedBy.get(member));
    const count = Math.min(confirmed - this.#served, this.#waiting.length);
    if (count <= 0) return [];
    this.#served += count;
    return this.#waiting.splice(0, count);
  }

  reset(): void {
    this.#confirmedBy = new Map();
    this.#waiting = [];
    this.#served = 0;
  }
}
