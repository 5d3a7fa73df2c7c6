import type { Fidelity } from '../ports/store.ts';

/** Account of one range between its first send and its settlement. */
export interface Carriage {
  /** Readings the receiver refused, with its words; left out of the next attempt and settled with the range. */
  readonly refused: Map<number, string>;
  /** Of what was sent and refused: readings that became coarser since are other lines. */
  fidelity: Fidelity | null;
  /** Bytes sent for the range so far. */
  bytes: number;
}
