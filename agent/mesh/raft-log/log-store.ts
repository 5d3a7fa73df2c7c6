import { assert } from '../../base/assert.ts';
import { DiskError } from '../../ports/database.ts';
import type { LogIndex } from '../raft/entry.ts';
import { noPeer } from '../raft/peer-id.ts';
import type { HardState } from '../raft/state.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import type { LogImage } from './image.ts';
import { limits } from './limits.ts';
import type { AppendOrder, KeepSnapshotOrder, LogDamage } from './port.ts';
import {
  chainStart,
  entryRow,
  isHeadSound,
  sealBallot,
  sealHead,
  snapshotRow,
  type Ballot,
  type Chain,
  type Head,
} from './rows.ts';
import type { LogDevice, LogTables } from './tables.ts';
import { isBlank, isOutdated, verify, type Truncation, type Verdict } from './verify.ts';

export type WriteOrder = AppendOrder | KeepSnapshotOrder;

export type LogOpening =
  | {
      readonly kind: 'sound';
      readonly image: LogImage;
      readonly truncation: Truncation | null;
      readonly mendedBallot: boolean;
    }
  | { readonly kind: 'damaged'; readonly damage: LogDamage };

/**
 * One log over its tables: synchronous, on the thread that may wait for the device. Every change is one synced transaction. After
 * a `DiskError` nothing but `open` and `close` may follow: whether the change stands is found out by reading.
 */
export class LogStore {
  readonly #device: LogDevice;
  #tables: LogTables | null = null;
  #generation = 0;
  /** As it is on the device. Null until a sound log is open. */
  #head: Head | null = null;
  #snapshotIndex: LogIndex = 0;

  constructor(device: LogDevice) {
    this.#device = device;
  }

