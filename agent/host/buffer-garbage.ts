import { getHeapStatistics } from 'node:v8';
import { MiB } from '../base/units.ts';
import { collector } from './garbage-collector.ts';

/**
 * Bytes of buffers a thread may let go of before they are collected. The runtime itself waits for 64 MiB in each thread, for it counts objects
 * and a buffer is a small one: more than all a flooded agent has in use. A collection of young objects takes a millisecond.
 */
export const youngBytesMax = 4 * MiB;
/** The same for buffers that lived through two such collections: only one of the whole heap, some ten milliseconds, finds those. */
export const oldBytesMax = 16 * MiB;

export interface BufferGarbageOptions {
  /** Bytes of this thread outside of its heap, in use or not. */
  readonly bytes?: () => number;
  readonly collect?: (type: 'minor' | 'major') => void;
}

/** Keeps the buffers of one thread that nobody uses any more within bounds. It is to look whenever the thread has worked with some. */
export class BufferGarbage {
  readonly #bytes: () => number;
  readonly #collect: (type: 'minor' | 'major') => void;
  /** Least since the last collection; since the last of the whole heap. */
  #low = Infinity;
  #wholeLow = Infinity;

  constructor(options: BufferGarbageOptions = {}) {
    this.#bytes = options.bytes ?? externalBytes;
    this.#collect = options.collect ?? collectNow;
  }

  /** A microsecond, where nothing is to be collected. */
  look(): void {
    const bytes = this.#bytes();
    this.#low = Math.min(this.#low, bytes);
    this.#wholeLow = Math.min(this.#wholeLow, bytes);
    if (bytes - this.#low < youngBytesMax) return;
    const whole = this.#low - this.#wholeLow >= oldBytesMax;
    this.#collect(whole ? 'major' : 'minor');
    // Buffers are freed by another thread: what is found here may still count some of them, until a later look.
    this.#low = this.#bytes();
    if (whole) this.#wholeLow = this.#low;
  }
}

function externalBytes(): number {
  return getHeapStatistics().external_memory;
}

function collectNow(type: 'minor' | 'major'): void {
  collector()?.({ type, execution: 'sync' });
}
