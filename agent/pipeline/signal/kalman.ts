import type { FieldKernel, KernelState } from './field-kernel.ts';

export interface KalmanState extends KernelState {
  /** Level in the field's unit, velocity in units per second. */
  level: number;
  velocity: number;
  /** Covariance: level, level with velocity, velocity. */
  p00: number;
  p01: number;
  p11: number;
  /** Innovation squared over its variance at the last step: chi-square with one degree of freedom when the noises are right. */
  surprise: number;
}

export interface KalmanOptions {
  /** `level`: the value wanders; `velocity`: it moves at a speed that wanders. */
  readonly model: 'level' | 'velocity';
  /** Standard deviation of the wandering in one second: of the level (unit), or of the speed (unit/s). > 0. */
  readonly processNoise: number;
  /** Standard deviation of a measurement (unit). > 0. */
  readonly measurementNoise: number;
  /** Measurements further than this many standard deviations from the prediction do not enter; Infinity: all do. > 0. */
  readonly gate: number;
}

/** Variance of the first speed, as multiples of the measurement's: nothing is known of it, and one more value tells it. */
const firstVelocityVariance = 1e6;

/**
 * Kalman filter of one value. `level` is the random walk (Q = q² dt); `velocity` the nearly constant velocity model with white
 * acceleration (Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", §6.2.2:
 * Q = q² [dt³/3 dt²/2; dt²/2 dt]). The covariance is corrected in Joseph's form, which keeps it positive whatever the gain is
 * rounded to. Uncertainty grows with the time since the last measurement, so a gap ends in trust of the next one.
 */
export function kalmanKernel(options: KalmanOptions): FieldKernel<KalmanState> {
  const { model, gate } = options;
  const q = options.processNoise ** 2;
  const r = options.measurementNoise ** 2;
  const moves = model === 'velocity';
  const gateSquared = gate * gate;
  const create = (): KalmanState => ({
    timeMicros: Number.NEGATIVE_INFINITY,
    level: 0,
    velocity: 0,
    p00: 0,
    p01: 0,
    p11: 0,
    surprise: 0,
  });
  return {
    stateBytes: 340,
    create,
    reset: (state) => Object.assign(state, create()),
    step: (state, timeMicros, value) => {
      if (state.timeMicros === Number.NEGATIVE_INFINITY) {
        state.level = value;
        state.p00 = r;
        state.p11 = moves ? r * firstVelocityVariance : 0;
        return value;
      }
      predict(state, { seconds: (timeMicros - state.timeMicros) / 1e6, q, moves });
      const innovation = value - state.level;
      state.surprise = (innovation * innovation) / (state.p00 + r);
      if (state.surprise <= gateSquared) correct(state, innovation, r);
      return state.level;
    },
    write: (writer, state) => {
      for (const name of saved) writer.float64(state[name]);
    },
    read: (reader) => {
      const state = create();
      for (const name of saved) state[name] = reader.float64();
      return state;
    },
  };
}

const saved = ['level', 'velocity', 'p00', 'p01', 'p11', 'surprise'] as const;

function predict(
  state: KalmanState,
  { seconds, q, moves }: { readonly seconds: number; readonly q: number; readonly moves: boolean },
): void {
  if (!moves) {
    state.p00 += q * seconds;
    return;
  }
  const { p01, p11 } = state;
  state.level += state.velocity * seconds;
  state.p00 += seconds * (2 * p01 + seconds * p11) + (q * seconds ** 3) / 3;
  state.p01 = p01 + seconds * p11 + (q * seconds ** 2) / 2;
  state.p11 = p11 + q * seconds;
}

/** P = (I - K H) P (I - K H)ᵀ + K r Kᵀ with H = [1 0]. */
function correct(state: KalmanState, innovation: number, r: number): void {
  const { p00, p01, p11 } = state;
  const k0 = p00 / (p00 + r);
  const k1 = p01 / (p00 + r);
  const rest = 1 - k0;
  state.level += k0 * innovation;
  state.velocity += k1 * innovation;
  state.p00 = rest * rest * p00 + k0 * k0 * r;
  state.p01 = rest * (p01 - k1 * p00) + k0 * k1 * r;
  state.p11 = k1 * k1 * p00 - 2 * k1 * p01 + p11 + k1 * k1 * r;
}
