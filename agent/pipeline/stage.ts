import type { Micros } from '../base/units.ts';
import type { Batch } from '../reading/batch.ts';
import type { FilteredCount } from '../reading/journal-entry.ts';

/** What a stage may know about the moment; it never reads a clock. */
export interface StageContext {
  /** Wall clock of the host when the batch entered the pipeline. */
  readonly nowMicros: Micros;
  /**
   * The greatest event time the pipeline has seen, this batch included; -Infinity before the first. A stage subtracts the
   * out-of-orderness it allows to get its watermark. Kept only for pipelines with a stage that says `needsEventTime`.
   */
  readonly eventMicrosMax: number;
}

/** Readings a stage derives for another stream; they are new there, so no account of this stream holds them. */
export interface StreamBatch {
  readonly stream: string;
  readonly batch: Batch;
}

/** What deserves a log line or a counter and changes no account. `count` > 0. */
export type StageNote =
  /** State of this many series was forgotten to keep the bound; their next reading passes as a first one. */
  | { readonly kind: 'series_evicted'; readonly rule: string; readonly count: number }
  /** This many readings were older than one their series had shown before; the filter left them as they were. */
  | { readonly kind: 'late_readings'; readonly rule: string; readonly count: number }
  /** This many readings were forgotten before their time, to keep the bound; if they come again they pass. */
  | { readonly kind: 'entries_evicted'; readonly rule: string; readonly count: number }
  /** Alarms of one name: `raised` of `count` began, the others ended. */
  | {
      readonly kind: 'alarms';
      readonly rule: string;
      readonly name: string;
      readonly raised: number;
      readonly count: number;
    }
  /** This many results were given out before their time, for the stage was changed or taken out of the config. */
  | { readonly kind: 'cut_short'; readonly rule: string; readonly count: number }
  /** An expression had no answer for this many readings; `sample` is the first reason in one line. */
  | {
      readonly kind: 'expression_failed';
      readonly rule: string;
      readonly count: number;
      readonly sample: string;
    };

/** A message that a stage wants out at once, before anything is stored: an alarm for whoever listens on the site. */
export interface Command {
  /** Rule of the stage that sends it. */
  readonly rule: string;
  readonly topic: string;
  /** JSON text. */
  readonly payload: string;
}

/** Invariant: readings in + derived === (main?.length ?? 0) + sum(filtered.count). */
export interface StageOutput {
  readonly main: Batch | null;
  /**
   * Readings of `main` that no account of this stream holds yet: made by the stage, or held back (and then counted as filtered) in
   * an earlier batch. Absent: 0.
   */
  readonly derived?: number;
  /** Absent: none. */
  readonly commands?: readonly Command[];
  /** Absent: none. */
  readonly into?: readonly StreamBatch[];
  /** Absent: none. */
  readonly filtered?: readonly FilteredCount[];
  /** Absent: none. */
  readonly notes?: readonly StageNote[];
}

/**
 * One step of a pipeline: a function on a batch, or a machine with state per series. Batches are never changed in place;
 * columns that stay as they are are shared between input and output. The result depends on the order of readings, not on how
 * they were cut into batches.
 */
export interface Stage {
  /** Stable name in accounts: `${index}:${kind}`. */
  readonly rule: string;
  readonly needsEventTime?: boolean;
  /** Another stream this stage wants to see; what that stream's pipeline gives out is then handed to `observe`. */
  readonly listensTo?: string;
  observe?(batch: Batch): void;
  process(batch: Batch, context: StageContext): StageOutput;
  /** Wall clock at which `tick` wants to be called even if no batch comes; null: never. Absent: a stage without timers. */
  nextDeadline?(): Micros | null;
  /** Lets a due deadline act. What it returns runs through the later stages. */
  tick?(context: StageContext): StageOutput;
  /** Gives out all that it holds back or has open, for it will see no more. Absent: it holds nothing. What it returns runs through the later stages. */
  flush?(context: StageContext): StageOutput;
  /** The whole state as bytes; with `restore` a restarted stage answers as if it had never stopped. Absent: no state. */
  snapshot?(): Uint8Array<ArrayBuffer>;
  /** False when the bytes are not a state of this stage; it is then empty. */
  restore?(bytes: Uint8Array): boolean;
  /**
   * What changed since the last `delta` or `snapshot`; null: nothing. With it a stage is exact even after a crash: its state is
   * stored in the transaction of the readings that made it. Absent: the state is kept over a clean stop only.
   */
  delta?(): Uint8Array<ArrayBuffer> | null;
  /** Goes on from a restored state by one `delta`. False when the bytes do not continue it; it is then empty. */
  apply?(bytes: Uint8Array): boolean;
  /** Absent: no state. */
  inspect?(): StageState;
}

export interface StageState {
  readonly series: number;
  readonly seriesLimit: number;
  /** An estimate from stated sizes per series, see README.md. */
  readonly bytes: number;
  /** Since start. */
  readonly evicted: number;
}
