import type { AnswerJson } from '../query/answer.ts';
import type { WindowsJson } from '../query/windows-json.ts';
import type { WindowsRequest } from './rollup/windows.ts';
import type { Query } from '../query/query.ts';
import type { AppendOutcome, ReadRequest, Settlement, StreamBacklog } from '../ports/store.ts';
import type { LogFields, LogLevel, Labels } from '../ports/telemetry.ts';
import type { EntryToStore } from './append.ts';
import type { FsckReport } from './fsck.ts';
import type { Ledger } from './ledger.ts';
import type { StreamStates } from './pipeline-state.ts';
import type { PurgeRequest } from './purge.ts';
import type { StoreSettings } from './settings.ts';
import type { BlockRow, StoreStats } from './stats.ts';

/** What the disk thread can be asked, and what it answers. One table gives both sides their types. */
export interface DiskCalls {
  open: { ask: StoreSettings; answer: OpenAnswer };
  configure: { ask: StoreSettings; answer: OpenAnswer };
  append: { ask: readonly EntryToStore[]; answer: AppendOutcome };
  settle: { ask: Settlement; answer: null };
  read: { ask: ReadRequest; answer: ReadAnswer | null };
  backlog: { ask: string; answer: readonly StreamBacklog[] };
  marks: { ask: string; answer: Uint8Array };
  states: { ask: null; answer: readonly StreamStates[] };
  ledger: { ask: null; answer: Ledger };
  stats: { ask: null; answer: StoreStats };
  blocks: { ask: { stream: string; from: number; limit: number }; answer: readonly BlockRow[] };
  query: { ask: Query; answer: AnswerJson };
  windows: { ask: WindowsRequest; answer: WindowsJson };
  purge: { ask: PurgeRequest; answer: number };
  clock: { ask: ClockNotice; answer: number };
  fsck: { ask: { repair: boolean }; answer: FsckReport };
  close: { ask: null; answer: null };
}
export type DiskCall = keyof DiskCalls;

export interface OpenAnswer {
  /** Names the database that was opened. */
  readonly epoch: string;
  /** Largest encoded size of one append under these settings. */
  readonly appendBytesMax: number;
  readonly clock: ClockTerms;
}

/** What the store remembers of earlier clocks. */
export interface ClockTerms {
  /** The newest wall time committed, 0 in a new store: a clock below it is stale. */
  readonly floorMicros: number;
  /** What this boot's times were counted from last; null when none were. */
  readonly base: number | null;
  /** Wall time at monotonic 0 of a clock that was trusted in this boot; null when none was. */
  readonly trustedBase: number | null;
}

/** How the agent's clock stands now. Answered by the readings kept that have another time now. */
export interface ClockNotice {
  /** Times are counted from here, see `JournalEntry.clockBase`; null: the wall clock is trusted. */
  readonly base: number | null;
  /** True wall time at monotonic 0 of this boot, once known: what was counted from other bases is corrected. */
  readonly trueBase: number | null;
}

/** A run with its batch encoded as a journal row: one buffer crosses the threads, not a graph of arrays. */
export interface ReadAnswer {
  readonly first: number;
  readonly until: number;
  readonly row: Uint8Array<ArrayBuffer>;
  readonly fidelity: 'raw' | 'segment' | 'window' | 'sketch';
  readonly clock?: 'unset' | 'rebased';
  readonly committedMicros: number;
}

export type DiskRequest = {
  [Call in DiskCall]: {
    readonly id: number;
    readonly call: Call;
    readonly ask: DiskCalls[Call]['ask'];
    /**
     * Of an append: its place among the appends, from 1 on. One that is asked again keeps its place, and until it is stored
     * nothing behind it is.
     */
    readonly place?: number;
    /** Of an append: it is in the order of the urgent ones. */
    readonly urgent?: boolean;
    /** Of an append that was answered `io`: its request then. It may turn out to be stored already. */
    readonly again?: number;
  };
}[DiskCall];

/** What goes into a group. */
export type WriteCall = Extract<DiskRequest, { call: 'append' | 'settle' }>;

export type DiskAnswer =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string | null;
      readonly message: string;
      /** What the user can do; absent where the code's own hint says it. */
      readonly hint?: string;
    };

/** Telemetry crosses the threads as data and is emitted on the main one. */
export type Observation =
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly event: string;
      readonly message: string;
      readonly fields: LogFields;
    }
  | {
      readonly kind: 'count' | 'gauge' | 'observe';
      readonly name: string;
      readonly value: number;
      readonly labels: Labels;
    };

/** Everything one turn of the disk thread has to say. */
export interface DiskReport {
  readonly answers: readonly DiskAnswer[];
  /** Streams with new readings. */
  readonly grown: readonly string[];
  readonly observations: readonly Observation[];
}

/** The way to the disk thread; the host implements it over a worker, tests in process. */
export interface DiskChannel {
  /** Buffers in `transfer` belong to the other side afterwards. */
  post(request: DiskRequest, transfer: readonly ArrayBuffer[]): void;
  onReport(listener: (report: DiskReport) => void): void;
  /** The thread ended by itself; nothing more will be answered. */
  onDeath(listener: (reason: string) => void): void;
  /** Resolves when the thread is gone. Safe to call twice. */
  end(): Promise<void>;
}
