import { MiB } from '../base/units.ts';
import { trimAllocator } from './ffi.ts';

/** Resident bytes from which on the allocator is asked for what it keeps in stock; below, its stock is cheaper kept than fetched again. */
export const residentBytesDue = 120 * MiB;
/** Milliseconds between two looks. A trim walks all arenas, a few milliseconds in which threads wait for memory of theirs. */
export const residentPauseMs = 200;

export interface ResidentBoundOptions {
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly resident?: () => number;
  readonly trim?: () => void;
}

/**
 * Keeps what the allocator has free from adding up under a flood: its arenas grow to the most that ever was in use at a time, some 60 MiB of the 155 that
 * a flooded agent had resident, and half of that was free. To be looked at whenever the process has worked.
 */
export class ResidentBound {
  readonly #now: () => number;
  readonly #resident: () => number;
  readonly #trim: () => void;
  #nextMs = -Infinity;

  constructor(options: ResidentBoundOptions = {}) {
    this.#now = options.now ?? (() => performance.now());
    this.#resident = options.resident ?? (() => process.memoryUsage.rss());
    this.#trim = options.trim ?? trimAllocator;
  }

  look(): void {
    const now = this.#now();
    if (now < this.#nextMs) return;
    this.#nextMs = now + residentPauseMs;
    if (this.#resident() >= residentBytesDue) this.#trim();
  }
}
