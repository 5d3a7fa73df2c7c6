import { micros, millis, second, type Micros, type Millis } from '../base/units.ts';
import type { Alarm, Clock, ClockWatch } from '../ports/clock.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { ClockJudge, type ClockPast, type ClockStanding, type ClockTurn } from './clock-judge.ts';
import { clockJudged, clockSet, clockStepped } from './events.ts';

/** Between two looks at the host's clocks. */
const lookMs = millis(1 * second);

/**
 * The clock the agent lives by: the host's wall clock where that is trusted, else the newest time known plus the monotonic clock. See
 * {@link ClockJudge} for when.
 */
export class AgentClock implements Clock {
  readonly #host: Clock;
  readonly #watch: ClockWatch;
  readonly #judge: ClockJudge;
  #baseMicros: number | null = null;
  #alarm: Alarm | null = null;

  /** `vouched`: the operator says that the clock is right. */
  constructor(options: { host: Clock; watch: ClockWatch; vouched: boolean }) {
    this.#host = options.host;
    this.#watch = options.watch;
    this.#judge = new ClockJudge(options);
    this.#adopt(this.#judge.begin(this.#watch.look(), { floorMicros: 0, base: null, trustedBase: null }));
  }

  monotonic(): Millis {
    return this.#host.monotonic();
  }

  wall(): Micros {
    return this.#baseMicros === null
      ? this.#host.wall()
      : micros(this.#baseMicros + this.#watch.monotonicMicros());
  }

  after(delay: Millis, wake: () => void): Alarm {
    return this.#host.after(delay, wake);
  }

  get standing(): ClockStanding {
    return this.#judge.standing;
  }

  /** What {@link wall} is counted from; null while the wall clock is trusted. */
  get baseMicros(): number | null {
    return this.#baseMicros;
  }

  /** Judges again, knowing the past, and looks once a second from then on. `turned` hears of every change, the first at once. */
  start(options: { past: ClockPast; telemetry: Telemetry; turned: (turn: ClockTurn) => void }): void {
    if (this.#alarm !== null) return;
    const { past, telemetry, turned } = options;
    const first = this.#judge.begin(this.#watch.look(), past);
    this.#adopt(first);
    clockJudged(telemetry, first.standing);
    turned(first);
    const look = (): void => {
      this.#alarm = this.#host.after(lookMs, look);
      const before = this.#judge.standing;
      const turn = this.#judge.look(this.#watch.look());
      if (turn === null) return;
      this.#adopt(turn);
      if (turn.stepMicros !== 0) clockStepped(telemetry, turn.stepMicros / 1e6);
      if (turn.standing !== before) clockSet(telemetry, turn.standing, turn.shiftMicros / 1e6);
      turned(turn);
    };
    this.#alarm = this.#host.after(lookMs, look);
  }

  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
  }

  #adopt({ standing }: ClockTurn): void {
    this.#baseMicros = standing.kind === 'unset' ? standing.baseMicros : null;
  }
}
