import { type Millis, millis } from '../base/units.ts';
import { uplinkLimits } from './limits.ts';

/** `up`: sends freely. `down`: silent until the next retry. `trying`: one batch is on the way to find out. */
export type LinkState = 'up' | 'down' | 'trying';

export interface Backoff {
  readonly minMs: Millis;
  readonly maxMs: Millis;
}

export interface LinkReport {
  readonly state: LinkState;
  /** Since when nothing has gone through; null while up. */
  readonly downSince: Millis | null;
  /** When the next attempt may leave; null when nothing holds it back. */
  readonly retryAt: Millis | null;
  readonly failuresInRow: number;
  /** What the last failure said. */
  readonly words: string;
}

export type LinkEvent =
  | { readonly kind: 'sent' }
  /** What was counted as sent never left: nothing is learnt about the link. */
  | { readonly kind: 'withdrawn' }
  /** The receiver took a batch, or judged it on its merits. */
  | { readonly kind: 'answered'; readonly taken: boolean }
  /** `random` uniform in [0, 1). `retryAfterMs` as the server asked, `unreachable` when no server was met at all. */
  | {
      readonly kind: 'failed';
      readonly words: string;
      readonly random: number;
      readonly retryAfterMs?: number;
      readonly unreachable?: boolean;
    };

export type LinkEffect =
  | { readonly kind: 'down'; readonly words: string }
  | { readonly kind: 'up'; readonly downMs: Millis };

/**
 * Circuit breaker with full-jitter exponential backoff (Brooker, “Exponential Backoff And Jitter”, AWS 2015). Single
 * failures delay only their own batch; failures in a row, or a host that cannot be met, take the link down, and then one batch
 * at a time finds out whether it is back.
 */
export class LinkHealth {
  readonly #backoff: Backoff;
  #state: LinkState = 'up';
  #downSince: Millis | null = null;
  #firstFailure: Millis | null = null;
  #retryAt: Millis | null = null;
  #failuresInRow = 0;
  #refusalsInRow = 0;
  /** Times in a row the link was found down: the exponent of the pause. */
  #pauses = 0;
  #words = '';

  constructor(backoff: Backoff) {
    this.#backoff = backoff;
  }

  step(event: LinkEvent, now: Millis): readonly LinkEffect[] {
    if (event.kind === 'sent') {
      if (this.#state === 'down') this.#state = 'trying';
      return [];
    }
    if (event.kind === 'withdrawn') {
      if (this.#state === 'trying') this.#state = 'down';
      return [];
    }
    if (event.kind === 'answered') return this.#answered(event.taken, now);
    this.#failuresInRow++;
    this.#firstFailure ??= now;
    this.#words = event.words;
    const askedToWait = event.retryAfterMs !== undefined;
    if (
      this.#state === 'up' &&
      !askedToWait &&
      event.unreachable !== true &&
      this.#failuresInRow < uplinkLimits.failuresToOpen
    ) {
      return [];
    }
    return this.#pause(event, now);
  }

  /** Batches that may leave now, of `free` slots. */
  allowance(free: number, now: Millis): number {
    if (this.#state === 'trying') return 0;
    if (this.#retryAt !== null && now < this.#retryAt) return 0;
    return this.#state === 'up' ? free : Math.min(1, free);
  }

  /** When a batch that failed alone may be sent again. */
  retryOf(attempts: number, random: number, now: Millis): Millis {
    return millis(now + jittered(this.#backoff, attempts, random));
  }

  nextDeadline(): Millis | null {
    return this.#state === 'trying' ? null : this.#retryAt;
  }

  inspect(): LinkReport {
    return {
      state: this.#state,
      downSince: this.#downSince,
      retryAt: this.#retryAt,
      failuresInRow: this.#failuresInRow,
      words: this.#words,
    };
  }

  #answered(taken: boolean, now: Millis): readonly LinkEffect[] {
    this.#failuresInRow = 0;
    this.#firstFailure = null;
    this.#refusalsInRow = taken ? 0 : this.#refusalsInRow + 1;
    if (this.#refusalsInRow >= uplinkLimits.refusalsToOpen) {
      this.#firstFailure = now;
      this.#words = `refused ${this.#refusalsInRow} batches in a row`;
      return this.#pause({ random: 1 }, now);
    }
    const downSince = this.#downSince;
    this.#state = 'up';
    this.#downSince = null;
    this.#retryAt = null;
    this.#pauses = 0;
    return downSince === null ? [] : [{ kind: 'up', downMs: millis(now - downSince) }];
  }

  #pause(why: { random: number; retryAfterMs?: number }, now: Millis): readonly LinkEffect[] {
    const asked = Math.min(Math.max(why.retryAfterMs ?? 0, 0), uplinkLimits.retryAfterMsMax);
    const wasDown = this.#downSince !== null;
    // Several batches fail together when a link breaks; they are one event, not many.
    if (this.#state !== 'down') this.#pauses++;
    const pause = Math.max(asked, jittered(this.#backoff, this.#pauses - 1, why.random));
    this.#retryAt = millis(this.#state === 'down' ? Math.max(this.#retryAt ?? 0, now + asked) : now + pause);
    this.#state = 'down';
    this.#downSince ??= this.#firstFailure ?? now;
    return wasDown ? [] : [{ kind: 'down', words: this.#words }];
  }
}

/** Full jitter: uniform below min(max, min · 2^attempts), never below the floor. */
function jittered(backoff: Backoff, attempts: number, random: number): number {
  const ceiling = Math.min(backoff.maxMs, backoff.minMs * 2 ** Math.min(attempts, 30));
  return Math.max(uplinkLimits.backoffMsFloor, random * ceiling);
}
