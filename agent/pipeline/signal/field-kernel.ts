import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

/** What every filter of one field remembers of a series; `timeMicros` is kept by who drives the kernel. */
export interface KernelState {
  /** Event time of the last value that entered; -Infinity before the first. */
  timeMicros: number;
}

/**
 * A filter of one numeric field, one value after the other. Values that enter are finite, of good or uncertain quality, and not
 * older than the one before. A kernel holds options only; what it learns is in the state.
 */
export interface FieldKernel<State extends KernelState> {
  /** Bytes one state takes in memory, about. */
  readonly stateBytes: number;
  create(): State;
  /** Back to what `create` gives, for a series that begins anew. */
  reset(state: State): void;
  /** The filtered value at `timeMicros` >= state.timeMicros; NaN: there is none. */
  step(state: State, timeMicros: number, value: number): number;
  write(writer: ByteWriter, state: State): void;
  /** @throws {MalformedBytes} */
  read(reader: ByteReader): State;
}
