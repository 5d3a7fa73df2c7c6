import { assert } from '../base/assert.ts';
import { millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import { limits } from './limits.ts';

/** Room for one body, from before its first byte is read until the intake's own credit holds it. */
export interface BodyRoom {
  /** Gives the room back. Safe to call twice. */
  release(): void;
}

/**
 * Credit for request bodies of all HTTP doors together, while they are read and inflated. Room is had for the whole body before
 * its first byte is read, in the order of asking; whoever waits is not read, so TCP holds the sender. Small bodies go past the
 * queue: a slow upload must not hold up sensors, and the requests at a time bound them. Invariant: `bytes` <=
 * max(`limits.httpBodiesBytes`, one body) + `limits.httpRequests` small ones.
 */
export class BodyCredit {
  readonly #clock: Clock;
  #bytes = 0;
  readonly #waiting: { readonly bytes: number; readonly give: (room: BodyRoom | null) => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Held now. */
  get bytes(): number {
    return this.#bytes;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Resolves to null when there is no room within `limits.httpBodyWaitMs`. */
  take(bytes: number): Promise<BodyRoom | null> {
    assert(bytes >= 0, 'a body has a length');
    if (bytes <= limits.httpSmallBodyBytes || (this.#waiting.length === 0 && this.#fits(bytes)))
      return Promise.resolve(this.#room(bytes));
    return new Promise((resolve) => {
      const alarm = this.#clock.after(millis(limits.httpBodyWaitMs), () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        resolve(null);
        this.#serve();
      });
      const waiter = {
        bytes,
        give: (room: BodyRoom | null) => {
          alarm.cancel();
          resolve(room);
        },
      };
      this.#waiting.push(waiter);
    });
  }

  /** A body larger than all there is may come alone. */
  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= limits.httpBodiesBytes;
  }

  #room(bytes: number): BodyRoom {
    let held = bytes;
    this.#bytes += bytes;
    return {
      release: () => {
        this.#bytes -= held;
        held = 0;
        this.#serve();
      },
    };
  }

  #serve(): void {
    for (
      let first = this.#waiting[0];
      first !== undefined && this.#fits(first.bytes);
      first = this.#waiting[0]
    ) {
      this.#waiting.shift();
      first.give(this.#room(first.bytes));
    }
  }
}
