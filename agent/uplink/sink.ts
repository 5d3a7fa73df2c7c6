import type { Fidelity } from '../ports/store.ts';

/** One batch as it leaves: NDJSON lines of one stream and what a receiver may want to know before it reads them. */
export interface OutgoingBatch {
  readonly agent: string;
  /** Names the buffer the offsets count in. */
  readonly epoch: string;
  readonly stream: string;
  /** Offsets covered: `first` … `last`. */
  readonly first: number;
  readonly last: number;
  /** Of all lines. */
  readonly fidelity: Fidelity;
  /** Lines in `body`; fewer than `last - first + 1` when readings refused earlier were left out. */
  readonly count: number;
  readonly body: Uint8Array;
}

/** What became of one send. `bytes` is what went over the link for it, all attempts of this call together. */
export type SendOutcome = { readonly bytes: number } & (
  | { readonly kind: 'taken' }
  /** Some readings were refused, each with its reason. `rest` says what became of the others. */
  | { readonly kind: 'partly'; readonly refused: readonly RefusedReading[]; readonly rest: 'taken' | 'later' }
  /** Send it again: the receiver is busy, or the way to it is broken. */
  | {
      readonly kind: 'later';
      readonly words: string;
      readonly retryAfterMs?: number;
      /** No server was met: the link as a whole is down. */
      readonly unreachable?: boolean;
      /** The receiver does not know us (credentials): an operator is needed, no data is to blame. */
      readonly denied?: boolean;
    }
  | { readonly kind: 'too_big'; readonly words: string }
  | { readonly kind: 'refused'; readonly words: string }
);

export interface RefusedReading {
  readonly offset: number;
  readonly reason: string;
}

/** A way out. `send` never throws for weather; it answers. After `stop` every pending send answers `later`. */
export interface Sink {
  /** What it is, for logs and status: `http`, `mqtt`, `file` or a plugin's name. */
  readonly kind: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  send(batch: OutgoingBatch): Promise<SendOutcome>;
}

/**
 * `agent/stream/first-last`: equal for every attempt to send the same offsets. It names them within an epoch, not across epochs. Summaries have
 * `/fidelity` behind it: what was sent raw and then became coarser, its answer lost, is another body.
 */
export function idempotencyKey(
  batch: Pick<OutgoingBatch, 'agent' | 'stream' | 'first' | 'last' | 'fidelity'>,
): string {
  const key = `${batch.agent}/${batch.stream}/${batch.first}-${batch.last}`;
  return batch.fidelity === 'raw' ? key : `${key}/${batch.fidelity}`;
}
