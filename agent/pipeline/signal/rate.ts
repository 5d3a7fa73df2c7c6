import type { FieldKernel, KernelState } from './field-kernel.ts';

interface RateState extends KernelState {
  value: number;
}

export interface RateOptions {
  /** `gauge`: any change counts. `counter`: only growth does; a fall is a wrap or a restart. */
  readonly kind: 'gauge' | 'counter';
  /** `rate`: change by `perMicros`. `increase`: the change itself. */
  readonly emit: 'rate' | 'increase';
  readonly perMicros: number;
  /** Bits of a counter that wraps to 0; null: one that does not, whose every fall is a restart. */
  readonly bits: number | null;
}

/**
 * Change since the value before. A counter that falls has wrapped when it has `bits` and the way over the top is the shorter half of
 * its range; else it was set back to 0 and has counted to its present value since, as Prometheus' `increase` reads it. The first
 * value, and one at the same time as the one before, have no rate (a second value at one time has an increase). Counters beyond 2^53
 * lose their last digits.
 */
export function rateKernel(options: RateOptions): FieldKernel<RateState> {
  const { kind, emit, perMicros } = options;
  const range = options.bits === null ? 0 : 2 ** options.bits;
  const create = (): RateState => ({ timeMicros: Number.NEGATIVE_INFINITY, value: 0 });
  return {
    stateBytes: 260,
    create,
    reset: (state) => {
      state.timeMicros = Number.NEGATIVE_INFINITY;
    },
    step: (state, timeMicros, value) => {
      const since = timeMicros - state.timeMicros;
      if (since === Number.POSITIVE_INFINITY) {
        state.value = value;
        return Number.NaN;
      }
      // At one moment there is no rate; what was counted then belongs to the next span.
      if (since === 0 && emit === 'rate') return Number.NaN;
      let change = value - state.value;
      if (change < 0 && kind === 'counter') {
        const wrapped = change + range;
        change = wrapped > 0 && wrapped < range / 2 ? wrapped : value;
      }
      state.value = value;
      return emit === 'increase' ? change : (change * perMicros) / since;
    },
    write: (writer, state) => writer.float64(state.value),
    read: (reader) => ({ ...create(), value: reader.float64() }),
  };
}
