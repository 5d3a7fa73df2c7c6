import { DeliveryMarks } from './delivery-marks.ts';
import { limits } from './limits.ts';

/**
 * The delivery marks of every sender, while the agent runs: a source that is stopped and started again by a reload finds what its
 * predecessor took in, also what the store has not taken yet. Bounded; the longest unused sender is read from the store again.
 */
export class MarkKeeper {
  readonly #stored: (source: string) => Promise<Uint8Array>;
  /** The longest unused first. */
  readonly #marks = new Map<string, Promise<DeliveryMarks>>();

  /** @param stored the marks the store holds of one sender. */
  constructor(stored: (source: string) => Promise<Uint8Array>) {
    this.#stored = stored;
  }

  /** The marks of one sender; two callers get the same. `capacity` counts at the first call. */
  of(sender: string, capacity: number): Promise<DeliveryMarks> {
    const known = this.#marks.get(sender);
    const marks = known ?? this.#load(sender, capacity);
    this.#marks.delete(sender);
    this.#marks.set(sender, marks);
    if (known === undefined)
      marks.catch(() => {
        // The next caller tries again.
        if (this.#marks.get(sender) === marks) this.#marks.delete(sender);
      });
    for (const unused of this.#marks.keys()) {
      if (this.#marks.size <= limits.markedSenders) break;
      this.#marks.delete(unused);
    }
    return marks;
  }

  async #load(sender: string, capacity: number): Promise<DeliveryMarks> {
    const marks = new DeliveryMarks(sender, capacity);
    marks.load(await this.#stored(sender));
    return marks;
  }
}
