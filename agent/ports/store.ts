import type { Micros } from '../base/units.ts';
import type { Batch } from '../reading/batch.ts';
import type { JournalEntry } from '../reading/journal-entry.ts';

/**
 * The store as other rooms see it: everything durable behind one asynchronous door. `agent/buffer` implements it over
 * the disk thread. Offsets are counted in readings, per stream, from 0, without holes.
 */
export interface Store {
  /**
   * 16 hex digits that name the database offsets count in: a data folder that was wiped or replaced begins at offset 0 under another
   * epoch. Known, and never another, from the end of the start on. @throws before.
   */
  readonly epoch: string;
  /** Encoded bytes that one append may have to be stored in one transaction. @throws before the end of the start. */
  readonly appendBytesMax: number;
  /** The first reading of a batch that no append can hold, now or later; null: all can be stored. @throws before the end of the start. */
  unstorable(batch: Batch): Unstorable | null;
  /**
   * Commits entries in the order of the calls and answers after fsync. Once a call is refused, those behind it are, until the
   * same entries are appended again and stored: what is stored is always a prefix of what was appended. Urgent appends, of streams of
   * high priority only, have an order of their own, and room that others leave to them. An answer `ok` promises that every reading
   * and every account of these entries survives a power cut.
   */
  append(entries: readonly JournalEntry[], options?: { readonly urgent: boolean }): Promise<AppendOutcome>;
  /** The next stored readings of `stream` at or above `from`, at most `readings` and about `bytes`; null when there are none. */
  read(request: ReadRequest): Promise<StoredRun | null>;
  /** What a receiver has taken or refused. Moves the cursor, the accounts and the budget in one transaction. */
  settle(settlement: Settlement): Promise<void>;
  /** Where every stream stands for one uplink. */
  backlog(uplink: string): Promise<readonly StreamBacklog[]>;
  /** Marks of messages that may be delivered again, oldest first, as `reading/mark-bytes.ts` lays them out. */
  marks(source: string): Promise<Uint8Array>;
  /** Called after each commit that made readings visible, with the streams that grew. Returns the way to stop. */
  onGrowth(listener: (streams: readonly string[]) => void): () => void;
}

/** A reading too large to be stored: where it stands in its batch, what it takes encoded, what it may take. */
export interface Unstorable {
  readonly index: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

export type AppendOutcome =
  | { readonly ok: true }
  /** `full`: by cap or device, with `when_full: block`; `io`: the device failed. Nothing of the call was stored; call again later. */
  | { readonly ok: false; readonly trouble: 'full' | 'io'; readonly message: string };

export interface ReadRequest {
  readonly stream: string;
  /** First offset wanted. */
  readonly from: number;
  /** Offsets at or beyond this are not wanted; absent: up to the head. */
  readonly until?: number;
  readonly readings: number;
  readonly bytes: number;
  /** Who will send the run and settle it: until then the store changes nothing in what was read and what was not. */
  readonly uplink?: string;
  /**
   * Names somebody who reads on run by run and settles nothing: the store keeps what was read and what was not in different summaries, so
   * that a walk is given each reading once, raw or in one summary. A walk it does not know (the first read, one it forgot for newer ones, after a
   * restart), and a read without uplink and walk, is also given the summaries that begin below `from` and reach over it.
   */
  readonly walk?: string;
}

/** The rung of the ladder a block stands on. */
export type Fidelity = 'raw' | 'segment' | 'window' | 'sketch';

export interface StoredRun {
  readonly stream: string;
  /** First offset covered; >= the `from` asked for (larger after a gap). */
  readonly first: number;
  /** One past the last offset covered: where to read on. Of raw readings `first + batch.length`. */
  readonly until: number;
  /**
   * Raw: the readings of these offsets. Else the summaries whose first reading lies in them, which may be none, and at the begin of a walk those
   * that reach into them: see `reading/summary.ts`.
   */
  readonly batch: Batch;
  readonly fidelity: Fidelity;
  /**
   * Set where times of arrival were taken while nobody had set the host's clock: `unset` counts on from the newest time known, `rebased`
   * was corrected since the clock was set. Absent: times of devices, or of a clock that is trusted.
   */
  readonly clock?: 'unset' | 'rebased';
  /** Wall clock of the commit, for age. */
  readonly committedMicros: Micros;
}

export interface Settlement {
  readonly uplink: string;
  readonly stream: string;
  /** Offsets `first` … `first + count - 1`. */
  readonly first: number;
  readonly count: number;
  /** `refused` moves the readings' copy to the dead-letter stream, with the receiver's words. */
  readonly outcome: { readonly kind: 'delivered' } | { readonly kind: 'refused'; readonly words: string };
  /** Bytes sent for it, charged to the uplink's budget of `day`. */
  readonly bytes: number;
  /** Days since 1970 by the wall clock. */
  readonly day: number;
}

/** One stream as one uplink sees it. `base <= head`; every offset below `base` is settled. */
export interface StreamBacklog {
  readonly stream: string;
  readonly priority: number;
  readonly base: number;
  readonly head: number;
  /** Settled ranges at or above `base`, disjoint, ascending: first offset and the one after the last. */
  readonly settled: readonly (readonly [number, number])[];
  /** Bytes stored that this uplink still has to take, an estimate. */
  readonly bytes: number;
  /** Commit time of the oldest unsettled reading, null when none waits. */
  readonly oldestMicros: Micros | null;
  /** Bytes charged to the budget of `budgetDay`. */
  readonly budgetBytes: number;
  readonly budgetDay: number;
}
