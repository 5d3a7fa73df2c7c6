import type { BatchBuilder } from './batch-builder.ts';
import * as limits from './limits.ts';
import { TagTable } from './tag-table.ts';

/** The stream that holds refused payloads, as readings with tags `source`, `stream`, `reason` and columns `topic`, `detail`, `payload`, `payload_bytes`. */
export const deadLetterStream = '_dead_letter';

export interface DeadLetter {
  readonly topic: string;
  /** Kept up to `deadLetterPayloadBytesLimit`, as text where it is UTF-8, else as bytes. */
  readonly payload: Uint8Array;
  /** A code from a small set. */
  readonly reason: string;
  /** One line. */
  readonly detail: string;
  /** Configured name of the source. */
  readonly source: string;
  /** Configured name of the stream whose decoder refused; '' where no stream takes the topic. */
  readonly stream: string;
  readonly arrivalMicros: number;
}

interface Tally {
  minute: number;
  inMinute: number;
  offered: number;
  kept: number;
}

/**
 * Chooses which refused payloads are worth storing: of each reason the first `first` in a minute of arrival, then one
 * in `every`. All are counted. A flood of bad payloads so costs a trickle of storage, and a new kind of trouble shows at once.
 */
export class DeadLetterSampler {
  readonly #first: number;
  readonly #every: number;
  readonly #tags = new TagTable();
  readonly #tallies = new Map<string, Tally>();

  constructor(options: { readonly first?: number; readonly every?: number } = {}) {
    this.#first = options.first ?? 10;
    this.#every = options.every ?? 1000;
  }

  /** Counts the letter, and writes it to `into` (a builder of {@link deadLetterStream}) when it is chosen. */
  offer(letter: DeadLetter, into: BatchBuilder): boolean {
    const tally = this.#tallyOf(letter.reason);
    const minute = Math.floor(letter.arrivalMicros / 60_000_000);
    if (minute !== tally.minute) {
      tally.minute = minute;
      tally.inMinute = 0;
    }
    tally.offered++;
    const beyond = ++tally.inMinute - this.#first;
    if (beyond > 0 && beyond % this.#every !== 0) return false;
    tally.kept++;
    this.#write(letter, into);
    return true;
  }

  /** Letters seen and stored, by reason. */
  counts(): ReadonlyMap<string, { readonly offered: number; readonly kept: number }> {
    return new Map([...this.#tallies].map(([reason, { offered, kept }]) => [reason, { offered, kept }]));
  }

  #tallyOf(reason: string): Tally {
    const full = this.#tallies.size >= limits.deadLetterReasonsLimit;
    const name = full && !this.#tallies.has(reason) ? 'other' : reason;
    let tally = this.#tallies.get(name);
    if (tally === undefined) {
      tally = { minute: Number.NaN, inMinute: 0, offered: 0, kept: 0 };
      this.#tallies.set(name, tally);
    }
    return tally;
  }

  #write(letter: DeadLetter, into: BatchBuilder): void {
    const tags = this.#tags.intern({ reason: letter.reason, source: letter.source, stream: letter.stream });
    into.begin({ tags, timeMicros: letter.arrivalMicros });
    into.set('topic', letter.topic.slice(0, limits.deadLetterTopicLengthLimit).toWellFormed());
    into.set('detail', letter.detail.slice(0, limits.detailLengthLimit).toWellFormed());
    const kept = new Uint8Array(letter.payload.subarray(0, limits.deadLetterPayloadBytesLimit));
    into.set('payload', textOf(kept, kept.length < letter.payload.length) ?? kept);
    into.set('payload_bytes', letter.payload.length);
  }
}

/** The bytes as text, or null. A character cut in two at the end is left out when `cut`. */
function textOf(bytes: Uint8Array, cut: boolean): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return null;
  }
}
