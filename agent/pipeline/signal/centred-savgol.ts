import { type ByteReader, MalformedBytes } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';
import type { CentredKernel } from './centred-kernel.ts';
import { PolynomialFit } from './polynomial-weights.ts';
import type { SavgolOptions } from './savgol.ts';
import { evenShare } from './savgol.ts';

interface CentredSavgolState {
  /** The last `count` points, oldest first. */
  readonly times: Float64Array;
  readonly values: Float64Array;
  count: number;
}

/**
 * Savitzky–Golay filter in the middle of its window, which is odd. The first and the last half window of a run are read off the
 * polynomials through its first and its last window (scipy's `interp`). Uneven spacing is fitted at its true times; of a run shorter
 * than the window one polynomial through all of it is taken, of a lower order where there are too few points for more.
 */
export function centredSavgolKernel({
  window,
  order,
  derivative,
}: SavgolOptions): CentredKernel<CentredSavgolState> {
  const half = (window - 1) / 2;
  const fit = new PolynomialFit();
  const x = new Float64Array(window);
  const weights = new Float64Array(window);
  const middle = new Float64Array(window);
  for (let i = 0; i < window; i++) x[i] = (i - half) / half;
  fit.weights(x, { count: window, order, derivative, at: 0 }, middle);
  const create = (): CentredSavgolState => ({
    times: new Float64Array(window),
    values: new Float64Array(window),
    count: 0,
  });

  const answer = (state: CentredSavgolState, index: number): number => {
    const { times, values, count } = state;
    const first = times[0]!;
    const halfSpan = (times[count - 1]! - first) / 2;
    let used = middle;
    if (index !== half || !isEven(times, count, window)) {
      for (let i = 0; i < count; i++) x[i] = halfSpan === 0 ? 0 : (times[i]! - first) / halfSpan - 1;
      const at = x[index]!;
      if (fit.weights(x, { count, order, derivative, at }, weights) < derivative) return Number.NaN;
      used = weights;
    }
    let sum = 0;
    for (let i = 0; i < count; i++) sum += used[i]! * values[i]!;
    return derivative === 0 ? sum : sum / (halfSpan / 1e6) ** derivative;
  };
  const answers = (state: CentredSavgolState, from: number, to: number, results: Float64Array): number => {
    for (let index = from; index < to; index++) results[index - from] = answer(state, index);
    return to - from;
  };
  return {
    stateBytes: 200 + 16 * window,
    span: window,
    waitingMax: window,
    create,
    waiting: ({ count }) => (count < window ? count : half),
    push: (state, { timeMicros, value }, results) => {
      const { times, values } = state;
      const isFull = state.count === window;
      if (isFull) {
        times.copyWithin(0, 1);
        values.copyWithin(0, 1);
      } else state.count++;
      times[state.count - 1] = timeMicros;
      values[state.count - 1] = value;
      if (state.count < window) return 0;
      return answers(state, isFull ? half : 0, half + 1, results);
    },
    flush: (state, results) => {
      const { count } = state;
      const answered = answers(state, count === window ? half + 1 : 0, count, results);
      state.count = 0;
      return answered;
    },
    write: writePoints,
    read: (reader) => readPoints(reader, create()),
  };
}

/** Whether the points of a full window are evenly spaced, near enough for fixed weights. */
function isEven(times: Float64Array, count: number, window: number): boolean {
  if (count < window) return false;
  const first = times[0]!;
  const spacing = (times[count - 1]! - first) / (count - 1);
  const allowed = spacing * evenShare;
  for (let i = 1; i < count - 1; i++) if (Math.abs(times[i]! - first - i * spacing) > allowed) return false;
  return spacing > 0;
}

function writePoints(writer: ByteWriter, { times, values, count }: CentredSavgolState): void {
  writer.varint(count);
  for (let i = 0; i < count; i++) {
    writer.float64(times[i]!);
    writer.float64(values[i]!);
  }
}

/** @throws {MalformedBytes} */
function readPoints(reader: ByteReader, state: CentredSavgolState): CentredSavgolState {
  state.count = reader.count(state.values.length, 'values of a window');
  for (let i = 0; i < state.count; i++) {
    state.times[i] = reader.float64();
    state.values[i] = reader.float64();
    if (!Number.isFinite(state.values[i]!)) throw new MalformedBytes('a value of a window');
  }
  return state;
}
