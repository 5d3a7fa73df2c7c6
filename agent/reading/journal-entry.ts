import type { Batch } from './batch.ts';

/** Readings that a named rule took out before storage. `rule` is stage index and name (`2:deadband`) or `undecodable`. */
export interface FilteredCount {
  readonly rule: string;
  /** > 0. */
  readonly count: number;
}

/**
 * Remembers a message that may be delivered again. `hash` is 32 bits over topic and payload. `state` is `seen` once its
 * readings are committed and `released` when the sender has given the packet id back (QoS 2, PUBREL).
 */
export interface DeliveryMark {
  readonly source: string;
  readonly packetId: number;
  readonly hash: number;
  readonly state: 'seen' | 'released';
}

/** State of a stream's stages. `full` stands for itself, `delta` continues what was saved before it. */
export interface SavedState {
  readonly kind: 'full' | 'delta';
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * What one stream takes into one transaction: the readings that stay, and the account of those that do not. Invariant:
 * `received === (batch?.length ?? 0) + sum(filtered.count)`.
 */
export interface JournalEntry {
  readonly stream: string;
  /** Null when every reading was filtered, or when the entry carries marks only. */
  readonly batch: Batch | null;
  readonly received: number;
  readonly filtered: readonly FilteredCount[];
  readonly marks: readonly DeliveryMark[];
  /**
   * Set when the times of the batch were counted from the monotonic clock, as nobody had set the wall clock: time = base + monotonic
   * microseconds of this boot. The store corrects them once the true time is known. Only with `batch.clock` `agent`.
   */
  readonly clockBase?: number | null;
  /** What its stages remember once these readings are through. Absent: nothing that changed is kept. */
  readonly state?: SavedState;
}
