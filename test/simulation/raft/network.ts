import type { Prng } from '#agent/base/prng.ts';
import type { PeerMessage } from '#agent/mesh/raft/message.ts';
import type { Timeline } from '../timeline.ts';

/** Times are in ticks of the group's clock. */
export interface Weather {
  /** Of single messages, each way, in [0, 1]. */
  readonly loss: number;
  readonly delayMin: number;
  readonly delayMax: number;
  /** Share of messages that arrive twice. */
  readonly duplicates: number;
  /** Share of messages held back by up to `heldMax` more. */
  readonly held: number;
  readonly heldMax: number;
  /** Links keep the order of messages, as TCP does; else each message travels for itself. */
  readonly ordered: boolean;
}

export const calm: Weather = {
  loss: 0,
  delayMin: 0.02,
  delayMax: 0.1,
  duplicates: 0,
  held: 0,
  heldMax: 0,
  ordered: true,
};

const keyOf = (from: number, to: number): number => from * 4096 + to;

/** Carries messages between members, or does not. */
export class Network {
  weather: Weather = calm;
  /** A cut takes what is on its way along, as that of a cable; else a cut only stops what is sent from now on, and old messages come late. */
  cutTakesFlying = true;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #deliver: (message: PeerMessage) => void;
  readonly #lost: (message: PeerMessage) => void;
  readonly #cut = new Set<number>();
  /** A link carries nothing before this time; what was sent meanwhile arrives then. */
  readonly #cloggedUntil = new Map<number, number>();
  /** When the last message of an ordered link arrives. */
  readonly #arrival = new Map<number, number>();
  /** Loses what it says true for; for scripted stories. */
  filter: (message: PeerMessage) => boolean = () => false;

  constructor(options: {
    readonly timeline: Timeline;
    readonly random: Prng;
    readonly deliver: (message: PeerMessage) => void;
    readonly lost: (message: PeerMessage) => void;
  }) {
    this.#timeline = options.timeline;
    this.#random = options.random;
    this.#deliver = options.deliver;
    this.#lost = options.lost;
  }

  /** One way only. */
  cut(from: number, to: number): void {
    this.#cut.add(keyOf(from, to));
  }

  split(left: readonly number[], right: readonly number[]): void {
    for (const a of left)
      for (const b of right) {
        this.cut(a, b);
        this.cut(b, a);
      }
  }

  clog(from: number, to: number, ticks: number): void {
    this.#cloggedUntil.set(keyOf(from, to), this.#timeline.now + ticks);
  }

  heal(): void {
    this.#cut.clear();
    this.#cloggedUntil.clear();
  }

  /** Lets a link carry again, both ways. */
  join(a: number, b: number): void {
    this.#cut.delete(keyOf(a, b));
    this.#cut.delete(keyOf(b, a));
  }

  send(message: PeerMessage): void {
    const { loss, duplicates } = this.weather;
    const isLost =
      this.filter(message) ||
      this.#cut.has(keyOf(message.from, message.to)) ||
      (loss > 0 && this.#random.chance(loss));
    if (isLost) return this.#lost(message);
    this.#carry(message);
    if (duplicates > 0 && this.#random.chance(duplicates)) this.#carry(message);
  }

  /** What hosts send each other beside the group's messages. */
  sendAside(from: number, to: number, arrived: () => void): void {
    const { loss, delayMin, delayMax } = this.weather;
    const isCut = (): boolean => this.#cut.has(keyOf(from, to)) || this.#cut.has(keyOf(to, from));
    if (isCut() || (loss > 0 && this.#random.chance(loss))) return;
    this.#timeline.after(delayMin + this.#random.float() * (delayMax - delayMin), () => {
      if (!isCut()) arrived();
    });
  }

  #carry(message: PeerMessage): void {
    const { delayMin, delayMax, held, heldMax, ordered } = this.weather;
    const key = keyOf(message.from, message.to);
    const { now } = this.#timeline;
    let at = now + delayMin + this.#random.float() * (delayMax - delayMin);
    if (held > 0 && this.#random.chance(held)) at += this.#random.float() * heldMax;
    const clogged = this.#cloggedUntil.get(key);
    if (clogged !== undefined && clogged > at) at = clogged;
    if (ordered) {
      at = Math.max(at, this.#arrival.get(key) ?? 0);
      this.#arrival.set(key, at);
    }
    this.#timeline.at(at, () => {
      if ((this.cutTakesFlying && this.#cut.has(key)) || this.filter(message)) this.#lost(message);
      else this.#deliver(message);
    });
  }
}
