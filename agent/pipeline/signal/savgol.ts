import type { FieldKernel, KernelState } from './field-kernel.ts';
import { PolynomialFit } from './polynomial-weights.ts';

interface SavgolState extends KernelState {
  /** Values and times in rings; `next` is the slot of the oldest once `count` is the window. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  count: number;
  next: number;
  /** The last spacing and how many values in a row had it. */
  spacingMicros: number;
  evenRun: number;
}

export interface SavgolOptions {
  /** Values fitted, 2 … 255. */
  readonly window: number;
  /** Order of the polynomial, 0 … 5, below `window`. */
  readonly order: number;
  /** 0: the smoothed value; 1, 2: its derivative in units per second (squared). */
  readonly derivative: number;
}

/** Spacings that differ by less than this share count as even. */
export const evenShare = 1e-3;

/**
 * Savitzky–Golay filter at the newest point (causal): the polynomial of `order` that fits the last `window` values best, taken at the
 * present one. Even spacing uses fixed weights; uneven spacing (jitter, a lost value) is fitted at its true times, so a signal that
 * is a polynomial of the order comes out as it is in either case. With fewer values than the window those there are; NaN while they
 * cannot carry the derivative.
 */
export function savgolKernel(options: SavgolOptions): FieldKernel<SavgolState> {
  const { window, order, derivative } = options;
  const fit = new PolynomialFit();
  const x = new Float64Array(window);
  const weights = new Float64Array(window);
  const even = new Float64Array(window);
  for (let i = 0; i < window; i++) x[i] = -(window - 1 - i) / (window - 1);
  fit.weights(x, { count: window, order, derivative, at: 0 }, even);
  const create = (): SavgolState => ({
    timeMicros: Number.NEGATIVE_INFINITY,
    times: new Float64Array(window),
    values: new Float64Array(window),
    count: 0,
    next: 0,
    spacingMicros: 0,
    evenRun: 0,
  });
  const answer = (state: SavgolState, newest: number): number => {
    const { count, times, values } = state;
    const oldest = count === window ? state.next : 0;
    const span = newest - times[oldest]!;
    const isEven = count === window && state.evenRun >= window - 1;
    if (!isEven) {
      for (let i = 0; i < count; i++) {
        const slot = oldest + i < window ? oldest + i : oldest + i - window;
        x[i] = span === 0 ? 0 : (times[slot]! - newest) / span;
      }
      if (fit.weights(x, { count, order, derivative, at: 0 }, weights) < derivative) return Number.NaN;
    }
    const used = isEven ? even : weights;
    let sum = 0;
    let i = 0;
    for (let slot = oldest; slot < count; slot++) sum += used[i++]! * values[slot]!;
    for (let slot = 0; slot < oldest; slot++) sum += used[i++]! * values[slot]!;
    return derivative === 0 ? sum : sum / (span / 1e6) ** derivative;
  };
  return {
    stateBytes: 460 + 16 * window,
    create,
    reset: (state) => {
      state.count = 0;
      state.next = 0;
      state.evenRun = 0;
    },
    step: (state, timeMicros, value) => {
      enter(state, window, { timeMicros, value });
      return answer(state, timeMicros);
    },
    write: (writer, state) => {
      writer.varint(state.count);
      const oldest = state.count === window ? state.next : 0;
      for (let i = 0; i < state.count; i++) {
        const slot = (oldest + i) % window;
        writer.float64(state.times[slot]!);
        writer.float64(state.values[slot]!);
      }
      writer.float64(state.spacingMicros);
      writer.varint(state.evenRun);
    },
    read: (reader) => {
      const state = create();
      const count = reader.count(window, 'values of a window');
      for (let i = 0; i < count; i++)
        enter(state, window, { timeMicros: reader.float64(), value: reader.float64() });
      state.spacingMicros = reader.float64();
      state.evenRun = reader.count(window, 'even spacings');
      return state;
    },
  };
}

function enter(
  state: SavgolState,
  window: number,
  { timeMicros, value }: { readonly timeMicros: number; readonly value: number },
): void {
  if (state.count > 0) {
    const before = state.times[state.next === 0 ? window - 1 : state.next - 1]!;
    const spacing = timeMicros - before;
    const isEven = Math.abs(spacing - state.spacingMicros) <= evenShare * state.spacingMicros;
    if (isEven && spacing > 0) state.evenRun = Math.min(state.evenRun + 1, window);
    else {
      state.spacingMicros = spacing;
      state.evenRun = spacing > 0 ? 1 : 0;
    }
  }
  state.times[state.next] = timeMicros;
  state.values[state.next] = value;
  state.next = state.next + 1 === window ? 0 : state.next + 1;
  if (state.count < window) state.count++;
}
