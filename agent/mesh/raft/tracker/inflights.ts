import { assert } from '../../../base/assert.ts';
import type { LogIndex } from '../entry.ts';

interface Inflight {
  /** Index of the last entry in the message. */
  readonly index: LogIndex;
  readonly bytes: number;
}

/**
 * Append messages on the way to one member and not yet acknowledged, oldest first. A sliding window: full when
 * `count = messagesMax`, or when `bytes >= bytesMax` (one message may reach over the byte limit, so that a large entry
 * can travel at all).
 */
export class Inflights {
  readonly messagesMax: number;
  readonly bytesMax: number;
  #window: Inflight[] = [];
  /** Position of the oldest message in `#window`; what lies before it is acknowledged. */
  #start = 0;
  #bytes = 0;

  constructor(messagesMax: number, bytesMax: number) {
    this.messagesMax = messagesMax;
    this.bytesMax = bytesMax;
  }

  /** 0 ≤ count ≤ messagesMax. */
  get count(): number {
    return this.#window.length - this.#start;
  }

  get full(): boolean {
    return this.count >= this.messagesMax || this.#bytes >= this.bytesMax;
  }

  /** Indices come in rising order. */
  add(index: LogIndex, bytes: number): void {
    assert(!this.full, 'a full window takes no further message');
    this.#window.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Frees every message whose last entry is at or below `index`. */
  freeUpTo(index: LogIndex): void {
    while (this.count > 0 && this.#window[this.#start]!.index <= index) {
      this.#bytes -= this.#window[this.#start]!.bytes;
      this.#start++;
    }
    if (this.#start > 32 && this.#start * 2 > this.#window.length) {
      this.#window = this.#window.slice(this.#start);
      this.#start = 0;
    }
  }

  reset(): void {
    this.#window = [];
    this.#start = 0;
    this.#bytes = 0;
  }
}
