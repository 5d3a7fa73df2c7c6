import type { Prng } from '#agent/base/prng.ts';
import type { Timeline } from '../timeline.ts';

export interface Weather {
  /** Of single messages, each way, in [0, 1]. */
  readonly loss: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Share of messages that arrive twice. */
  readonly duplicates: number;
  /** Share of messages held back by up to `heldMsMax` more, so that later ones overtake them. */
  readonly held: number;
  readonly heldMsMax: number;
}

export const calm: Weather = {
  loss: 0,
  delayMsMin: 0.5,
  delayMsMax: 3,
  duplicates: 0,
  held: 0,
  heldMsMax: 0,
};

/** Carries bytes between places, or does not. */
export class Network {
  weather: Weather;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #deliver: (to: number, from: number, bytes: Uint8Array) => void;
  /** Directed: `from * 4096 + to`. */
  readonly #cut = new Set<number>();

  constructor(options: {
    readonly weather: Weather;
    readonly timeline: Timeline;
    readonly random: Prng;
    readonly deliver: (to: number, from: number, bytes: Uint8Array) => void;
  }) {
    this.weather = options.weather;
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#deliver = options.deliver;
  }

  /** One way only. */
  cut(from: number, to: number): void {
    this.#cut.add(from * 4096 + to);
  }

  split(left: readonly number[], right: readonly number[]): void {
    for (const a of left)
      for (const b of right) {
        this.cut(a, b);
        this.cut(b, a);
      }
  }

  heal(): void {
    this.#cut.clear();
  }

  isCut(from: number, to: number): boolean {
    return this.#cut.has(from * 4096 + to);
  }

  send(from: number, to: number, bytes: Uint8Array): void {
    const { loss, duplicates } = this.weather;
    if (this.isCut(from, to) || (loss > 0 && this.#random.chance(loss))) return;
    this.#carry(from, to, bytes);
    if (duplicates > 0 && this.#random.chance(duplicates)) this.#carry(from, to, bytes);
  }

  #carry(from: number, to: number, bytes: Uint8Array): void {
    const { delayMsMin, delayMsMax, held, heldMsMax } = this.weather;
    let delayMs = delayMsMin + this.#random.float() * (delayMsMax - delayMsMin);
    if (held > 0 && this.#random.chance(held)) delayMs += this.#random.float() * heldMsMax;
    this.#timeline.after(delayMs, () => {
      // A cut takes what is on its way along.
      if (!this.isCut(from, to)) this.#deliver(to, from, bytes);
    });
  }
}
