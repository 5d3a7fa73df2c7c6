import type { Tags } from '../reading/batch.ts';
import type { Rung } from './answer.ts';

/** What is left of several readings of a series on a coarse rung: where in time they lie, and sums of each field. */
export interface CoarseReading {
  readonly rung: Exclude<Rung, 'raw'>;
  readonly tags: Tags;
  readonly firstMicros: number;
  readonly lastMicros: number;
  readonly readings: number;
  /** All of them: bad never meets good in one. */
  readonly bad: boolean;
  /** Null: none of them has the field. */
  field(name: string): CoarseField | null;
}

export interface CoarseField {
  /** Finite numbers; sums, extremes and squared distances from the mean are theirs. */
  readonly count: number;
  /** Values that are no numbers. */
  readonly others: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly squares: number;
  /** What `squares` may be off by. */
  readonly squaresError: number;
  /** Items that stand for `n` of the values, floats next to them; ranks are off by `rankError` of `n` at most, counts between two values by `partError`. */
  readonly sketch: {
    readonly n: number;
    readonly items: readonly { readonly value: number; readonly weight: number }[];
    readonly rankError: number;
    readonly partError: number;
    readonly confidence: number;
  } | null;
}
