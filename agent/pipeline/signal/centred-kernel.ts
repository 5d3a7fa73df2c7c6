import type { ByteReader } from '../../base/byte-reader.ts';
import type { ByteWriter } from '../../base/byte-writer.ts';

/**
 * A filter of one numeric field that looks at values before and after the one it judges, and so answers late. Values enter as into a
 * `FieldKernel`; those that entered and have no answer yet wait, in the order they came.
 */
export interface CentredKernel<State> {
  /** Bytes one state takes in memory, about. */
  readonly stateBytes: number;
  /** Values a state is made of at most: the last ones of a run. */
  readonly span: number;
  /** Values that may wait at a time, the one that enters included: the room `results` needs. */
  readonly waitingMax: number;
  create(): State;
  /** Takes a value in; answers how many of those that wait, oldest first, have their result (NaN: none) in `results`. */
  push(
    state: State,
    entry: { readonly timeMicros: number; readonly value: number },
    results: Float64Array,
  ): number;
  /** Results of all that wait, with what there is behind them; the state is then what `create` gives. */
  flush(state: State, results: Float64Array): number;
  waiting(state: State): number;
  write(writer: ByteWriter, state: State): void;
  /** @throws {MalformedBytes} */
  read(reader: ByteReader): State;
}
