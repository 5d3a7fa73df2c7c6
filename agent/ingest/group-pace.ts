import { millis } from '../base/units.ts';
import type { Alarm, Clock } from '../ports/clock.ts';
import { limits } from './limits.ts';

/**
 * When the next group is made. At once while little comes. While an append is under way its commit is waited for, as its successor would
 * wait for it at the disk, unless so much waits that the disk should find it ready, or the disk is slow: stages tell of alarms when they see
 * them, not when they are stored. And while messages come fast, a group is given
 * a few milliseconds to grow, as long as it does: a commit costs as much as some dozen messages (PostgreSQL's `commit_delay`).
 */
export class GroupPace {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #madeMs = -Infinity;
  #isFast = false;
  #alarm: Alarm | null = null;
  /** Steps waited for the next group, and what waited at the beginning of the last one. */
  #steps = 0;
  #bytesBefore = 0;
  /** Fires when the commit under way was waited for long enough. */
  #patience: Alarm | null = null;
  #isOverdue = false;

  /** `wake` asks for another look. */
  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  isDue(waitingBytes: number, { underWay }: { readonly underWay: boolean }): boolean {
    if (waitingBytes >= limits.groupBytesMin || this.#isOverdue) return true;
    if (underWay) this.#wait();
    if (underWay || this.#alarm !== null) return false;
    const isGrowing = this.#steps === 0 || waitingBytes > this.#bytesBefore;
    if (!this.#isFast || !isGrowing || this.#steps === limits.groupGrowthSteps) return true;
    this.#steps++;
    this.#bytesBefore = waitingBytes;
    this.#alarm = this.#clock.after(millis(limits.groupGrowthStepMs), () => {
      this.#alarm = null;
      this.#wake();
    });
    return false;
  }

  /** A group of so many arrivals was made. */
  made(arrivals: number): void {
    const nowMs = this.#clock.monotonic();
    this.#isFast = arrivals >= limits.fastArrivalsPerMs * Math.max(1, nowMs - this.#madeMs);
    this.#madeMs = nowMs;
    this.stop();
  }

  /** Waits for nothing any more. Safe to call twice. */
  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#steps = 0;
    this.#patience?.cancel();
    this.#patience = null;
    this.#isOverdue = false;
  }

  #wait(): void {
    this.#patience ??= this.#clock.after(millis(limits.groupPatienceMs), () => {
      this.#patience = null;
      this.#isOverdue = true;
      this.#wake();
    });
  }
}