  /** Opens anew and reads all of it. @throws {DiskError} when the device fails. */
  open(): LogOpening {
    this.close();
    let verdict: Verdict;
    try {
      verdict = verify(this.#openNewest());
      if (verdict.kind === 'sound') this.#mend(verdict);
    } catch (error) {
      if (!(error instanceof DiskError) || error.trouble !== 'corrupt') throw error;
      return { kind: 'damaged', damage: { reason: error.message, ...this.#ruins() } };
    }
    if (verdict.kind === 'damaged') return verdict;
    const { head, image, truncation, mendBallot } = verdict;
    this.#head = head;
    this.#snapshotIndex = image.snapshot?.id.index ?? 0;
    return { kind: 'sound', image, truncation, mendedBallot: mendBallot };
  }

  /** All orders in one transaction. */
  write(orders: readonly WriteOrder[]): void {
    const { tables, head: before } = this.#opened();
    let head = before;
    let snapshotIndex = this.#snapshotIndex;
    tables.transaction(() => {
      for (const order of orders) {
        if (order.snapshot !== null && order.snapshot.id.index > snapshotIndex) {
          if (order.kind === 'append') head = restore(tables, head, order.snapshot);
          else head = keep(tables, head, order.snapshot);
          snapshotIndex = order.snapshot.id.index;
        }
        if (order.kind === 'append') head = append(tables, head, order);
      }
      this.#putHead(head);
    });
    this.#head = head;
    this.#snapshotIndex = snapshotIndex;
  }

  /** One step towards `upTo`. True when there is more to do. */
  compactStep(upTo: LogIndex): boolean {
    const { tables, head } = this.#opened();
    assert(
      upTo <= this.#snapshotIndex,
      `compacting to ${upTo} beyond the snapshot at ${this.#snapshotIndex}`,
    );
    if (upTo <= head.before.index) return false;
    const index = Math.min(upTo, head.before.index + limits.compactEntriesMax);
    const row = tables.readEntry(index);
    if (row === null) throw new DiskError('corrupt', `entry ${index} is missing`);
    const next = { ...head, before: { index, term: row.term }, beforeChain: row.chain };
    tables.transaction(() => {
      tables.deleteUpTo(index);
      this.#putHead(next);
    });
    this.#head = next;
    return index < upTo;
  }

  /** What a snapshot must reach to end the doubt, and what this member voted; null: there is no doubt. */
  get doubt(): { readonly needIndex: LogIndex; readonly ballot: Ballot } | null {
    const { doubt, term, vote } = this.#opened().head;
    return doubt === 0 ? null : { needIndex: doubt, ballot: { term, vote } };
  }

  get lastIndex(): LogIndex {
    return this.#opened().head.last;
  }

  /** Ends the doubt by decree. */
  acceptLoss(): void {
    const { tables, head } = this.#opened();
    const next = { ...head, doubt: 0 };
    tables.transaction(() => this.#putHead(next));
    this.#head = next;
  }

  /** In place of a log that is damaged or in doubt: a file of its own, whole before it counts; votes are withheld below `doubt`. `open` follows. */
  heal(snapshot: Snapshot, { ballot, doubt }: { readonly ballot: Ballot; readonly doubt: LogIndex }): void {
    const isNewer = snapshot.id.term > ballot.term;
    const own = isNewer ? { term: snapshot.id.term, vote: noPeer } : ballot;
    const generation = this.#generation + 1;
    this.close();
    const tables = this.#device.open(generation);
    try {
      tables.transaction(() => {
        tables.putSnapshot(snapshotRow(snapshot));
        tables.putBallot(sealBallot(own));
        tables.putHead(sealHead({ ...own, ...emptyAfter(snapshot), doubt }));
      });
    } finally {
      tables.close();
    }
  }

  /** Whether there is room to go on, proved by writing. */
  proveRoom(): void {
    this.#opened().tables.proveRoom(limits.probeBytes);
  }

  upkeep(): void {
    this.#opened().tables.upkeep();
  }

  close(): void {
    const tables = this.#tables;
    this.#tables = null;
    this.#head = null;
    tables?.close();
  }

  #opened(): { readonly tables: LogTables; readonly head: Head } {
    assert(this.#tables !== null && this.#head !== null, 'a sound log is open');
    return { tables: this.#tables, head: this.#head };
  }

  /** The newest generation that was finished; what it took the place of is set aside. */
  #openNewest(): LogTables {
    const generations = this.#device.generations();
    const newest = generations.at(-1) ?? 1;
    const former = generations.at(-2);
    let tables = this.#openGeneration(newest);
    if (former === undefined) return tables;
    if (isBlank(tables)) {
      tables.close();
      this.#device.remove(newest);
      tables = this.#openGeneration(former);
    } else for (const generation of generations.slice(0, -1)) this.#device.setAside(generation);
    return tables;
  }

  #openGeneration(generation: number): LogTables {
    this.#tables = null;
    this.#generation = generation;
    return (this.#tables = this.#device.open(generation));
  }

  #mend({ head, truncation, mendBallot }: Extract<Verdict, { kind: 'sound' }>): void {
    const tables = this.#tables;
    assert(tables !== null, 'open');
    if (truncation === null && !mendBallot) return;
    tables.transaction(() => {
      if (truncation !== null) tables.deleteFrom(truncation.from);
      tables.putHead(sealHead(head));
      tables.putBallot(sealBallot(head));
    });
  }

  /** What can still be read of a file that SQLite finds broken. */
  #ruins(): Pick<LogDamage, 'needIndex' | 'ballot'> {
    const tables = this.#tables;
    const read = <T>(work: () => T, otherwise: T): T => {
      try {
        return work();
      } catch (error) {
        if (error instanceof DiskError && error.trouble === 'corrupt') return otherwise;
        throw error;
      }
    };
    if (tables === null) return { needIndex: 0, ballot: null };
    const head = read(() => tables.readHead(), null);
    const ballot = read(() => tables.readBallot(), null);
    const isKnown = head !== null && isHeadSound(head) && !isOutdated(head, ballot);
    if (!isKnown) return { needIndex: read(() => tables.lastIndex(), 0), ballot: null };
    return { needIndex: head.last, ballot: { term: head.term, vote: head.vote } };
  }

  #putHead(head: Head): void {
    const { tables, head: before } = this.#opened();
    tables.putHead(sealHead(head));
    if (head.term !== before.term || head.vote !== before.vote) tables.putBallot(sealBallot(head));
  }
}

/** A log that holds nothing but a snapshot. */
function emptyAfter({ id }: Snapshot): Omit<Head, 'term' | 'vote' | 'doubt'> {
  return { commit: id.index, before: id, beforeChain: chainStart, last: id.index, lastChain: chainStart };
}

function restore(tables: LogTables, head: Head, snapshot: Snapshot): Head {
  assert(snapshot.id.index > head.commit, `a snapshot at ${snapshot.id.index} would undo commits`);
  tables.deleteFrom(0);
  tables.putSnapshot(snapshotRow(snapshot));
  return { ...head, ...emptyAfter(snapshot) };
}

function keep(tables: LogTables, head: Head, snapshot: Snapshot): Head {
  const { index } = snapshot.id;
  assert(index <= head.last, `a snapshot of entry ${index}, which is not there`);
  tables.putSnapshot(snapshotRow(snapshot));
  // It is of applied state, so all of it is committed.
  return { ...head, commit: Math.max(head.commit, index) };
}

function append(tables: LogTables, head: Head, { hardState, entries }: AppendOrder): Head {
  const fresh = entries.filter(({ index }) => index > head.before.index);
  let { last, lastChain } = head;
  const first = fresh[0];
  if (first !== undefined) {
    assert(first.index <= last + 1, `entry ${first.index} leaves a hole after ${last}`);
    assert(first.index > head.commit, `entry ${first.index} would replace a committed one (${head.commit})`);
    if (first.index <= last) {
      lastChain = chainAt(tables, head, first.index - 1);
      tables.deleteFrom(first.index);
    }
    for (const entry of fresh) {
      const row = entryRow(entry, lastChain);
      tables.insertEntry(row);
      lastChain = row.chain;
    }
    last = fresh.at(-1)!.index;
  }
  const next = { ...head, ...(hardState === null ? {} : advanced(head, hardState)), last, lastChain };
  const lastTerm = fresh.at(-1)?.term ?? 0;
  assert(lastTerm <= next.term, `an entry of term ${lastTerm} is durable before its term (${next.term})`);
  assert(next.commit <= last, `commit ${next.commit} is beyond the last entry ${last}`);
  // A leader has brought the log back to where it may have been acknowledged.
  return next.doubt <= last ? { ...next, doubt: 0 } : next;
}

/** Rule 1 of agent/mesh/raft/README.md, once more before it is written. */
function advanced(head: Head, hardState: HardState): HardState {
  const { term, vote, commit } = hardState;
  assert(term >= head.term, `a term never falls: ${term} after ${head.term}`);
  const keepsVote = term > head.term || head.vote === noPeer || vote === head.vote;
  assert(keepsVote, `one vote a term: ${vote} after ${head.vote} in term ${term}`);
  assert(commit >= head.commit, `a commit never falls: ${commit} after ${head.commit}`);
  return { term, vote, commit };
}

function chainAt(tables: LogTables, head: Head, index: LogIndex): Chain {
  if (index === head.before.index) return head.beforeChain;
  const row = tables.readEntry(index);
  if (row === null) throw new DiskError('corrupt', `entry ${index} is missing`);
  return row.chain;
}
