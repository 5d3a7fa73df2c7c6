import { assert } from '../base/assert.ts';
import { micros, type Micros, type Millis } from '../base/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { partChanged, readinessChanged } from './events.ts';
import { limits } from './limits.ts';

/**
 * `ok` works; `starting` has not worked yet; `degraded` works with less (an uplink down, readings wait); `failed` does not
 * work.
 */
export type PartState = 'ok' | 'starting' | 'degraded' | 'failed';

export interface PartHealth {
  /** `kind.name`: `source.line`, `uplink.cloud`, `disk`. */
  readonly name: string;
  readonly state: PartState;
  /** In words, for people; '' when there is nothing to say. */
  readonly reason: string;
  /** Since when the state holds, by the wall clock as it stands now: a clock that is set does not make it longer. */
  readonly since: Micros;
  /** The agent is not ready while it is starting or failed. */
  readonly needed: boolean;
}

interface KnownPart extends Omit<PartHealth, 'since'> {
  readonly sinceMs: Millis;
}

/** What each part says of itself. A part is declared by assembly and reports from then on. */
export class Health {
  readonly #clock: Clock;
  readonly #telemetry: Telemetry;
  readonly #parts = new Map<string, KnownPart>();
  #ready = false;

  constructor(clock: Clock, telemetry: Telemetry) {
    this.#clock = clock;
    this.#telemetry = telemetry;
  }

  /** Begins with `starting`. A part declared again keeps its state and may change its need. */
  declare(name: string, { needed }: { readonly needed: boolean }): void {
    const known = this.#parts.get(name);
    assert(
      known !== undefined || this.#parts.size < limits.parts,
      'parts are configured, and configurations are bounded',
    );
    this.#parts.set(
      name,
      known === undefined
        ? { name, state: 'starting', reason: 'not started yet', sinceMs: this.#clock.monotonic(), needed }
        : { ...known, needed },
    );
    this.#weigh();
  }

  /** Takes a part away, after a reload. */
  withdraw(name: string): void {
    if (this.#parts.delete(name)) this.#weigh();
  }

  /** @throws {Bug} for a part that was not declared. The same state again only refreshes the reason. */
  report(name: string, state: PartState, reason = ''): void {
    const known = this.#parts.get(name);
    assert(known !== undefined, `part ${name} is declared before it reports`);
    const changed = known.state !== state;
    const sinceMs = changed ? this.#clock.monotonic() : known.sinceMs;
    this.#parts.set(name, { ...known, state, reason, sinceMs });
    if (!changed) return;
    partChanged(this.#telemetry, { name, from: known.state, to: state, reason });
    this.#weigh();
  }

  /** True when every needed part is ok or degraded, and there is at least one part. */
  get ready(): boolean {
    return this.#ready;
  }

  /** By name. */
  parts(): readonly PartHealth[] {
    const [wall, monotonic] = [this.#clock.wall(), this.#clock.monotonic()];
    return [...this.#parts.values()]
      .map(({ sinceMs, ...part }) => ({ ...part, since: micros(wall - (monotonic - sinceMs) * 1000) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #weigh(): void {
    let ready = this.#parts.size > 0;
    for (const part of this.#parts.values()) {
      if (part.needed && part.state !== 'ok' && part.state !== 'degraded') ready = false;
    }
    if (ready === this.#ready) return;
    this.#ready = ready;
    readinessChanged(this.#telemetry, ready);
  }
}
