import { assert } from '../base/assert.ts';
import { type Millis, millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import { limits } from './limits.ts';

/**
 * How a part shows that it gets on. `working` says that there is something to do, `advanced` that some of it was done,
 * `idle` that nothing is left, or that the part rightly waits for somebody else (no readings, a full buffer, a link that is
 * down). Calls are cheap enough for every batch.
 */
export interface ProgressMark {
  working(): void;
  advanced(): void;
  idle(): void;
}

export interface Stall {
  readonly part: string;
  /** Time since the part last got on. */
  readonly forMs: Millis;
}

interface Part {
  readonly limitMs: Millis;
  isWorking: boolean;
  /** When it began to work or last got on. */
  lastMs: Millis;
}

/** Marks of all parts, and who stands still: at work, without progress for longer than its limit. */
export class Progress {
  readonly #clock: Clock;
  readonly #parts = new Map<string, Part>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The mark of a part; `limitMs` is how long one step may take at worst. Asked again, it starts idle. */
  mark(name: string, limitMs: Millis): ProgressMark {
    assert(
      this.#parts.has(name) || this.#parts.size < limits.progressParts,
      'parts that mark progress are few',
    );
    const part: Part = { limitMs, isWorking: false, lastMs: this.#clock.monotonic() };
    this.#parts.set(name, part);
    return {
      working: () => {
        if (part.isWorking) return;
        part.isWorking = true;
        part.lastMs = this.#clock.monotonic();
      },
      advanced: () => {
        part.lastMs = this.#clock.monotonic();
      },
      idle: () => {
        part.isWorking = false;
      },
    };
  }

  withdraw(name: string): void {
    this.#parts.delete(name);
  }

  /** Parts beyond their limit, the longest first. */
  stalls(): readonly Stall[] {
    const now = this.#clock.monotonic();
    const stalls: Stall[] = [];
    for (const [name, part] of this.#parts) {
      const forMs = millis(now - part.lastMs);
      if (part.isWorking && forMs > part.limitMs) stalls.push({ part: name, forMs });
    }
    return stalls.sort((a, b) => b.forMs - a.forMs);
  }

  /** Every part and the time since it last got on; 0 when idle. */
  ages(): readonly Stall[] {
    const now = this.#clock.monotonic();
    return [...this.#parts].map(([name, part]) => ({
      part: name,
      forMs: millis(part.isWorking ? now - part.lastMs : 0),
    }));
  }
}
