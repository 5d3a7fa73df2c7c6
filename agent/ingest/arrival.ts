import type { Micros } from '../base/units.ts';
import type { BatchBuilder } from '../reading/batch-builder.ts';
import type { Batch, ClockSource, Tags } from '../reading/batch.ts';
import type { DecodeFormat } from '../reading/decode/options.ts';
import type { DeliveryMark, FilteredCount, SavedState } from '../reading/journal-entry.ts';

/** When a source gets its acknowledgement: as the message is taken in, or after the commit that holds it is synced. */
export type AckMode = 'received' | 'fsynced';

/**
 * `message` is decoded and stored. `duplicate` was stored before: it is counted and settles behind everything that
 * arrived before it. `mark` carries only its delivery mark.
 */
export type ArrivalKind = 'message' | 'duplicate' | 'mark';

/**
 * What became of an arrival. `undecodable`: at least one stream that takes the topic could not read the payload; `oversize`: it could,
 * and holds a reading that is too large to be stored.
 */
export type Verdict = 'waiting' | 'stored' | 'undecodable' | 'oversize' | 'unrouted' | 'duplicate';

/**
 * One message on its way through the intake, and its receipt: the very object offered is handed back by
 * {@link InletPeer.settled}. A source extends it with what it needs to acknowledge.
 */
export interface Arrival {
  readonly kind: ArrivalKind;
  readonly topic: string;
  /** Must not change until settled. */
  readonly payload: Uint8Array;
  /** The agent's clock, microseconds. Moved by the intake when the clock is set while it waits. */
  arrivalMicros: number;
  /** Names the stream and so goes past the topic patterns (HTTP ingest); null: the topic decides. */
  readonly stream: string | null;
  /** How the sender says that the payload is written (HTTP ingest by content type); null: as the stream says. */
  readonly format: DecodeFormat | null;
  /**
   * Committed together with the readings. A message's mark in state `released` (QoS 1) is committed only if all its
   * readings brought their own time, because only then may it be trusted after a restart.
   */
  readonly mark: DeliveryMark | null;
  /**
   * The sender is told what became of it and keeps what is refused (HTTP): one reading that can never be stored refuses all. Absent: no;
   * then the store leaves that reading out, as `oversize`.
   */
  readonly refusable?: boolean;
  /** Of a `mark`: the sender gave back the packet id (PUBREL) of a message that is stored; it may overtake what waits. */
  readonly gaveBack?: boolean;
  /** Written by the intake: every reading of the message brought its own event time. */
  ownTime: boolean;
  /** Written by the intake: `early` was taken ahead of its turn because it is urgent, `stored` is committed and not settled. */
  progress: 'offered' | 'early' | 'stored';
  /** Written by the intake before it settles. */
  verdict: Verdict;
  /** One line about a payload that was undecodable or oversize, else ''. */
  detail: string;
}

/** What the intake calls back. Neither may throw; both may be called from within `offer` and `close`. */
export interface InletPeer<A extends Arrival> {
  /**
   * These arrivals are settled: acknowledge them. Each arrival offered is handed back exactly once, in the order of
   * the offers, after its commit (or at once where the inlet's mode is `received`), or never when the process ends before.
   */
  settled(arrivals: readonly A[]): void;
  /** Credit is exhausted: stop reading. What still comes must be offered all the same. */
  pause(): void;
  /** There is credit again. */
  resume(): void;
}

/** Same shape as the reading room's decoders. All of a message or nothing: on failure nothing of it stays in `into`. */
export interface Decoder {
  decode(message: DecodeInput, into: BatchBuilder): DecodeOutcome;
}

export interface DecodeInput {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly tags: Tags;
  readonly arrivalMicros: number;
}

export type DecodeOutcome =
  /** `ownTime`: every reading brought its own event time, none took the arrival's. */
  | { readonly ok: true; readonly readings: number; readonly ownTime: boolean }
  | { readonly ok: false; readonly reason: string; readonly detail: string };

/** A stream that takes a topic, and the tags the topic's parts give. Tags are interned: equal ones are one object. */
export interface Route {
  readonly stream: string;
  readonly tags: Tags;
}

/** All streams that take `topic` from `source`; empty when none does. Called once a message: it caches. */
export interface Router {
  routes(source: string, topic: string): readonly Route[];
}

/** What a stream does to a batch before it is stored. Readings in + derived = readings of the stream out + filtered. */
export interface Preprocess {
  process(batch: Batch, nowMicros: Micros): Processed;
  /** Gives out what is due by now although nothing arrived (windows that close). */
  tick?(nowMicros: Micros): Processed;
  /** Its stages see what other streams give out, and so may have changed when none of its own readings came. Absent: no. */
  readonly hears?: boolean;
  /** What the stages remember, as far as it changed, to be stored with what they gave out; null: nothing. */
  changes?(bytesMax: number): SavedState | null;
  /** All that the stages remember, for a clean stop. */
  whole?(bytesMax: number): SavedState | null;
}

export interface Processed {
  /** At most one batch of the stream itself; others are derived. */
  readonly outputs: readonly { readonly stream: string; readonly batch: Batch }[];
  readonly filtered: readonly FilteredCount[];
  /** Readings of the stream itself that stages made, or held back earlier and then counted as filtered. Absent: 0. */
  readonly derived?: number;
}

/** What the stages of a stream gave out as they were changed or taken out of the configuration. */
export interface Parting {
  readonly stream: string;
  readonly processed: Processed;
  /** To be stored with it where the stream is not configured any more; of others the stages are asked. */
  readonly state: SavedState | null;
}

/** Everything the intake knows about one configured stream. */
export interface StreamPlan {
  readonly name: string;
  readonly decoder: Decoder;
  /** For senders that write otherwise: the stream's own options in another format. Absent: all are read by `decoder`. */
  readonly decoderOf?: (format: DecodeFormat) => Decoder;
  readonly preprocess: Preprocess;
  /** Of high priority: stored apart from the others, so that a full buffer still takes it. Absent: no. */
  readonly urgent?: boolean;
  /** `device` where the decoder takes event times out of the payload. */
  readonly clock: ClockSource;
}

/** What is configured of streams. */
export interface StreamSet {
  readonly router: Router;
  readonly plans: readonly StreamPlan[];
  /** Streams that only stages feed and that are stored apart from the others, as plans say `urgent`. */
  readonly urgentStreams?: ReadonlySet<string>;
}

/** Samples what could not be decoded or is taken by no stream. Counting is the intake's; this decides what is kept. */
export interface DeadLetters {
  /** The stream the samples are stored in. */
  readonly stream: string;
  offer(letter: DeadLetter): void;
  /** The samples since the last call, or null. */
  take(): Batch | null;
}

export interface DeadLetter {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly reason: string;
  readonly detail: string;
  readonly source: string;
  /** The stream whose decoder could not read it; '' where no stream takes the topic. */
  readonly stream: string;
  readonly arrivalMicros: number;
}
