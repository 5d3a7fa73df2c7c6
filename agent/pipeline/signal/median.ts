import type { FieldKernel, KernelState } from './field-kernel.ts';
import { SortedWindow } from './sorted-window.ts';

export interface WindowState extends KernelState {
  readonly window: SortedWindow;
}

/** State and its bytes for kernels that remember the last `window` values and nothing else. */
export function windowKernel(
  window: number,
  answer: (window: SortedWindow, value: number) => number,
): FieldKernel<WindowState> {
  const create = (): WindowState => ({
    timeMicros: Number.NEGATIVE_INFINITY,
    window: new SortedWindow(window),
  });
  return {
    stateBytes: 420 + 16 * window,
    create,
    reset: (state) => state.window.clear(),
    step: (state, _timeMicros, value) => {
      state.window.push(value);
      return answer(state.window, value);
    },
    write: (writer, state) => state.window.write(writer),
    read: (reader) => {
      const state = create();
      state.window.read(reader);
      return state;
    },
  };
}

/** Median of the last `window` values, the present one included; of those there are while fewer have come. */
export function medianKernel(window: number): FieldKernel<WindowState> {
  return windowKernel(window, (values) => values.median());
}

/** 1 / Φ⁻¹(3/4): what makes the median distance an estimate of the standard deviation of normal noise. */
const sigmaPerMedianDistance = 1.482602218505602;
/** Values a window must hold before one of them can be called a spike. */
export const hampelValuesMin = 3;

/**
 * Hampel identifier (Davies and Gather 1993): a value further than `sigmas` × 1.4826 × MAD from the median of the window is a spike
 * and becomes the median; any other stays as it is. `floor`, in the unit of the field, is the least distance of a spike: on a signal
 * flat to its last digit MAD is 0, and without a floor the first step of that digit is one. The window looks back only; values enter
 * it as they came.
 */
export function hampelKernel(options: {
  readonly window: number;
  readonly sigmas: number;
  readonly floor: number;
}): FieldKernel<WindowState> {
  const { sigmas, floor } = options;
  return windowKernel(options.window, (values, value) => {
    if (values.count < hampelValuesMin) return value;
    return hampelValue(values, value, { sigmas, floor });
  });
}

/** The value, or the median of the window where the value is a spike in it. */
export function hampelValue(
  values: SortedWindow,
  value: number,
  { sigmas, floor }: { readonly sigmas: number; readonly floor: number },
): number {
  const median = values.median();
  const distance = Math.abs(value - median);
  if (distance <= floor) return value;
  return distance > sigmas * sigmaPerMedianDistance * values.medianDistance(median) ? median : value;
}
