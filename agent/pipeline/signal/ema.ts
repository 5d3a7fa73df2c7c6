import type { FieldKernel, KernelState } from './field-kernel.ts';

interface EmaState extends KernelState {
  mean: number;
}

/**
 * Exponential moving average of a series with uneven spacing (Eckner, "Algorithms for Unevenly Spaced Time Series: Moving Averages
 * and Other Rolling Operators", next-point scheme): mean += (1 - e^(-dt / tau)) × (value - mean), the first value as it is. `tauMicros`
 * > 0 is the time constant: a step shows 63.2 % of itself after it. A value at the time of the one before adds nothing.
 */
export function emaKernel(tauMicros: number): FieldKernel<EmaState> {
  // Most series come at an even pace: the weight of the last spacing is kept.
  let spacing = 0;
  let weight = 0;
  const create = (): EmaState => ({ timeMicros: Number.NEGATIVE_INFINITY, mean: 0 });
  return {
    stateBytes: 260,
    create,
    reset: (state) => {
      state.timeMicros = Number.NEGATIVE_INFINITY;
    },
    step: (state, timeMicros, value) => {
      if (state.timeMicros === Number.NEGATIVE_INFINITY) return (state.mean = value);
      const since = timeMicros - state.timeMicros;
      if (since !== spacing) {
        spacing = since;
        weight = -Math.expm1(-since / tauMicros);
      }
      return (state.mean += weight * (value - state.mean));
    },
    write: (writer, state) => writer.float64(state.mean),
    read: (reader) => ({ ...create(), mean: reader.float64() }),
  };
}
