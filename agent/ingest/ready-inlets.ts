import type { Arrival } from './arrival.ts';
import { weightOf, type AnyInlet } from './inlet.ts';
import { limits } from './limits.ts';

/**
 * Inlets with arrivals waiting, in the order of their turns, and such as had some that overtook the others. Invariant: `waitingBytes` is the
 * credit of all that waits, in whatever inlet.
 */
export class ReadyInlets {
  /** Each once: one whose arrivals all went ahead stays until its turn, and may have new ones by then. */
  readonly #inlets = new Set<AnyInlet>();
  #waitingBytes = 0;

  get isEmpty(): boolean {
    return this.#inlets.size === 0;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Arrivals. */
  get waiting(): number {
    let waiting = 0;
    for (const inlet of this.#inlets) waiting += inlet.waiting;
    return waiting;
  }

  /** An inlet's first arrival waits. */
  add(inlet: AnyInlet): void {
    this.#inlets.add(inlet);
  }

  /** An arrival waits. */
  charge(bytes: number): void {
    this.#waitingBytes += bytes;
  }

  /** Settles on receipt what waits, where the inlet's mode is `received`. */
  acknowledgeReceived(): void {
    for (const inlet of this.#inlets) inlet.acknowledgeReceived();
  }

  /** Takes from the inlets in turns until the group is full or nothing waits. */
  gather(bytesMax: number): Map<AnyInlet, Arrival[]> {
    const parcels = new Map<AnyInlet, Arrival[]>();
    let count: number = limits.groupArrivals;
    let bytes = bytesMax;
    // What is added meanwhile has its turn behind the others.
    for (const inlet of this.#inlets) {
      if (count <= 0 || bytes <= 0) break;
      this.#inlets.delete(inlet);
      const parcel = parcels.get(inlet) ?? [];
      parcels.set(inlet, parcel);
      const before = parcel.length;
      bytes -= inlet.take(parcel, Math.min(count, limits.inletTurnArrivals), bytes);
      count -= parcel.length - before;
      if (inlet.waiting > 0) this.#inlets.add(inlet);
    }
    this.#waitingBytes -= bytesMax - bytes;
    return parcels;
  }

  /** Takes what may overtake the others, from among all that waits, as much as goes into a group. */
  takeUrgent(mayOvertake: (arrival: Arrival, inlet: AnyInlet) => boolean): Map<AnyInlet, readonly Arrival[]> {
    const parcels = new Map<AnyInlet, readonly Arrival[]>();
    let count: number = limits.groupArrivals;
    for (const inlet of this.#inlets) {
      const taken = inlet.takeUrgent((arrival) => mayOvertake(arrival, inlet), count);
      if (taken.length > 0) parcels.set(inlet, taken);
      count -= taken.length;
      for (const arrival of taken) this.#waitingBytes -= weightOf(arrival);
    }
    return parcels;
  }
}
