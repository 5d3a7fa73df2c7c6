import type { ClockSight } from '../ports/clock.ts';
import { limits } from './limits.ts';

/** Whether the host's wall clock is believed, and why. */
export type ClockStanding =
  /**
   * `sync`: the host says that it is disciplined, or was since it was set. `config`: the operator vouches for it. `step`: it was set
   * in this boot. `unknown`: the host does not tell, and nothing speaks against it.
   */
  | { readonly kind: 'trusted'; readonly by: 'sync' | 'config' | 'step' | 'unknown' }
  /**
   * Nobody has set it since boot. Time is `baseMicros` plus the monotonic clock: it never steps back, and never lies before a time that was
   * committed earlier. `stale`: the wall clock itself stands before such a time.
   */
  | { readonly kind: 'unset'; readonly baseMicros: number; readonly stale: boolean };

/** What earlier processes left behind. */
export interface ClockPast {
  /** The newest wall time known to be past; 0 when none is. */
  readonly floorMicros: number;
  /** What an earlier process of this boot counted from last; null when none did. */
  readonly base: number | null;
  /** Wall time at monotonic 0, as a clock had it that an earlier process of this boot trusted; null when none did. */
  readonly trustedBase: number | null;
}

/** What changes for those who were given times. */
export interface ClockTurn {
  readonly standing: ClockStanding;
  /** Microseconds to add to times that the agent gave out a moment ago, so that they go with those it gives now. */
  readonly shiftMicros: number;
  /** True wall time at monotonic 0, when it is known now: corrects what is stored of this boot. */
  readonly trueBaseMicros: number | null;
  /** The wall clock jumped by so much; 0 when it did not. */
  readonly stepMicros: number;
}

/**
 * Decides whose word a time of arrival is. Pure: looks come from outside. Invariant while `unset`: time given = base + monotonic, base
 * changes only when the clock is set, and time given >= floor.
 *
 * A host that says it is synchronized is always believed, whatever the floor: so a floor that once was years ahead heals. A host that
 * says it is not may have a good clock of its own (RTC) or yesterday's (a file that was restored at boot); nobody can tell them
 * apart, so its times are taken, kept apart, and corrected if synchronization ever says otherwise.
 */
export class ClockJudge {
  readonly #vouched: boolean;
  #standing: ClockStanding = { kind: 'trusted', by: 'unknown' };
  /** Wall minus monotonic at the last look. */
  #drift = 0;
  #floorMicros: number = limits.releaseMicros;

  constructor(options: { readonly vouched: boolean }) {
    this.#vouched = options.vouched;
  }

  get standing(): ClockStanding {
    return this.#standing;
  }

  /** The first judgement, and another once the store told of the past. */
  begin(sight: ClockSight, past: ClockPast): ClockTurn {
    const before = this.#given(sight);
    this.#drift = sight.wallMicros - sight.monotonicMicros;
    this.#floorMicros = Math.max(limits.releaseMicros, past.floorMicros);
    this.#standing = this.#judge(sight, past);
    const changed =
      this.#standing.kind === 'unset' &&
      !this.#standing.stale &&
      past.base !== null &&
      past.base !== this.#standing.baseMicros;
    const known = this.#standing.kind === 'trusted' || changed;
    return this.#turn(sight, { before, trueBaseMicros: known ? this.#drift : null, stepMicros: 0 });
  }

  /** Once a second. Null when nothing changed. */
  look(sight: ClockSight): ClockTurn | null {
    const drift = sight.wallMicros - sight.monotonicMicros;
    const moved = drift - this.#drift;
    const stepMicros = Math.abs(moved) >= limits.clockStepMicrosMin ? moved : 0;
    const before = this.#given(sight);
    this.#drift = drift;
    if (this.#standing.kind === 'trusted') {
      if (sight.synchronized === true && this.#standing.by !== 'config') this.#standing = bySync;
      return stepMicros === 0
        ? null
        : { standing: this.#standing, shiftMicros: 0, trueBaseMicros: null, stepMicros };
    }
    const plausible = stepMicros !== 0 && sight.wallMicros >= this.#floorMicros;
    if (sight.synchronized === true) this.#standing = bySync;
    else if (plausible && sight.synchronized === null) this.#standing = { kind: 'trusted', by: 'step' };
    else if (plausible) this.#standing = { kind: 'unset', baseMicros: drift, stale: false };
    else {
      const { standing } = this;
      return stepMicros === 0 ? null : { standing, shiftMicros: 0, trueBaseMicros: null, stepMicros };
    }
    return this.#turn(sight, { before, trueBaseMicros: drift, stepMicros });
  }

  #judge(sight: ClockSight, past: ClockPast): ClockStanding {
    if (this.#vouched) return { kind: 'trusted', by: 'config' };
    if (sight.synchronized === true) return bySync;
    const { wallMicros, monotonicMicros } = sight;
    const { base, trustedBase } = past;
    if (trustedBase !== null && Math.abs(this.#drift - trustedBase) < limits.clockStepMicrosMin) {
      return { kind: 'trusted', by: 'step' };
    }
    const stale = wallMicros < this.#floorMicros;
    if (sight.synchronized === null && !stale) return { kind: 'trusted', by: 'unknown' };
    const fresh = (stale ? this.#floorMicros : wallMicros) - monotonicMicros;
    // One base for all processes of a boot, so that its times stay in order over restarts of the agent.
    const goesOn =
      base !== null &&
      base + monotonicMicros >= this.#floorMicros &&
      (stale || Math.abs(fresh - base) < limits.clockStepMicrosMin);
    return { kind: 'unset', baseMicros: goesOn ? base : fresh, stale };
  }

  #given({ wallMicros, monotonicMicros }: ClockSight): number {
    return this.#standing.kind === 'unset' ? this.#standing.baseMicros + monotonicMicros : wallMicros;
  }

  #turn(
    sight: ClockSight,
    told: { before: number; trueBaseMicros: number | null; stepMicros: number },
  ): ClockTurn {
    const { before, trueBaseMicros, stepMicros } = told;
    return {
      standing: this.#standing,
      shiftMicros: this.#given(sight) - before,
      trueBaseMicros,
      stepMicros,
    };
  }
}

const bySync: ClockStanding = { kind: 'trusted', by: 'sync' };
