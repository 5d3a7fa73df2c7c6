import type { Entry, LogIndex, Term } from './entry.ts';
import type { PeerId } from './peer-id.ts';
import type { Role } from './state.ts';

/** What an observer may look at: the member as it is at this moment. */
export interface MemberView {
  readonly id: PeerId;
  readonly term: Term;
  readonly vote: PeerId;
  readonly lead: PeerId;
  readonly role: Role;
  readonly log: LogView;
}

export interface LogView {
  readonly committed: LogIndex;
  readonly applying: LogIndex;
  readonly applied: LogIndex;
  readonly unstable: {
    readonly offset: LogIndex;
    readonly offsetInProgress: LogIndex;
    readonly length: number;
    readonly entries: readonly Entry[];
  };
  firstIndex(): LogIndex;
  lastIndex(): LogIndex;
  /** Undefined when compacted away or beyond the end. */
  term(index: LogIndex): Term | undefined;
}
